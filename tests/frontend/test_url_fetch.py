"""`fetch` with real servers on this machine, and with addresses that it must not contact."""

import socket
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest

from frontend import url_fetch
from frontend.url_fetch import MAX_REDIRECTS, AllowedTargets, NotFetched, fetch

PICTURE = b"\xff\xd8 not decoded here"


class Site(ThreadingHTTPServer):
    """A web server; the path selects its behavior."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.address = f"http://127.0.0.1:{self.server_port}"
        self.allowed = AllowedTargets(ports=(self.server_port,), loopback=True)
        self.requests: list[tuple[str, str]] = []


class _Handler(BaseHTTPRequestHandler):
    server: Site

    def do_GET(self) -> None:
        self.server.requests.append((self.path, self.headers["Host"]))
        match self.path.strip("/").split("/", 1):
            case ["to", target]:
                self.send_response(302)
                self.send_header("Location", target)
                self.end_headers()
            case ["loop"]:
                self.send_response(302)
                self.send_header("Location", "/loop")
                self.end_headers()
            case ["large"]:
                self.send_response(200)
                self.end_headers()
                for _ in range(40):  # without a Content-Length
                    self.wfile.write(bytes(1_000))
            case ["slow"]:
                self.send_response(200)
                self.end_headers()
                for _ in range(40):
                    self.wfile.write(b"x" * 70_000)
                    time.sleep(0.02)
            case ["missing"]:
                self.send_error(404)
            case _:
                self.send_response(200)
                self.end_headers()
                self.wfile.write(PICTURE)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Keep the test's output clean."""


@pytest.fixture
def site() -> Iterator[Site]:
    with Site() as site:
        thread = Thread(target=site.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        yield site
        site.shutdown()
        thread.join()


def test_file_is_fetched_with_its_name(site: Site) -> None:
    assert fetch(f" {site.address}/holiday/a%20beach.jpg?w=1 ", site.allowed) == (
        PICTURE,
        "a beach.jpg",
    )


def test_redirect_is_followed(site: Site) -> None:
    assert fetch(f"{site.address}/to//beach.jpg", site.allowed) == (PICTURE, "beach.jpg")


def test_number_of_redirects_is_limited(site: Site) -> None:
    with pytest.raises(NotFetched, match="more than 3 times"):
        fetch(f"{site.address}/loop", site.allowed)

    assert len(site.requests) == MAX_REDIRECTS + 1


@pytest.mark.parametrize(
    "target",
    [
        "http://169.254.169.254/latest/meta-data",
        "http://10.0.0.1/",
        "file:///etc/passwd",
        "http://127.0.0.1:22/",
    ],
)
def test_redirect_to_a_forbidden_target_is_rejected(site: Site, target: str) -> None:
    with pytest.raises(NotFetched, match=r"public internet|starts with https|standard web ports"):
        fetch(
            f"{site.address}/to/{target}",
            AllowedTargets(ports=(site.server_port, 80), loopback=True),
        )

    assert len(site.requests) == 1


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1",
        "localhost",
        "127.1",
        "2130706433",  # 127.0.0.1 as a number
        "0x7f.0.0.1",
        "0.0.0.0",  # noqa: S104
        "10.1.2.3",
        "172.16.0.1",
        "192.168.1.1",
        "100.64.0.1",  # carrier-grade NAT
        "169.254.169.254",  # cloud metadata
        "198.18.0.1",
        "224.0.0.1",
        "255.255.255.255",
        "[::1]",
        "[::]",
        "[::ffff:127.0.0.1]",
        "[::ffff:10.0.0.1]",
        "[64:ff9b::7f00:1]",  # 127.0.0.1 behind NAT64
        "[2002:7f00:1::]",  # 127.0.0.1 as 6to4
        "[fe80::1]",
        "[fc00::1]",
        "[ff02::1]",
    ],
)
def test_private_address_is_rejected_without_a_connection(
    host: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def connect(*_: object) -> None:
        pytest.fail("a connection was opened")

    monkeypatch.setattr(socket.socket, "connect", connect)

    with pytest.raises(NotFetched, match="not on the public internet"):
        fetch(f"http://{host}/a.jpg")


def test_loopback_is_rejected_by_default(site: Site) -> None:
    with pytest.raises(NotFetched, match="not on the public internet"):
        fetch(f"{site.address}/a.jpg", AllowedTargets(ports=(site.server_port,)))

    assert site.requests == []


def test_dns_rebinding_has_no_effect_with_mocked_dns(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    lookups: list[str] = []

    def rebinding(host: str, port: int, *_: object, **__: object) -> list[object]:
        lookups.append(host)
        address = "127.0.0.1" if host in ("rebinding.test", "127.0.0.1") else host
        if lookups.count("rebinding.test") > 1:
            address = "10.0.0.1"
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port))]

    monkeypatch.setattr(socket, "getaddrinfo", rebinding)

    fetch(f"http://rebinding.test:{site.server_port}/a.jpg", site.allowed)

    assert lookups.count("rebinding.test") == 1
    assert site.requests == [("/a.jpg", f"rebinding.test:{site.server_port}")]


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("", "starts with https"),
        ("beach.jpg", "starts with https"),
        ("ftp://example.org/a.jpg", "starts with https"),
        ("file:///etc/passwd", "starts with https"),
        ("data:image/png;base64,AAAA", "starts with https"),
        ("http://", "starts with https"),
        ("http://me:secret@example.org/a.jpg", "user name or password"),
        ("http://example.org:22/a.jpg", "standard web ports"),
        ("http://example.org:99999/a.jpg", "not a web address"),
        ("http://[", "not a web address"),
        ("http://a..b/", "not a web address|did not respond"),
        ("http://nowhere.invalid/a.jpg", "did not respond"),
    ],
)
def test_invalid_url_is_rejected_with_the_reason(url: str, message: str) -> None:
    with pytest.raises(NotFetched, match=message):
        fetch(url)


def test_download_stops_at_the_size_limit(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(url_fetch, "MAX_FETCHED_BYTES", 20_000)
    monkeypatch.setattr(url_fetch, "CHUNK_BYTES", 1_000)

    with pytest.raises(NotFetched, match="larger than 0 MB"):
        fetch(f"{site.address}/large", site.allowed)


def test_download_stops_at_the_deadline(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(url_fetch, "DEADLINE_S", 0.1)

    with pytest.raises(NotFetched, match="too long"):
        fetch(f"{site.address}/slow", site.allowed)


def test_error_status_is_reported(site: Site) -> None:
    with pytest.raises(NotFetched, match="returned status 404"):
        fetch(f"{site.address}/missing", site.allowed)


def test_proxy_of_the_environment_is_not_used(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")

    assert fetch(f"{site.address}/a.jpg", site.allowed)[0] == PICTURE
