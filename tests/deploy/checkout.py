"""The project in a folder of its own, and the commands of its Makefile that speak to AWS."""

import json
import os
import shutil
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from lambda_api.manifest import MANIFEST_FILE, Manifest, read_bundle
from tests.checkout import copy_project

NEEDED = (
    ".dockerignore",
    "Dockerfile.lambda",
    "Makefile",
    "cdk.json",
    "infra",
    "env_file",
    "lambda_api",
    "models",
)
# The CDK's command line asks nothing, tells nobody and paints nothing.
QUIET = {"CI": "true", "NO_COLOR": "1", "CDK_DISABLE_CLI_TELEMETRY": "true"}
FLAGS = "--no-notices --no-version-reporting"


class CommandFailed(RuntimeError):
    """What a command printed last."""


@dataclass(frozen=True)
class Checkout:
    """A copy of the project, which may be changed.

    Attributes:
        folder: where it is.
        environment: where AWS is, and docker.
    """

    folder: Path
    environment: dict[str, str]

    @classmethod
    def of_project(cls, folder: Path, environment: dict[str, str]) -> "Checkout":
        """Copy what `cdk deploy` needs; the copy has this Python's environment as its `.venv`."""
        copy_project(NEEDED, folder)
        (folder / ".venv").symlink_to(sys.prefix)
        return cls(folder, environment)

    def make(self, target: str, arguments: str = "", **context: str) -> str:
        """What `make` prints, with `arguments` and `context` for the CDK's command line."""
        settings = " ".join(f"-c {name}={value}" for name, value in context.items())
        process = subprocess.Popen(
            ["make", "--no-print-directory", target, f"ARGS={arguments} {settings} {FLAGS}"],
            cwd=self.folder,
            env={**self.environment, **QUIET},
            start_new_session=True,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        try:
            printed, _ = process.communicate()
        except BaseException:  # Ctrl-C, or too long: nothing of what `make` has started stays
            os.killpg(process.pid, signal.SIGKILL)
            process.communicate()
            raise
        if process.returncode:
            raise CommandFailed(f"make {target}: …{printed[-5000:]}")
        return printed

    def deploy(self, **context: str) -> dict[str, str]:
        """Deploy the stack. Returns its outputs by name."""
        file = self.folder / "outputs.json"
        self.make("deploy", f"--require-approval=never --outputs-file={file}", **context)
        (outputs,) = json.loads(file.read_text()).values()
        return outputs

    def add_bundle(self, folder: str, *, like: Path, **changes: object) -> Manifest:
        """Make a bundle with another manifest than the one it is like. Returns the manifest."""
        manifest, _ = read_bundle(like)
        changed = manifest.model_copy(update=changes)
        changed = changed.model_copy(update={"version": changed.content_version()})
        shutil.copytree(like, self.folder / folder)
        (self.folder / folder / MANIFEST_FILE).write_text(changed.model_dump_json())
        return changed
