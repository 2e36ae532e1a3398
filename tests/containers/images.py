"""Build both images with podman, on stand-ins for the base images."""

import os
import platform
import subprocess
from pathlib import Path
from shutil import which

import pytest

from tests.conftest import ROOT, skip_or_fail
from tests.containers.podman import Podman
from tests.containers.wheels import fetch
from tests.environments import CACHE, lock_of, python_environment

STAND_IN = Path(__file__).parent / "stand_in"
SUITE, PACKAGE = "trixie", "python3-venv"
DEBIAN = f"localhost/debian:{SUITE}-{PACKAGE}"
# Names of the stand-ins, without the digests that Dockerfiles may pin.
LAMBDA_BASE = "public.ecr.aws/lambda/python:3.13"
PAGE_BASE = "docker.io/library/python:3.13-slim"
UNUSED = ("./var/cache/apt", "./var/lib/apt/lists", "./usr/share/doc", "./usr/share/locale")


@pytest.fixture(scope="session")
def podman() -> Podman:
    tools = ("podman", "runc", "debootstrap")
    if missing := [tool for tool in tools if which(tool) is None]:
        install = f"apt-get install --no-install-recommends {' '.join(tools)}"
        skip_or_fail(f"{', '.join(missing)} not found; on Debian: {install}")
    if os.geteuid() != 0:
        skip_or_fail("debootstrap and the containers need root")
    if platform.machine() != "x86_64":
        skip_or_fail("the images are for x86-64")
    with lock_of("containers"):
        podman = Podman(CACHE / "containers")
        podman.remove_old_builds()
    return podman


@pytest.fixture(scope="session")
def debian(podman: Podman, tmp_path_factory: pytest.TempPathFactory) -> str:
    """Name of a minimal Debian image with Python, created once per machine."""
    with lock_of("debian"):
        if not podman.has_image(DEBIAN):
            _import_debian(podman, tmp_path_factory.mktemp("debian"))
    return DEBIAN


def _import_debian(podman: Podman, tree: Path) -> None:
    subprocess.run(
        ["debootstrap", "--variant=minbase", f"--include={PACKAGE}", SUITE, tree],
        stdout=subprocess.DEVNULL,
        check=True,
    )
    command = ["tar", f"--directory={tree}", *(f"--exclude={x}" for x in UNUSED), "-c", "."]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as tar:
        podman("import", "-", DEBIAN, stdin=tar.stdout)


def _wheels(requirements: Path) -> Path:
    return fetch(requirements, CACHE / "wheels")


def _build_base(podman: Podman, debian: str, target: str, name: str) -> None:
    packages = _wheels(STAND_IN / "requirements.txt")
    options = (f"--build-arg=DEBIAN={debian}", f"--target={target}", f"--tag={name}")
    with lock_of("bases"):  # another worker may build the same image; its layers are then reused
        podman.build(STAND_IN, *options, wheels=packages)


@pytest.fixture(scope="session")
def lambda_bases(podman: Podman, debian: str) -> None:
    """Build the stand-in for the AWS base image, and one without its C++ library."""
    _build_base(podman, debian, "lambda", LAMBDA_BASE)
    _build_base(podman, debian, "lambda-without-libstdc", f"{LAMBDA_BASE}-without-libstdc")


@pytest.fixture(scope="session")
def lambda_wheels() -> Path:
    return _wheels(ROOT / "lambda_api" / "requirements.txt")


@pytest.fixture(scope="session")
def lambda_arm64_wheels() -> Path:
    return fetch(ROOT / "lambda_api" / "requirements.txt", CACHE / "wheels", "aarch64")


@pytest.fixture(scope="session")
def lambda_image(podman: Podman, lambda_bases: None, lambda_wheels: Path) -> str:
    name = "landscape-classifier"
    options = ("--file=Dockerfile.lambda", f"--build-arg=BASE={LAMBDA_BASE}", f"--tag={name}")
    podman.build(ROOT, *options, wheels=lambda_wheels)
    return name


@pytest.fixture(scope="session")
def sam_image(podman: Podman, lambda_bases: None, lambda_wheels: Path) -> str:
    """Image that `sam local` can extend, with the name in template.yaml."""
    name = "landscape-classifier:local"
    options = ("--file=Dockerfile.lambda", f"--build-arg=BASE={LAMBDA_BASE}", f"--tag={name}")
    podman.build(ROOT, *options, "--target=service", wheels=lambda_wheels)
    return name


@pytest.fixture(scope="session")
def sam() -> Path:
    """Path of the AWS SAM CLI in its own environment, created once per machine."""
    return python_environment("sam", Path(__file__).parent / "sam" / "requirements.txt") / "sam"


@pytest.fixture(scope="session")
def page_image(podman: Podman, debian: str) -> str:
    _build_base(podman, debian, "slim", PAGE_BASE)
    name = "landscape-page"
    packages = _wheels(ROOT / "frontend" / "requirements.txt")
    options = ("--file=Dockerfile-streamlit", f"--build-arg=BASE={PAGE_BASE}", f"--tag={name}")
    podman.build(ROOT, *options, wheels=packages)
    return name
