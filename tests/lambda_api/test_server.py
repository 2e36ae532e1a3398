"""The service under uvicorn, with real HTTP clients."""

import http.client
import json
import os
import re
import shutil
import socket
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from time import sleep

import pytest
import requests

from tests.conftest import skip_or_fail
from tests.lambda_api.asgi import basic
from tests.lambda_api.server import TIMEOUT, Server, running

OVER_THE_LIMIT = b"\xff\xd8\xff" + bytes(12_000_000)


@pytest.fixture(scope="module")
def server(
    tmp_path_factory: pytest.TempPathFactory, credentials: tuple[str, str], bundle: Path
) -> Iterator[Server]:
    environment = {
        "FAILED_LOGINS_PER_MINUTE": "1000000",  # wrong logins must not limit right ones
        "CORS_ORIGINS": "https://page.example",
        "POWERTOOLS_METRICS_NAMESPACE": "Scenes",
    }
    folder = tmp_path_factory.mktemp("server")
    with running(folder, credentials, bundle, **environment) as server:
        yield server


def test_picture_is_classified_over_http(server: Server, photo: bytes) -> None:
    url = f"{server.url}/predict"
    form = requests.post(
        url, files={"file": ("china.jpg", photo)}, auth=server.credentials, timeout=TIMEOUT
    )
    raw = requests.post(url, data=photo, auth=server.credentials, timeout=TIMEOUT)
    assert form.status_code == raw.status_code == 200
    assert form.json()["predictions"] == raw.json()["predictions"]
    line = server.line_of(form.json()["request_id"])
    assert (line["status"], line["label"]) == (200, form.json()["label"])


def test_concurrent_clients_get_the_same_predictions(server: Server, photo: bytes) -> None:
    def ask(_: int) -> str:
        answer = requests.post(
            f"{server.url}/predict", data=photo, auth=server.credentials, timeout=TIMEOUT
        )
        return json.dumps(answer.json()["predictions"])

    with ThreadPoolExecutor(8) as pool:
        assert len(set(pool.map(ask, range(32)))) == 1


def test_idle_connection_stays_open_for_longer_than_a_client_waits(server: Server) -> None:
    connection = http.client.HTTPConnection(server.url.removeprefix("http://"), timeout=TIMEOUT)
    try:
        for _ in range(2):
            connection.request("GET", "/health")
            connection.getresponse().read()
            first = connection.sock
            sleep(6)  # uvicorn's default is 5 s, as long as the page's client waits after a 429
        assert connection.sock is first is not None
    finally:
        connection.close()


def _chunks() -> Iterator[bytes]:
    for start in range(0, len(OVER_THE_LIMIT), 65_536):
        yield OVER_THE_LIMIT[start : start + 65_536]


@pytest.mark.parametrize("connection", ["keep-alive", "close"])
@pytest.mark.parametrize("kind", ["form", "body", "chunked"])
def test_12_megabytes_get_413_without_a_reset(server: Server, kind: str, connection: str) -> None:
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
def test_client_that_sends_everything_first_gets_its_response(
    server: Server, size: int, password: str | None, status: int
) -> None:
    """Python's http.client raises an error if it sends to a closed connection."""
    username, right = server.credentials
    headers = {"Connection": "close", "Authorization": basic(f"{username}:{password or right}")}
    connection = http.client.HTTPConnection(server.url.removeprefix("http://"), timeout=TIMEOUT)
    try:
        connection.request("POST", "/predict", OVER_THE_LIMIT[:size], headers)
        assert connection.getresponse().status == status
    finally:
        connection.close()


@pytest.mark.parametrize("upload", [("--form", "file=@-"), ("--data-binary", "@-")])
def test_curl_gets_its_413(server: Server, upload: tuple[str, str]) -> None:
    if shutil.which("curl") is None:
        skip_or_fail("curl not found; on Debian: apt-get install curl")
    command = ["curl", "-sS", "-o", os.devnull, "-w", "%{http_code}"]

    result = subprocess.run(
        [*command, "-u", ":".join(server.credentials), *upload, f"{server.url}/predict"],
        input=OVER_THE_LIMIT,
        capture_output=True,
        timeout=TIMEOUT,
    )

    assert (result.stdout, result.stderr, result.returncode) == (b"413", b"", 0)


def test_client_disconnect_is_no_error(server: Server) -> None:
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
ROUTES = [
    ("GET", "/"),
    ("GET", "/health"),
    ("GET", "/model"),
    ("GET", "/docs"),
    ("GET", "/openapi.json"),
    ("GET", "/nothing"),
    ("GET", "/predict"),
    ("POST", "/predict"),
    ("POST", "/predict/batch"),
    ("POST", "/explain"),
    ("POST", "/uploads"),
    ("OPTIONS", "/predict"),
]
BODIES = {
    None: SECRET.encode(),
    "application/json": b'{"key": "%b", "%b": 1}' % (SECRET.encode(), SECRET.encode()),
    "multipart/form-data; boundary=x": b'--x\r\nContent-Disposition: form-data; name="file"; '
    b'filename="%b.jpg"\r\nX-Part: %b\r\n\r\n%b\r\n--x--\r\n' % ((SECRET.encode(),) * 3),
    f"multipart/form-data; boundary={SECRET}": b"--",
    f"image/{SECRET}": b"\xff\xd8\xff" + SECRET.encode(),
}
ODD_HEADERS = {
    "Cookie": SECRET,
    "X-Api-Key": SECRET,
    "X-Request-ID": f"{SECRET}\t{{}}",
    "X-Forwarded-For": SECRET,
    "X-Forwarded-Proto": SECRET,
    "User-Agent": SECRET,
    "Referer": f"https://{SECRET}/",
    "Accept-Language": "ä".encode() + SECRET.encode(),
    "Traceparent": SECRET,
    "Origin": f"https://{SECRET}",
    "Access-Control-Request-Method": SECRET,
}


