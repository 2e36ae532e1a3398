"""Plain FastAPI with Mangum on Lambda. No thread: a Lambda has one request at a time."""

from fastapi import FastAPI, UploadFile
from mangum import Mangum
from scenes import Scenes

scenes = Scenes()
app = FastAPI()


@app.post("/predict")
async def predict(file: UploadFile):
    return scenes.predict(await file.read())


handler = Mangum(app, lifespan="off")
