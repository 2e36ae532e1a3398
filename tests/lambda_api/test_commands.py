"""`python -m lambda_api hash-password`, and the help of all commands."""

import subprocess
import sys

import pytest
from fastapi.testclient import TestClient

from lambda_api.app import create_app
from lambda_api.loaded_model import LoadedModel
from lambda_api.settings import Settings
from tests.conftest import ROOT

PASSWORD = "kX8-w2m.Pq41 grüß"


def hash_password(line: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "lambda_api", "hash-password"],
        cwd=ROOT,
        input=line,
        capture_output=True,
        encoding="utf-8",
    )


def test_hash_from_the_command_works_as_a_password(loaded_model: LoadedModel) -> None:
    result = hash_password(f"{PASSWORD}\n")
    assert (result.returncode, result.stderr) == (0, "")
    settings = Settings(api_username="anna", api_password=result.stdout.strip())
    client = TestClient(create_app(settings, loaded_model=loaded_model))
    assert client.get("/model", auth=("anna", PASSWORD.encode())).status_code == 200
    assert client.get("/model", auth=("anna", result.stdout.strip())).status_code == 401


@pytest.mark.parametrize("line", ["", "short\n", "password-of-mine\n"])
def test_a_weak_password_is_not_hashed(line: str) -> None:
    result = hash_password(line)

    assert (result.returncode, result.stdout) == (2, "")
    assert result.stderr.startswith("error: the password ")


HELP = """
import sys
from lambda_api.__main__ import main
try:
    main(sys.argv[1:])
except SystemExit as error:
    assert error.code == 0
print([name for name in ("ai_edge_litert", "numpy", "fastapi", "pydantic") if name in sys.modules])
"""


@pytest.mark.parametrize("command", [[], ["classify"], ["call"], ["openapi"], ["hash-password"]])
def test_help_imports_no_large_library(command: list[str]) -> None:
    result = subprocess.run(
        [sys.executable, "-c", HELP, *command, "--help"], cwd=ROOT, capture_output=True, text=True
    )

    assert (result.returncode, result.stderr) == (0, "")
    assert result.stdout.startswith("usage: python -m lambda_api")
    assert result.stdout.splitlines()[-1] == "[]"
