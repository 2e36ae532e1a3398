"""Plain FastAPI, as its documentation shows: for uvicorn, and with Mangum for Lambda."""

from fastapi import FastAPI, UploadFile
from scenes import Scenes

scenes = Scenes()
app = FastAPI()


@app.post("/predict")
def predict(file: UploadFile):
    return scenes.predict(file.file.read())
