"""Build and run images with docker if its daemon runs, otherwise with podman."""

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from shutil import which

from tests.containers.images import LAMBDA_BASE
from tests.containers.podman import Podman

SHIM = Path(__file__).parent / "docker.sh"


@dataclass(frozen=True)
class Engine:
    """docker or podman.

    Attributes:
        command: command line of the program.
        environment: additional environment variables of the command.
        api: address of the Docker API, as in DOCKER_HOST.
        host: address of this machine for containers.
        build_options: options for every build.
        image_names: file with the names of the images that the CDK tagged.
    """

    command: list[str]
    environment: dict[str, str]
    api: str
    host: str
    build_options: list[str]
    image_names: Path

    def __call__(self, *arguments: str) -> str:
        """Run a command and return its output."""
        return _output([*self.command, *arguments], **self.environment)

    def for_cdk(self) -> dict[str, str]:
        """Return variables that make the CDK build with this engine, and publish nothing."""
        return {
            **self.environment,
            "CDK_DOCKER": str(SHIM),
            "DOCKER_HOST": self.api,
            "ENGINE": " ".join(self.command),
            "ENGINE_BUILD_OPTIONS": " ".join(self.build_options),
            "ENGINE_IMAGE_NAMES": str(self.image_names),
        }

    def remove_images(self) -> None:
        """Remove the images of the CDK. Keep their layers, which speed up the next build."""
        if self.image_names.exists():
            self("rmi", "--no-prune", *set(self.image_names.read_text().splitlines()))


def docker_is_running() -> bool:
    """Return whether docker is installed and its daemon responds."""
    if which("docker") is None:
        return False
    return subprocess.run(["docker", "info"], capture_output=True).returncode == 0


def docker(folder: Path) -> Engine:
    """Create an engine for docker on Linux. Builds use real base images and the network."""
    bridge = "--format={{(index .IPAM.Config 0).Gateway}}"
    return Engine(
        command=["docker"],
        environment={},
        api=_output(["docker", "context", "inspect", "--format={{.Endpoints.docker.Host}}"]),
        host=_output(["docker", "network", "inspect", "bridge", bridge]),
        build_options=[],
        image_names=folder / "images",
    )


@contextmanager
def podman_as_docker(podman: Podman, wheels: Path, folder: Path) -> Iterator[Engine]:
    """Create an engine for podman. Builds use stand-ins and need no network."""
    bridge = "--format={{(index .Subnets 0).Gateway}}"
    with podman.docker_api() as api, podman.build_options(wheels) as build_options:
        yield Engine(
            command=podman.command,
            environment=podman.environment,
            api=api,
            host=podman("network", "inspect", "podman", bridge),
            build_options=[*build_options, f"--build-arg=BASE={LAMBDA_BASE}"],
            image_names=folder / "images",
        )


def _output(command: list[str], **environment: str) -> str:
    run = subprocess.run(
        command, env={**os.environ, **environment}, capture_output=True, text=True, check=True
    )
    return run.stdout.strip()
