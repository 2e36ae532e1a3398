"""Flask, for gunicorn."""

from flask import Flask, request
from scenes import Scenes

scenes = Scenes()
app = Flask(__name__)


@app.post("/predict")
def predict():
    return scenes.predict(request.files["file"].read())
