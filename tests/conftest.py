"""Fixtures for all folders: real pictures, weights, the bundle and the browser."""

import gc
import os
import signal
import sys
from collections.abc import Sequence
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from shutil import which

import pytest
from botocore.loaders import JSONFileLoader
from hypothesis import HealthCheck, settings

# Images often set PYTHONDONTWRITEBYTECODE. Then every process of a test compiles its imports again:
# TensorFlow takes 11 seconds instead of 4.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False

pytest_plugins = ["tests.small_line", "tests.containers.images"]

# A busy machine exceeds hypothesis' time limits.
settings.register_profile("tests", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("tests")

ROOT = Path(__file__).parents[1]
SHARED = ROOT.parent / "shared"

# The longest first, so that no worker starts one when the others have finished.
LONGEST = (
    "deploy",  # two files, which wait for minutes
    "training/test_network.py",
    "training/test_bad_input.py",
    "e2e/test_page_states.py",
    "containers",  # these wait for the same images as deploy/
    "training/test_run.py",
    "lambda_api/test_schemathesis.py",
    "e2e/test_own_pictures.py",
    "training/test_resume.py",
    "training/test_workers.py",
    "training",
    "e2e",
    "scripts",
    "convert",
    "infra",
    "benchmarks",
    "lambda_api",
)

# Each boto3 session parses its descriptions of AWS anew, in half a second.
_parse = JSONFileLoader.load_file
_parse_once = cache(lambda path: _parse(JSONFileLoader(), path))
JSONFileLoader.load_file = lambda _, path: _parse_once(path)

# `nohup make test &` starts pytest with SIGINT ignored, which child processes would inherit.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the longest tests first; pytest-xdist keeps the order of files."""

    def place(item: pytest.Item) -> int:
        path = item.path.relative_to(ROOT / "tests")
        names = {path.parts[0], path.as_posix()}
        return min(LONGEST.index(name) if name in LONGEST else len(LONGEST) for name in names)

    items.sort(key=place)


@pytest.fixture(scope="module", autouse=True)
def _spare_garbage_collections() -> None:
    """Leave out what lives on, TensorFlow above all: Streamlit collects garbage after each run."""
    gc.collect()
    gc.freeze()


def skip_or_fail(reason: str) -> None:
    """Skip the test, or fail it if LANDSCAPE_REQUIRE_ALL=1, as in `.ci/run`."""
    if os.environ.get("LANDSCAPE_REQUIRE_ALL") == "1":
        pytest.fail(f"{reason} (LANDSCAPE_REQUIRE_ALL=1)")
    pytest.skip(reason)


@pytest.fixture(scope="session")
def shared_pictures() -> Path:
    """Folder with part of the Intel scenes: train/ and test/ with one folder per class."""
    folder = Path(os.environ.get("LANDSCAPE_DATA") or SHARED / "intel")
    if not (folder / "test").is_dir():
        skip_or_fail(f"no scene pictures in {folder}; set LANDSCAPE_DATA to their folder")
    return folder


@pytest.fixture(scope="session")
def shared_weights() -> Path:
    """File with the ImageNet weights of MobileNetV2 without its top."""
    file = SHARED / "weights" / "mobilenet_v2_ema_notop.weights.h5"
    if not file.is_file():
        skip_or_fail(f"no ImageNet weights at {file}")
    return file


CHROMIUMS = ("chromium", "chromium-browser", "google-chrome")


def _browser(names: Sequence[str]) -> str:
    path = next((found for name in names if (found := which(name))), None)
    if path is None:
        skip_or_fail(f"Chromium not found; on Debian: apt-get install {names[0]}")
    return str(path)


@pytest.fixture(scope="session")
def chromium() -> str:
    """The path of a Chromium browser; of one without windows, if installed, which is faster."""
    return _browser(("chromium-headless-shell", *CHROMIUMS))


@pytest.fixture(scope="session")
def chromium_with_windows() -> str:
    """The path of a Chromium browser that can ask for permissions."""
    return _browser(CHROMIUMS)


@pytest.fixture(scope="session")
def bundle() -> Path:
    """Folder of the bundle that is included in the project."""
    return ROOT / "models" / "intel-scenes"


@pytest.fixture(scope="session")
def photo() -> bytes:
    """A real JPEG, 640x427: a palace above a forest, by danielbuechele (CC BY 2.0)."""
    sklearn = find_spec("sklearn")  # located without importing it, which takes a second
    assert sklearn is not None
    assert sklearn.submodule_search_locations
    folder = Path(sklearn.submodule_search_locations[0])
    return (folder / "datasets" / "images" / "china.jpg").read_bytes()
