"""A copy of the project, and its make targets that call AWS."""

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
from tests.conftest import ROOT

NEEDED = (
    ".dockerignore",
    "Dockerfile.lambda",
    "Makefile",
    "cdk.json",
    "infra",
    "env_file",
    "lambda_api",
    "models",
    "benchmarks/results",  # the speed of a picture, for the rates of bulk classification
)
# No prompts, no telemetry and no colors in the CDK command line.
QUIET = {"CI": "true", "NO_COLOR": "1", "CDK_DISABLE_CLI_TELEMETRY": "true"}
# A commit may have other locks, but the environment is that of the tests.
SHARED = ("INFRA_READY=",)
FLAGS = "--no-notices --no-version-reporting"


class CommandFailed(RuntimeError):
    """A command failed. The message has the end of its output."""


@dataclass(frozen=True)
class Checkout:
    """A copy of the project that tests may change.

    Attributes:
        folder: folder of the copy.
        environment: environment variables of the commands, with the addresses of AWS and docker.
    """

    folder: Path
    environment: dict[str, str]

    @classmethod
    def of_project(cls, folder: Path, environment: dict[str, str]) -> "Checkout":
        """Copy the files that `cdk deploy` needs. `.venv` links to the environment of the tests."""
        copy_project(NEEDED, folder)
        (folder / ".venv").symlink_to(sys.prefix)
        return cls(folder, environment)

    @classmethod
    def of_commit(cls, commit: str, folder: Path, environment: dict[str, str]) -> "Checkout":
        """Copy the files that `cdk deploy` needs as they were in a commit."""
        archive = subprocess.run(
            ["git", "-C", ROOT, "archive", commit, *NEEDED], check=True, capture_output=True
        ).stdout
        subprocess.run(["tar", "-x", "-C", folder], input=archive, check=True)
        (folder / ".venv").symlink_to(sys.prefix)
        return cls(folder, environment)

    def make(self, target: str, arguments: str = "", **context: str) -> str:
        """Run a make target with `arguments` and `context` for the CDK. Returns its output."""
        settings = " ".join(f"-c {name}={value}" for name, value in context.items())
        process = subprocess.Popen(
            [
                "make",
                "--no-print-directory",
                target,
                *SHARED,
                f"ARGS={arguments} {settings} {FLAGS}",
            ],
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
        except BaseException:  # on Ctrl-C or a timeout, kill all processes that make started
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
        """Copy the bundle `like` with `changes` to its manifest. Returns the new manifest."""
        manifest, _ = read_bundle(like)
        changed = manifest.model_copy(update=changes)
        changed = changed.model_copy(update={"version": changed.content_version()})
        shutil.copytree(like, self.folder / folder)
        # Only what changes: the previous release rejects fields that it does not know.
        document = json.loads((like / MANIFEST_FILE).read_bytes())
        document |= changed.model_dump(mode="json", include={*changes, "version"})
        (self.folder / folder / MANIFEST_FILE).write_text(json.dumps(document))
        return changed
