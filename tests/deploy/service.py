"""The deployed service, as those who use it and those who run it meet it."""

import subprocess
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import requests

from tests.conftest import ROOT
from tests.deploy import page
from tests.deploy.emulator import Emulator


class CommandFailed(RuntimeError):
    """A command, and what it printed."""


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
        # Not every machine knows that names under `localhost` are its own.
        host = {"Host": urlsplit(self.outputs["Endpoint"]).netloc}
        headers = {**host, **options.pop("headers", {})}
        return requests.request(
            method, f"{self.emulator.url}{path}", headers=headers, timeout=60, **options
        )

    def shell(self, commands: str, folder: Path | None = None, **variables: str) -> str:
        """What commands print in the shell of someone with the AWS CLI."""
        path = f"{self.tools}:{self.emulator.environment['PATH']}"
        run = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", commands],
            cwd=folder,
            env={**self.emulator.environment, "PATH": path, **variables},
            capture_output=True,
            text=True,
        )
        if run.returncode:
            raise CommandFailed(f"{commands}\n{run.stdout}{run.stderr}")
        return run.stdout.strip()

    def operate(self, *starts: str, **variables: str) -> str:
        """What commands of docs/operations.md print; `starts` is how each begins."""
        return self.shell(page.script(*starts), ROOT, **variables)

    def credentials(self) -> tuple[str, str]:
        """User and password, read as the deployment says."""
        return self.outputs["Username"], self.shell(self.outputs["PasswordCommand"])
