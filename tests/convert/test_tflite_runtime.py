"""Bundles of every scheme in tflite-runtime 2.14, the last release (October 2023)."""

import platform
import subprocess
import sys
from pathlib import Path
from shutil import which

import numpy as np
import pytest
from keras.models import load_model

from convert.candidate import OLDEST_RUNTIME
from convert.model_file import min_runtime
from convert.quantize import converter, exported
from convert.schemes import SCHEMES
from lambda_api.classifier import Network
from lambda_api.manifest import MODEL_FILE, Scheme, read_bundle
from tests.conftest import skip_or_fail
from tests.environments import python_environment
from training.data import read_folder, read_picture
from training.networks.build import logits_model
from training.run.folder import Run

PARTS = Path(__file__).parent / "tflite_runtime"


@pytest.fixture(scope="session")
def tflite_python() -> Path:
    """Python with tflite-runtime in its own environment, created once for each machine."""
    python = sys.executable if sys.version_info[:2] == (3, 11) else which("python3.11")
    if python is None:
        skip_or_fail("tflite-runtime needs Python 3.11, and there is no python3.11")
    if (sys.platform, platform.machine()) != ("linux", "x86_64"):
        skip_or_fail("tflite-runtime is pinned for Linux on x86-64 here")
    try:
        return python_environment("tflite", PARTS / "requirements.txt", python) / "python"
    except subprocess.CalledProcessError as error:
        skip_or_fail(f"tflite-runtime cannot be installed: {error.stderr[-300:]}")


def logits_of(python: Path, model: bytes, pixels: np.ndarray, folder: Path) -> np.ndarray:
    (folder / MODEL_FILE).write_bytes(model)
    np.save(folder / "pixels.npy", pixels)
    command = [python, PARTS / "logits.py", folder]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return np.load(folder / "logits.npy")


@pytest.mark.parametrize("scheme", SCHEMES)
def test_every_scheme_predicts_the_same_in_tflite_runtime(
    tflite_python: Path,
    small_bundles: dict[Scheme, Path],
    crops: Path,
    tmp_path: Path,
    scheme: Scheme,
) -> None:
    _, model = read_bundle(small_bundles[scheme])
    network = Network(model)
    test = read_folder(crops / "test")
    pixels = np.stack([read_picture(test.root / path, network.size[0]) for path in test.paths])
    here = np.stack([network.logits(picture) for picture in pixels])
    there = logits_of(tflite_python, model, pixels, tmp_path)

    assert (here.argmax(axis=1) == there.argmax(axis=1)).mean() > 0.95
    assert np.abs(here - there).max() < 0.1 * np.abs(here).max()


def test_min_runtime_tells_which_files_tflite_runtime_loads(
    tflite_python: Path, small_bundles: dict[Scheme, Path], small_run: Run, tmp_path: Path
) -> None:
    for folder in small_bundles.values():
        assert min_runtime(read_bundle(folder)[1]) <= OLDEST_RUNTIME
    with exported(logits_model(load_model(small_run.model_path, compile=False))) as saved:
        newer = converter(saved, "dynamic", tuple)
        newer._experimental_disable_per_channel_quantization_for_dense_layers = False
        model = bytes(newer.convert())

    assert min_runtime(model) > OLDEST_RUNTIME
    with pytest.raises(AssertionError, match="FULLY_CONNECTED"):
        logits_of(tflite_python, model, np.zeros((1, 64, 64, 3), np.uint8), tmp_path)


def test_project_s_bundle_runs_in_tflite_runtime(
    tflite_python: Path, bundle: Path, photo: bytes, tmp_path: Path
) -> None:
    from lambda_api import images

    _, model = read_bundle(bundle)
    network = Network(model)
    pixels = images.decode(photo, network.size).pixels
    there = logits_of(tflite_python, model, pixels[np.newaxis], tmp_path)[0]

    assert there.argmax() == network.logits(pixels).argmax()
    assert np.abs(there - network.logits(pixels)).max() < 0.5
