"""The deployed service, for its users and its operators."""

import subprocess
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import requests

from tests.conftest import ROOT
from tests.deploy import page
from tests.deploy.emulator import Emulator


class CommandFailed(RuntimeError):
    """A command failed. The message has the command and its output."""


@dataclass(frozen=True)
class Service:
    """A deployed stack.

    Attributes:
        outputs: outputs of the stack, by name.
        emulator: emulator that runs the stack.
        tools: folder of the AWS CLI.
    """

    outputs: dict[str, str]
    emulator: Emulator
    tools: Path

    def request(self, method: str, path: str, **options: object) -> requests.Response:
        """Send a request to the HTTP API. `options` are those of `requests`."""
        # Not every machine resolves names under `localhost`.
        host = {"Host": urlsplit(self.outputs["Endpoint"]).netloc}
        headers = {**host, **options.pop("headers", {})}
        return requests.request(
            method, f"{self.emulator.url}{path}", headers=headers, timeout=60, **options
        )

    def shell(self, commands: str, folder: Path | None = None, **variables: str) -> str:
        """Run commands in a shell with the AWS CLI. Returns their output."""
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
        """Run commands of docs/operations.md, given by their beginnings. Returns their output."""
        return self.shell(page.script(*starts), ROOT, **variables)

    def credentials(self) -> tuple[str, str]:
        """Return username and password, read with the command that the deployment prints."""
        return self.outputs["Username"], self.shell(self.outputs["PasswordCommand"])

    def model_version(self) -> str:
        """Return the version of the model that the service runs now."""
        answer = self.request("GET", "/model", auth=self.credentials())
        assert answer.status_code == 200, answer.text
        return str(answer.json()["version"])
