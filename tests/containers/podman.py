"""podman for tests: for root, on a machine without systemd, with a storage of its own."""

import os
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import IO

# Default limits cannot be raised in a sandbox, and crun does not start there.
CONFIGURATION = """
[containers]
default_ulimits = []
[engine]
cgroup_manager = "cgroupfs"
events_logger = "file"
runtime = "runc"
"""
STATE = Path("/run/landscape-classifier")  # what must not outlive a reboot
LOCAL_WHEELS = "[global]\nno-index = true\nfind-links = /wheels\n"


class PodmanError(RuntimeError):
    """What a failed command printed last."""


class Podman:
    """Images and containers in a folder of their own: no one else shall meet a stand-in there.

    Attributes:
        command: how podman is called.
        environment: what that command needs besides the machine's.
    """

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        configuration = folder / "containers.conf"
        configuration.write_text(CONFIGURATION)
        self.command = ["podman", f"--root={folder / 'storage'}", f"--runroot={STATE}"]
        self.environment = {
            "CONTAINERS_CONF": str(configuration),
            "DISABLE_HC_SYSTEMD": "true",  # which would ask for health; here, tests do
        }

    def _run(
        self, *arguments: str | Path, stdin: IO[bytes] | None = None
    ) -> subprocess.CompletedProcess[str]:
        result = subprocess.run(
            [*self.command, *arguments],
            env={**os.environ, **self.environment},
            stdin=stdin,
            capture_output=True,
            text=True,
        )
        if result.returncode:
            printed = result.stdout + result.stderr
            raise PodmanError(f"podman {arguments[0]}: …{printed[-3000:]}")
        return result

    def __call__(self, *arguments: str | Path, stdin: IO[bytes] | None = None) -> str:
        """What a command prints, its warnings apart."""
        return self._run(*arguments, stdin=stdin).stdout.strip()

    def logs(self, container: str) -> str:
        """What a container has printed; its stdout comes first."""
        result = self._run("logs", container)
        return result.stdout + result.stderr

    def has_image(self, name: str) -> bool:
        return name in self("images", "--format={{.Repository}}:{{.Tag}}").splitlines()

    def forget_old_builds(self) -> None:
        """Remove layers of more than a week ago that no tagged image needs."""
        self("image", "prune", "--force", "--filter=until=168h")

    def build(self, context: Path, *options: str, wheels: Path) -> None:
        """Build an image without a network; pip finds `wheels` and nothing else."""
        with self.build_options(wheels) as offline:
            self("build", *offline, *options, context)

    @contextmanager
    def build_options(self, wheels: Path) -> Iterator[list[str]]:
        """With which a build needs no network; pip finds `wheels` and nothing else."""
        with TemporaryDirectory() as folder:
            pip = Path(folder) / "pip.conf"
            pip.write_text(LOCAL_WHEELS)
            yield [
                "--format=docker",  # OCI's has no health check
                "--network=none",
                f"--volume={pip}:/etc/pip.conf:ro",
                f"--volume={wheels}:/wheels:ro",
            ]

    @contextmanager
    def container(self, image: str, port: int, *options: str) -> Iterator[str]:
        """The id of a running container; it has no capabilities and may write to /tmp only."""
        how = ("--read-only", "--cap-drop=all", f"--publish=127.0.0.1::{port}")
        container = self("run", "--detach", *how, *options, image)
        try:
            yield container
        finally:
            self("rm", "--force", "--time=0", container)

    @contextmanager
    def docker_api(self) -> Iterator[str]:
        """The address at which it answers as docker does, for tools that know docker only."""
        with TemporaryDirectory() as folder:
            socket = Path(folder) / "podman.sock"
            address = f"unix://{socket}"
            service = subprocess.Popen(
                [*self.command, "system", "service", "--time=0", address],
                env={**os.environ, **self.environment},
                start_new_session=True,  # on Ctrl-C, it is ended after those who need it
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )
            try:
                while not socket.exists() and service.poll() is None:
                    time.sleep(0.1)
                yield address
            finally:
                service.terminate()
                service.wait()

    def python(self, image: str, program: str, *options: str) -> str:
        """What a Python program prints in a container of an image."""
        return self("run", "--rm", "--entrypoint=python3", *options, image, "-c", program)

    def address(self, container: str) -> str:
        """Where a container's one published port is found."""
        return "http://" + self("port", container).rpartition(" ")[2]
