"""Fixtures of the deployment test: docker or podman, the AWS emulator, a checkout."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import skip_or_fail
from tests.deploy import emulator as emulators
from tests.deploy import engine as engines
from tests.deploy.checkout import Checkout
from tests.deploy.emulator import REGION, Emulator
from tests.deploy.engine import Engine
from tests.deploy.service import Service
from tests.environments import node_modules, python_environment

HERE = Path(__file__).parent
NO_CANARY = {"canary": "false"}  # the emulator has no CodeDeploy
PHOTOS = "photos"  # bucket with the pictures of the bulk runs
SETTINGS = {**NO_CANARY, "bulk_inputs": f"s3://{PHOTOS}/in/"}


@pytest.fixture(scope="module")
def image_wheels(lambda_wheels: Path) -> Path:
    """Folder of the wheels that builds of the service's image find."""
    return lambda_wheels


@pytest.fixture(scope="module")
def engine(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Engine]:
    if sys.platform != "linux":
        skip_or_fail("the emulator needs a network bridge to its containers, which only Linux has")
    folder = tmp_path_factory.mktemp("engine")
    if engines.docker_is_running():
        engine = engines.docker(folder)
        yield engine
        engine.remove_images()
        return
    podman = request.getfixturevalue("podman")
    request.getfixturevalue("lambda_bases")
    wheels = request.getfixturevalue("image_wheels")
    with engines.podman_as_docker(podman, wheels, folder) as engine:
        yield engine
        engine.remove_images()


@pytest.fixture(scope="session")
def aws_tools() -> Path:
    """Folder of the AWS CLI and of the Python with the emulator."""
    return python_environment("ministack", HERE / "ministack" / "requirements.txt")


@pytest.fixture(scope="module")
def emulator(
    engine: Engine, aws_tools: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Emulator]:
    modules = node_modules("lambda-sdk", HERE / "ministack" / "package-lock.json")
    folder = tmp_path_factory.mktemp("emulator")
    with emulators.running(aws_tools / "python", modules, engine, folder) as emulator:
        yield emulator


@pytest.fixture(scope="module")
def checkout(
    engine: Engine, emulator: Emulator, tmp_path_factory: pytest.TempPathFactory
) -> Checkout:
    environment = {**emulator.environment, **engine.for_cdk()}
    return Checkout.of_project(tmp_path_factory.mktemp("checkout"), environment)


@pytest.fixture(scope="module")
def service(checkout: Checkout, emulator: Emulator, aws_tools: Path) -> Service:
    """The service after its first deployment to a new account."""
    checkout.make("bootstrap", f"aws://{emulator.account}/{REGION}")
    return Service(checkout.deploy(**SETTINGS), emulator, aws_tools)
