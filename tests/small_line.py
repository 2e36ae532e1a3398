"""Fixtures for tests of several folders: a small data set, a run trained on it, its bundle."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.once import make_once

# A network that trains in seconds, as options of the command line. `small_run` and the tests of
# resuming train with augmentation, which takes longer to compile.
SMALL_NETWORK = ["--architecture", "custom_cnn", "--weights", "none", "--image-size", "32"]
SMALL_NETWORK += ["--augmentation", "none"]

# Limits of the gate for its 15 validation pictures: one picture is seven points.
LENIENT: dict[str, float] = {
    "max_accuracy_drop": 0.1,
    "max_recall_drop": 0.25,
    "min_agreement": 0.9,
    "max_calibration_error_rise": 0.1,
}


@pytest.fixture(scope="session")
def crops(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Random crops of three real photos: per class, 24 for training and 8 for the test."""
    return make_once(tmp_path_factory, "crops", _write_crops)


def _write_crops(root: Path) -> None:
    import skimage
    import sklearn

    skimage_data = Path(skimage.__file__).parent / "data"
    photos = {
        "hubble": skimage_data / "hubble_deep_field.jpg",
        "coffee": skimage_data / "coffee.png",
        "flower": Path(sklearn.__file__).parent / "datasets" / "images" / "flower.jpg",
    }
    rng = np.random.default_rng(0)
    for name, path in photos.items():
        photo = Image.open(path).convert("RGB")
        for i in range(32):
            left, top = rng.integers(0, photo.width - 160), rng.integers(0, photo.height - 160)
            crop = photo.crop((left, top, left + 160, top + 160)).resize((96, 96))
            folder = root / ("train" if i < 24 else "test") / name
            folder.mkdir(parents=True, exist_ok=True)
            crop.save(folder / f"{i:02}.jpg", quality=95)


@pytest.fixture(scope="session")
def small_run(crops: Path, tmp_path_factory: pytest.TempPathFactory) -> object:
    """A finished run of a small network on `crops`."""
    from training.config import TrainingConfig
    from training.run.folder import Run
    from training.train import train

    config = TrainingConfig(
        architecture="custom_cnn",
        weights="none",
        image_size=64,
        upscale=1.25,
        learning_rate=1e-3,
        epochs=6,
        batch_size=8,
    )
    return Run(make_once(tmp_path_factory, "runs/small", lambda run: train(crops, run, config)))


@pytest.fixture(scope="session")
def small_bundle(crops: Path, small_run: object, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The bundle of `small_run`."""
    from convert.bundle import make_bundle
    from lambda_api.evaluation import Thresholds

    def make(folder: Path) -> None:
        thresholds = Thresholds(**LENIENT)
        make_bundle(small_run, crops, folder, thresholds=thresholds, calibration_pictures=40)

    return make_once(tmp_path_factory, "models/small", make)
