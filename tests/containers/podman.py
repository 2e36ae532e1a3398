"""Podman for tests: as root, without systemd, with separate storage."""

import os
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import IO

# In a sandbox, the default ulimits cannot be raised, and crun does not start.
CONFIGURATION = """
[containers]
default_ulimits = []
[engine]
cgroup_manager = "cgroupfs"
events_logger = "file"
runtime = "runc"
"""
STATE = Path("/run/landscape-classifier")  # state that must not survive a reboot
LOCAL_WHEELS = "[global]\nno-index = true\nfind-links = /wheels\n"


class PodmanError(RuntimeError):
    """A podman command failed. The message has the end of its output."""


class Podman:
    """Podman with its storage in `folder`, so that other users of podman never get a stand-in.

    Attributes:
        command: the command line of podman with its options.
        environment: additional environment variables of the command.
    """

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        configuration = folder / "containers.conf"
        configuration.write_text(CONFIGURATION)
        self.command = ["podman", f"--root={folder / 'storage'}", f"--runroot={STATE}"]
        self.environment = {
            "CONTAINERS_CONF": str(configuration),
            "DISABLE_HC_SYSTEMD": "true",  # tests run the health check themselves
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
        """Run a command and return its stdout."""
        return self._run(*arguments, stdin=stdin).stdout.strip()

    def logs(self, container: str) -> str:
        """Return the output of a container, stdout first."""
        result = self._run("logs", container)
        return result.stdout + result.stderr

    def has_image(self, name: str) -> bool:
        return name in self("images", "--format={{.Repository}}:{{.Tag}}").splitlines()

    def remove_old_builds(self) -> None:
        """Remove layers older than a week that no tagged image uses."""
        self("image", "prune", "--force", "--filter=until=168h")

    def build(self, context: Path, *options: str, wheels: Path) -> None:
        """Build an image without a network. pip only finds the files in `wheels`."""
        with self.build_options(wheels) as offline:
            self("build", *offline, *options, context)

    @contextmanager
    def build_options(self, wheels: Path) -> Iterator[list[str]]:
        """Yield options for a build without a network. pip only finds the files in `wheels`."""
        with TemporaryDirectory() as folder:
            pip = Path(folder) / "pip.conf"
            pip.write_text(LOCAL_WHEELS)
            yield [
                "--format=docker",  # the OCI format has no health check
                "--network=none",
                f"--volume={pip}:/etc/pip.conf:ro",
                f"--volume={wheels}:/wheels:ro",
            ]

    @contextmanager
    def container(self, image: str, port: int, *options: str) -> Iterator[str]:
        """Run a container without capabilities that can only write to /tmp. Yields its id."""
        limits = ("--read-only", "--cap-drop=all", f"--publish=127.0.0.1::{port}")
        container = self("run", "--detach", *limits, *options, image)
        try:
            yield container
        finally:
            self("rm", "--force", "--time=0", container)

    @contextmanager
    def docker_api(self) -> Iterator[str]:
        """Serve the Docker API, for tools that only support Docker. Yields its address."""
        with TemporaryDirectory() as folder:
            socket = Path(folder) / "podman.sock"
            address = f"unix://{socket}"
            service = subprocess.Popen(
                [*self.command, "system", "service", "--time=0", address],
                env={**os.environ, **self.environment},
                start_new_session=True,  # on Ctrl-C, its clients have to end first
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
        """Run a Python program in a container of an image. Returns its output."""
        return self("run", "--rm", "--entrypoint=python3", *options, image, "-c", program)

    def address(self, container: str) -> str:
        """Return the URL of the only published port of a container."""
        return "http://" + self("port", container).rpartition(" ")[2]
