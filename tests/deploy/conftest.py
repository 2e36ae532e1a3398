"""What the story of a deployment needs: docker or podman, an emulator of AWS, a checkout."""

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


@pytest.fixture(scope="module")
def engine(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Engine]:
    if sys.platform != "linux":
        skip_or_fail("the emulator shares a network bridge with its containers as on Linux alone")
    folder = tmp_path_factory.mktemp("engine")
    if engines.docker_answers():
        engine = engines.docker(folder)
        yield engine
        engine.forget_images()
        return
    podman = request.getfixturevalue("podman")
    request.getfixturevalue("lambda_bases")
    wheels = request.getfixturevalue("lambda_wheels")
    with engines.podman_as_docker(podman, wheels, folder) as engine:
        yield engine
        engine.forget_images()


@pytest.fixture(scope="session")
def aws_tools() -> Path:
    """The folder of `aws`, and of the Python that has the emulator."""
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
    """The service as it is after its first deployment to a new account."""
    checkout.make("bootstrap", f"aws://{emulator.account}/{REGION}")
    return Service(checkout.deploy(**NO_CANARY), emulator, aws_tools)
