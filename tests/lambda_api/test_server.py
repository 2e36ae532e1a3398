"""The service under uvicorn, asked over HTTP by the clients that people use."""

import http.client
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from time import sleep

import pytest
import requests

from tests.lambda_api.asgi import basic

ROOT = Path(__file__).parents[2]
TIMEOUT = 30
OVER_THE_LIMIT = b"\xff\xd8\xff" + bytes(12_000_000)


@dataclass(frozen=True)
class Server:
    url: str
    credentials: tuple[str, str]
    stdout: Path
    stderr: Path
    log_dir: Path

    def lines(self) -> list[dict]:
        """What it has logged to stdout so far."""
        return [json.loads(line) for line in self.stdout.read_text().splitlines()]

    def line_of(self, request_id: str) -> dict:
        """The line of a request, which is written just after its answer was sent."""
        for _ in range(10 * TIMEOUT):
            if request_id in self.files():  # these come after stdout
                return next(x for x in self.lines() if x.get("request_id") == request_id)
            sleep(0.1)
        pytest.fail(f"no line with the id {request_id}")

    def files(self) -> str:
        """What it has logged to its files so far: one, or two around midnight."""
        files = sorted(self.log_dir.iterdir())
        assert all(re.fullmatch(r"\d{4}-\d\d-\d\d\.log", file.name) for file in files)
        return "".join(file.read_text() for file in files)


@pytest.fixture(scope="module")
def server(
    tmp_path_factory: pytest.TempPathFactory, credentials: tuple[str, str], bundle: Path
) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("server")
    environment = os.environ | {
        "API_USERNAME": credentials[0],
        "API_PASSWORD": credentials[1],
        "MODEL_URI": str(bundle),
        "LOG_DIR": str(folder / "logs"),
        "MAX_BODY_BYTES": "4000000",
        "PYTHONPATH": str(ROOT),
    }
    command = [sys.executable, "-m", "uvicorn", "lambda_api.app:create_app", "--factory"]
    stdout, stderr = folder / "stdout", folder / "stderr"
    with stdout.open("wb") as out, stderr.open("wb") as error:
        process = subprocess.Popen(
            [*command, "--port", "0", "--no-access-log"],
            cwd=folder,
            env=environment,
            stdout=out,
            stderr=error,
        )
    try:
        url = _announced_url(process, stderr)
        yield Server(url, credentials, stdout, stderr, folder / "logs")
    finally:
        process.terminate()
        process.wait(TIMEOUT)


def _announced_url(process: subprocess.Popen, stderr: Path) -> str:
    for _ in range(10 * TIMEOUT):
        if found := re.search(r"running on (http://\S+)", stderr.read_text()):
            return found[1]
        if process.poll() is not None:
            break
        sleep(0.1)
    pytest.fail(f"the server did not start:\n{stderr.read_text()}")


def test_a_picture_is_answered_over_http(server: Server, photo: bytes):
    url = f"{server.url}/predict"
    form = requests.post(
        url, files={"file": ("china.jpg", photo)}, auth=server.credentials, timeout=TIMEOUT
    )
    raw = requests.post(url, data=photo, auth=server.credentials, timeout=TIMEOUT)
    assert form.status_code == raw.status_code == 200
    assert form.json()["predictions"] == raw.json()["predictions"]
    line = server.line_of(form.json()["request_id"])
    assert (line["status"], line["label"]) == (200, form.json()["label"])


def test_many_clients_at_once_get_the_same_answer(server: Server, photo: bytes):
    def ask(_: int) -> str:
        answer = requests.post(
            f"{server.url}/predict", data=photo, auth=server.credentials, timeout=TIMEOUT
        )
        return json.dumps(answer.json()["predictions"])

    with ThreadPoolExecutor(8) as pool:
        assert len(set(pool.map(ask, range(32)))) == 1


def _chunks() -> Iterator[bytes]:
    for start in range(0, len(OVER_THE_LIMIT), 65_536):
        yield OVER_THE_LIMIT[start : start + 65_536]


@pytest.mark.parametrize("connection", ["keep-alive", "close"])
@pytest.mark.parametrize("kind", ["form", "body", "chunked"])
def test_an_upload_of_12_megabytes_is_answered_413_and_not_reset(
    server: Server, kind: str, connection: str
):
    body = {
        "form": {"files": {"file": ("large.jpg", OVER_THE_LIMIT)}},
        "body": {"data": OVER_THE_LIMIT},
        "chunked": {"data": _chunks()},
    }[kind]
    answer = requests.post(
        f"{server.url}/predict",
        auth=server.credentials,
        headers={"Connection": connection},
        timeout=TIMEOUT,
        **body,
    )
    assert answer.status_code == 413
    assert "4,000,000 bytes" in answer.json()["detail"]


