"""Run `python -m lambda_api classify`."""

import os
import subprocess
import sys

from lambda_api.__main__ import main
from tests.conftest import ROOT


def run(*arguments: object) -> int:
    """Run the command in this process. Returns its exit code."""
    return main(["classify", *map(str, arguments)])


def start(*arguments: object, **environment: str) -> subprocess.Popen[str]:
    """Start the command in a process, outside of the repository."""
    return subprocess.Popen(
        [sys.executable, "-m", "lambda_api", "classify", *map(str, arguments)],
        cwd="/",
        env=os.environ | {"PYTHONPATH": str(ROOT)} | environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
