"""Fixtures of the conversion tests: a run that int8 breaks, and bundles of every scheme."""

import shutil
from pathlib import Path

import keras
import pytest

from convert.bundle import make_bundle
from convert.schemes import SCHEMES
from lambda_api.evaluation import Thresholds
from lambda_api.manifest import Scheme
from tests.once import make_once
from tests.small_line import LENIENT
from training.run.folder import Run

LOUD = 2000.0


@pytest.fixture(scope="session")
def broken_run(small_run: Run, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """`small_run` with one channel of each layer scaled up by `LOUD` and down again after it.

    The float results stay the same. In int8, the loud channel takes the whole range, and nothing is
    left of the others (Nagel et al. 2019, arXiv:1906.04721, section 3).
    """
    run = Run(tmp_path_factory.mktemp("runs") / "broken")
    shutil.copytree(small_run.folder, run.folder)
    model = keras.models.load_model(run.model_path, compile=False)
    convolutions = [x for x in model.layers if isinstance(x, keras.layers.Conv2D)]
    norms = [x for x in model.layers if isinstance(x, keras.layers.BatchNormalization)]
    for norm, following in zip(norms[:-1], convolutions[1:], strict=True):
        gamma, beta, mean, variance = norm.get_weights()
        gamma[0] *= LOUD
        beta[0] *= LOUD
        norm.set_weights([gamma, beta, mean, variance])
        (kernel,) = following.get_weights()
        kernel[:, :, 0] /= LOUD
        following.set_weights([kernel])
    model.save(run.model_path)
    return run


@pytest.fixture(scope="session")
def small_bundles(
    small_run: Run, crops: Path, tmp_path_factory: pytest.TempPathFactory
) -> dict[Scheme, Path]:
    """Bundles of the small run, one for each scheme, with the layer errors of int8 in `debug`."""

    def make(folder: Path) -> None:
        for scheme in SCHEMES:
            make_bundle(
                small_run,
                crops,
                folder / scheme,
                scheme=scheme,
                thresholds=Thresholds(**LENIENT),
                calibration_pictures=20,
                debug=folder / "debug" if scheme == "int8" else None,
            )

    folder = make_once(tmp_path_factory, "schemes", make)
    return {scheme: folder / scheme for scheme in SCHEMES}
