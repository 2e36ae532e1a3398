"""The deployed service, as its users and operators meet it."""

import subprocess
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import requests

from tests.deploy.emulator import Emulator


@dataclass(frozen=True)
class Service:
    """A deployed stack.

    Attributes:
        outputs: of the stack, by name.
        emulator: where it stands.
        tools: the folder of `aws`.
    """

    outputs: dict[str, str]
    emulator: Emulator
    tools: Path

    def request(self, method: str, path: str, **options: object) -> requests.Response:
        """Ask the HTTP API; `options` are those of `requests`."""
        # The name of the API is a host's, but not every resolver knows `localhost` to have such.
        host = urlsplit(self.outputs["Endpoint"]).netloc
        return requests.request(
            method, f"{self.emulator.url}{path}", headers={"Host": host}, timeout=60, **options
        )

    def shell(self, command: str, folder: Path | None = None, **variables: str) -> str:
        """What a command line prints to the shell of someone with the AWS CLI."""
        path = f"{self.tools}:{self.emulator.environment['PATH']}"
        run = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", command],
            cwd=folder,
            env={**self.emulator.environment, "PATH": path, **variables},
            capture_output=True,
            text=True,
        )
        if run.returncode:
            raise RuntimeError(f"{command}\n{run.stdout}{run.stderr}")
        return run.stdout.strip()
