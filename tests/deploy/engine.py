"""What builds and runs images here: docker where it answers, or else podman by docker's API."""

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
        command: how it is called.
        environment: what that command needs besides the machine's.
        api: the address of docker's API, as DOCKER_HOST has it.
        host: the address at which containers find this machine.
        build_options: of every build.
        named: a file with the names that the CDK has given to images.
    """

    command: list[str]
    environment: dict[str, str]
    api: str
    host: str
    build_options: list[str]
    named: Path

    def __call__(self, *arguments: str) -> str:
        """What a command prints."""
        return _output([*self.command, *arguments], **self.environment)

    def for_cdk(self) -> dict[str, str]:
        """Variables with which the CDK builds by this engine, and publishes nowhere."""
        return {
            **self.environment,
            "CDK_DOCKER": str(SHIM),
            "DOCKER_HOST": self.api,
            "ENGINE": " ".join(self.command),
            "ENGINE_BUILD_OPTIONS": " ".join(self.build_options),
            "ENGINE_NAMED": str(self.named),
        }

    def forget_images(self) -> None:
        """Remove the images of the CDK, but not the layers that make the next build short."""
        if self.named.exists():
            self("rmi", "--no-prune", *set(self.named.read_text().splitlines()))


def docker_answers() -> bool:
    """Whether there is docker with its daemon."""
    if which("docker") is None:
        return False
    return subprocess.run(["docker", "info"], capture_output=True).returncode == 0


def docker(folder: Path) -> Engine:
    """docker on Linux, which gets bases and packages from where they are published."""
    bridge = "--format={{(index .IPAM.Config 0).Gateway}}"
    return Engine(
        command=["docker"],
        environment={},
        api=_output(["docker", "context", "inspect", "--format={{.Endpoints.docker.Host}}"]),
        host=_output(["docker", "network", "inspect", "bridge", bridge]),
        build_options=[],
        named=folder / "images",
    )


@contextmanager
def podman_as_docker(podman: Podman, wheels: Path, folder: Path) -> Iterator[Engine]:
    """podman, whose builds need no network."""
    bridge = "--format={{(index .Subnets 0).Gateway}}"
    with podman.docker_api() as api, podman.build_options(wheels) as build_options:
        yield Engine(
            command=podman.command,
            environment=podman.environment,
            api=api,
            host=podman("network", "inspect", "podman", bridge),
            build_options=[*build_options, f"--build-arg=BASE={LAMBDA_BASE}"],
            named=folder / "images",
        )


def _output(command: list[str], **environment: str) -> str:
    run = subprocess.run(
        command, env={**os.environ, **environment}, capture_output=True, text=True, check=True
    )
    return run.stdout.strip()
