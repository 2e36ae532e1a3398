"""`python -m lambda_api call` against a running service."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.conftest import ROOT
from tests.lambda_api.server import Server, running

Call = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="module")
def server(
    tmp_path_factory: pytest.TempPathFactory, credentials: tuple[str, str], bundle: Path
) -> Iterator[Server]:
    with running(tmp_path_factory.mktemp("server"), credentials, bundle) as server:
        yield server


@pytest.fixture
def call(server: Server, tmp_path: Path) -> Call:
    """Return a function that runs the command where `.env` has the settings, in UTF-16."""
    username, password = server.credentials
    lines = f"API_URL='{server.url}'\r\nAPI_USERNAME={username}\r\nAPI_PASSWORD=\"{password}\"\r\n"
    (tmp_path / ".env").write_bytes(lines.encode("utf-16"))
    clean = {name: value for name, value in os.environ.items() if not name.startswith("API_")}

    def run(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "lambda_api", "call", *arguments],
            cwd=tmp_path,
            env=clean | {"PYTHONPATH": str(ROOT)} | environment,
            capture_output=True,
            text=True,
        )

    return run


def test_call_classifies_a_picture(call: Call, photo: bytes, tmp_path: Path) -> None:
    (tmp_path / "photo.jpg").write_bytes(photo)

    predicted = call("photo.jpg")
    explained = call("photo.jpg", "--route", "/explain?grid=2")

    assert (predicted.returncode, predicted.stderr) == (0, "")
    assert json.loads(predicted.stdout)["image"]["width"] == 640
    assert json.loads(explained.stdout)["explanation"]["grid"] == 2


@pytest.mark.parametrize("route", ["/health", "/model"])
def test_call_gets_a_route(call: Call, route: str) -> None:
    result = call(route)

    assert (result.returncode, result.stderr) == (0, "")
    assert json.loads(result.stdout)


def test_call_overrides_the_file_by_the_environment(call: Call) -> None:
    result = call("/model", API_PASSWORD="another-password")

    assert result.returncode == 1
    assert json.loads(result.stdout)["status"] == 401
    assert "Set API_USERNAME and API_PASSWORD" in result.stderr


@pytest.mark.parametrize(
    ("arguments", "environment", "message"),
    [
        (["none.jpg"], {}, "none.jpg cannot be read: No such file"),
        (["/health", "--url", "http://127.0.0.1:9"], {}, "127.0.0.1:9 does not respond"),
        (["/health", "--url", "127.0.0.1"], {}, "'127.0.0.1' is not an address"),
        (["/health"], {"API_PASSWORD": "'quoted'"}, "API_PASSWORD has quotes"),
        (["/health"], {"API_PASSWORD": "scrypt$1$2"}, "API_PASSWORD is a hash"),
    ],
)
def test_call_reports_errors_in_a_sentence(
    call: Call, arguments: list[str], environment: dict[str, str], message: str
) -> None:
    result = call(*arguments, **environment)

    assert (result.returncode, result.stdout) == (2, "")
    assert result.stderr.startswith("error: ")
    assert message in result.stderr


def test_call_sends_a_token_instead_of_the_password(call: Call) -> None:
    result = call("/model", API_TOKEN="a.b.c")

    assert result.returncode == 1
    assert "Set API_USERNAME and API_PASSWORD, or API_TOKEN" in result.stderr