def _with_secrets(server: Server) -> Iterator[requests.Response]:
    """Call every route with secrets in everything that a client can send."""
    wrong = ("someone", SECRET)
    with requests.Session() as session:
        for method, path in ROUTES:
            for auth in (server.credentials, wrong, None):
                for content_type, body in BODIES.items():
                    headers = {**ODD_HEADERS, "Content-Type": content_type}
                    if auth is None:
                        headers["Authorization"] = f"Bearer {SECRET}"
                    for query in ("", f"?token={SECRET}&top_k={SECRET}&grid={SECRET}"):
                        yield session.request(
                            method,
                            f"{server.url}{path}{query}",
                            auth=auth,
                            headers=headers,
                            data=body,
                            timeout=TIMEOUT,
                        )


def test_no_secret_of_a_request_reaches_the_log(server: Server) -> None:
    answers = list(_with_secrets(server))
    assert {answer.status_code for answer in answers} == {200, 400, 401, 404, 405, 415, 422}
    server.wait_for_lines({answer.headers["X-Request-ID"] for answer in answers})
    log = server.stdout.read_text() + server.stderr.read_text() + server.files()
    username, password = server.credentials
    secrets = [SECRET, password, basic(f"{username}:{password}"), basic(f"someone:{SECRET}")]
    assert not any(secret.removeprefix("Basic ") in log for secret in secrets)


def _raw(server: Server, request: bytes, *, more: bool = False) -> list[int]:
    """Send bytes that no HTTP client would send, and close the connection for writing.

    With `more`, it stays open, and the server has to close it.

    Returns:
        The statuses of all responses.
    """
    host, port = server.url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=TIMEOUT) as connection:
        connection.sendall(request)
        if not more:
            connection.shutdown(socket.SHUT_WR)
        received = b""
        while chunk := connection.recv(65_536):
            received += chunk
    return [int(status) for status in re.findall(rb"HTTP/1.1 (\d+) ", received)]


def test_endless_body_is_not_read_forever(server: Server) -> None:
    host, _, port = server.url.removeprefix("http://").partition(":")
    chunk = b"%x\r\n" % 65_536 + bytes(65_536) + b"\r\n"
    with socket.create_connection((host, int(port)), timeout=TIMEOUT) as connection:
        connection.sendall(
            b"POST /predict HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
        )
        with pytest.raises(ConnectionError):  # the server closes the connection after its 401
            connection.sendall(2000 * chunk)


HIDDEN = b"GET /nothing HTTP/1.1\r\nHost: x\r\n\r\n"


@pytest.mark.parametrize(
    ("headers", "body"),
    [
        (b"Content-Length: 4\r\nTransfer-Encoding: chunked", b"0\r\n\r\n" + HIDDEN),
        (b"Content-Length: 5\r\nContent-Length: 60", b"hello" + HIDDEN),
        (b"Content-Length: +5", b"hello" + HIDDEN),
        (b"Content-Length: 5, 60", b"hello" + HIDDEN),
        (b"Transfer-Encoding: xchunked", b"0\r\n\r\n" + HIDDEN),
        (b"Transfer-Encoding: chunked, identity", b"0\r\n\r\n" + HIDDEN),
        (b"Transfer-Encoding : chunked", b"0\r\n\r\n" + HIDDEN),
        (b"X: y\r\n folded: z\r\nContent-Length : 5", b"hello" + HIDDEN),
        (b"Transfer-Encoding: chunked", b"5\r\nhello\r\nFFFFFFFFFFFFFFFFF\r\n" + HIDDEN),
    ],
    ids=[
        "length and chunked",
        "two lengths",
        "signed length",
        "list of lengths",
        "unknown encoding",
        "two encodings",
        "space before the colon",
        "folded line",
        "huge chunk",
    ],
)
def test_smuggled_request_gets_no_response(server: Server, headers: bytes, body: bytes) -> None:
    """Request smuggling: two servers could disagree about where such a request ends."""
    statuses = _raw(server, b"POST /health HTTP/1.1\r\nHost: x\r\n" + headers + b"\r\n\r\n" + body)

    assert 404 not in statuses
    assert set(statuses) <= {400, 405, 501}


def test_pipelined_requests_get_two_responses(server: Server) -> None:
    last = b"GET /health HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"

    assert _raw(server, HIDDEN + last, more=True) == [404, 200]


@pytest.mark.parametrize(
    "path",
    [
        "/../model",
        "/predict/../model",
        "/%2e%2e/model",
        "/model%00",
        "/MODEL",
    ],
)
def test_path_tricks_reach_no_route(server: Server, path: str) -> None:
    request = f"GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"

    (status,) = _raw(server, request.encode())

    assert status in {307, 404}


@pytest.mark.parametrize("path", ["//model", "/model/"])
def test_additional_slashes_reach_a_route_with_its_login(server: Server, path: str) -> None:
    request = f"GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"

    assert _raw(server, request.encode()) == [401]


def test_dated_file_has_the_lines_of_stdout(server: Server) -> None:
    server.line_of(requests.get(server.url, timeout=TIMEOUT).headers["X-Request-ID"])

    # Metrics are written to stdout only.
    printed = server.stdout.read_text().splitlines(keepends=True)

    assert server.files() == "".join(line for line in printed if '"_aws"' not in line)
    assert [line["message"] for line in server.lines()].count("model loaded") == 1
