"""BentoML, for `bentoml serve`."""

import os
from pathlib import Path

import bentoml
from scenes import Scenes


@bentoml.service(workers=int(os.environ["WORKERS"]))
class Service:
    """One model in each worker process."""

    def __init__(self) -> None:
        self.scenes = Scenes()

    @bentoml.api
    def predict(self, file: Path) -> dict:
        return self.scenes.predict(file.read_bytes())
