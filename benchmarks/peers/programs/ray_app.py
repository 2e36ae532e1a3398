"""Ray Serve: `python ray_app.py PORT WORKERS`."""

import sys

import ray
from fastapi import FastAPI, UploadFile
from ray import serve
from scenes import Scenes

app = FastAPI()


@serve.deployment(num_replicas=int(sys.argv[2]), max_ongoing_requests=100)
@serve.ingress(app)
class Service:
    """One model in each replica."""

    def __init__(self):
        self.scenes = Scenes()

    @app.post("/predict")
    def predict(self, file: UploadFile) -> dict:
        return self.scenes.predict(file.file.read())


if __name__ == "__main__":
    ray.init(num_cpus=int(sys.argv[2]), include_dashboard=False, log_to_driver=False)
    serve.start(http_options={"host": "127.0.0.1", "port": int(sys.argv[1])})
    serve.run(Service.bind(), blocking=True)
