"""LitServe: `python litserve_app.py PORT WORKERS`."""

import sys

import litserve
from fastapi import UploadFile
from scenes import Scenes


class Api(litserve.LitAPI):
    """Decoding and inference in worker processes."""

    def setup(self, device):
        self.scenes = Scenes()

    def decode_request(self, request: UploadFile):
        return request.file.read()

    def predict(self, data):
        return self.scenes.predict(data)

    def encode_response(self, answer):
        return answer


if __name__ == "__main__":
    server = litserve.LitServer(
        Api(api_path="/predict"), accelerator="cpu", workers_per_device=int(sys.argv[2])
    )
    server.run(host="127.0.0.1", port=int(sys.argv[1]), generate_client_file=False)