@pytest.mark.parametrize(
    ("size", "password", "status"), [(12_000_000, None, 413), (3_900_000, "wrong", 401)]
)
def test_a_client_that_sends_it_all_before_it_listens_gets_its_answer(
    server: Server, size: int, password: str | None, status: int
):
    """As Python's own http.client does: what it sends into a closed connection is an error."""
    username, right = server.credentials
    headers = {"Connection": "close", "Authorization": basic(f"{username}:{password or right}")}
    connection = http.client.HTTPConnection(server.url.removeprefix("http://"), timeout=TIMEOUT)
    try:
        connection.request("POST", "/predict", OVER_THE_LIMIT[:size], headers)
        assert connection.getresponse().status == status
    finally:
        connection.close()


@pytest.mark.skipif(shutil.which("curl") is None, reason="no curl here")
@pytest.mark.parametrize("upload", [("--form", "file=@-"), ("--data-binary", "@-")])
def test_curl_gets_its_413(server: Server, upload: tuple[str, str]):
    command = ["curl", "-sS", "-o", os.devnull, "-w", "%{http_code}"]
    result = subprocess.run(
        [*command, "-u", ":".join(server.credentials), *upload, f"{server.url}/predict"],
        input=OVER_THE_LIMIT,
        capture_output=True,
        timeout=TIMEOUT,
    )
    assert (result.stdout, result.stderr, result.returncode) == (b"413", b"", 0)


def test_a_client_that_breaks_off_is_no_error(server: Server):
    headers = {
        "Authorization": basic(":".join(server.credentials)),
        "Content-Length": "1000",
        "X-Request-ID": "broken-off",
    }
    connection = http.client.HTTPConnection(server.url.removeprefix("http://"), timeout=TIMEOUT)
    connection.putrequest("POST", "/predict")
    for name, value in headers.items():
        connection.putheader(name, value)
    connection.endheaders(b"half of it")
    connection.close()
    line = server.line_of("broken-off")
    assert (line["level"], line["status"]) == ("INFO", 499)


SECRET = "s3cr3t-of-the-sender"


def _with_secrets(server: Server) -> Iterator[requests.Response]:
    """Every route with secrets in whatever a client can send."""
    wrong = ("someone", SECRET)
    token = {"Authorization": f"Bearer {SECRET}", "Cookie": SECRET, "X-Api-Key": SECRET}
    for method, path in [
        ("GET", "/"),
        ("GET", "/health"),
        ("GET", "/docs"),
        ("GET", "/openapi.json"),
        ("GET", "/nothing"),
        ("GET", "/predict"),
        ("POST", "/predict"),
    ]:
        url = f"{server.url}{path}?token={SECRET}"
        for auth in (server.credentials, wrong, None):
            yield requests.request(
                method, url, auth=auth, headers=token, data=SECRET, timeout=TIMEOUT
            )
    form = {"files": {"file": (f"{SECRET}.jpg", SECRET)}, "data": {SECRET: SECRET}}
    url = f"{server.url}/predict?top_k={SECRET}"
    yield requests.post(url, auth=server.credentials, timeout=TIMEOUT, **form)
    url = f"{server.url}/predict"
    yield requests.post(url, auth=server.credentials, timeout=TIMEOUT, **form)


def test_no_secret_of_a_request_reaches_the_log(server: Server):
    answers = list(_with_secrets(server))
    assert {answer.status_code for answer in answers} == {200, 401, 404, 405, 415, 422}
    for answer in answers:
        server.line_of(answer.headers["X-Request-ID"])
    log = server.stdout.read_text() + server.stderr.read_text() + server.files()
    username, password = server.credentials
    secrets = [SECRET, password, basic(f"{username}:{password}"), basic(f"someone:{SECRET}")]
    assert not any(secret.removeprefix("Basic ") in log for secret in secrets)


def test_the_dated_file_holds_the_lines_of_stdout(server: Server):
    server.line_of(requests.get(server.url, timeout=TIMEOUT).headers["X-Request-ID"])
    assert server.files() == server.stdout.read_text()
    assert [line["message"] for line in server.lines()].count("model loaded") == 1
