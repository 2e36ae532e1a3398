"""Fetching from the web, against real servers of this machine and the addresses it must not ask."""

import socket
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest

from frontend import url_fetch as web_picture
from frontend.url_fetch import MAX_REDIRECTS, NotFetched, Web, fetch

PICTURE = b"\xff\xd8 pretend"


class Site(ThreadingHTTPServer):
    """A web server; the path says how it behaves."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.address = f"http://127.0.0.1:{self.server_port}"
        self.web = Web(ports=(self.server_port,), loopback=True)
        self.asked: list[tuple[str, str]] = []


class _Handler(BaseHTTPRequestHandler):
    server: Site

    def do_GET(self) -> None:
        self.server.asked.append((self.path, self.headers["Host"]))
        match self.path.strip("/").split("/", 1):
            case ["to", target]:
                self.send_response(302)
                self.send_header("Location", target)
                self.end_headers()
            case ["around"]:
                self.send_response(302)
                self.send_header("Location", "/around")
                self.end_headers()
            case ["large"]:
                self.send_response(200)
                self.end_headers()
                for _ in range(40):  # of a length that is not told
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


def test_a_picture_is_fetched_and_named(site: Site) -> None:
    assert fetch(f" {site.address}/holiday/a%20beach.jpg?w=1 ", site.web) == (
        PICTURE,
        "a beach.jpg",
    )


def test_a_redirect_is_followed(site: Site) -> None:
    assert fetch(f"{site.address}/to//beach.jpg", site.web) == (PICTURE, "beach.jpg")


def test_redirects_come_to_an_end(site: Site) -> None:
    with pytest.raises(NotFetched, match="more than 3 times"):
        fetch(f"{site.address}/around", site.web)

    assert len(site.asked) == MAX_REDIRECTS + 1


@pytest.mark.parametrize(
    "target",
    [
        "http://169.254.169.254/latest/meta-data",
        "http://10.0.0.1/",
        "file:///etc/passwd",
        "http://127.0.0.1:22/",
    ],
)
def test_a_redirect_to_where_nothing_may_be_asked_is_refused(site: Site, target: str) -> None:
    with pytest.raises(NotFetched, match=r"public internet|starts with https|own ports"):
        fetch(f"{site.address}/to/{target}", Web(ports=(site.server_port, 80), loopback=True))

    assert len(site.asked) == 1


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1",
        "localhost",
        "127.1",
        "2130706433",  # 127.0.0.1 as one number
        "0x7f.0.0.1",
        "0.0.0.0",  # noqa: S104
        "10.1.2.3",
        "172.16.0.1",
        "192.168.1.1",
        "100.64.0.1",  # carrier-grade NAT
        "169.254.169.254",  # the metadata of a cloud's machine
        "198.18.0.1",
        "224.0.0.1",
        "255.255.255.255",
        "[::1]",
        "[::]",
        "[::ffff:127.0.0.1]",
        "[::ffff:10.0.0.1]",
        "[64:ff9b::7f00:1]",  # 127.0.0.1 behind NAT64
        "[2002:7f00:1::]",  # and as 6to4
        "[fe80::1]",
        "[fc00::1]",
        "[ff02::1]",
    ],
)
def test_an_address_that_is_not_public_is_refused_without_being_asked(
    host: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def connect(*_: object) -> None:
        pytest.fail("it was asked")

    monkeypatch.setattr(socket.socket, "connect", connect)

    with pytest.raises(NotFetched, match="not on the public internet"):
        fetch(f"http://{host}/a.jpg")


def test_a_site_of_this_machine_is_refused_by_default(site: Site) -> None:
    with pytest.raises(NotFetched, match="not on the public internet"):
        fetch(f"{site.address}/a.jpg", Web(ports=(site.server_port,)))

    assert site.asked == []


def test_a_name_that_changes_its_address_with_mocked_dns_is_asked_where_it_was_checked(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []

    def rebinding(host: str, port: int, *_: object, **__: object) -> list[object]:
        asked.append(host)
        address = "127.0.0.1" if host in ("rebinding.test", "127.0.0.1") else host
        if asked.count("rebinding.test") > 1:
            address = "10.0.0.1"
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port))]

    monkeypatch.setattr(socket, "getaddrinfo", rebinding)

    fetch(f"http://rebinding.test:{site.server_port}/a.jpg", site.web)

    assert asked.count("rebinding.test") == 1
    assert site.asked == [("/a.jpg", f"rebinding.test:{site.server_port}")]


@pytest.mark.parametrize(
    ("address", "words"),
    [
        ("", "starts with https"),
        ("beach.jpg", "starts with https"),
        ("ftp://example.org/a.jpg", "starts with https"),
        ("file:///etc/passwd", "starts with https"),
        ("data:image/png;base64,AAAA", "starts with https"),
        ("http://", "starts with https"),
        ("http://me:secret@example.org/a.jpg", "user name or password"),
        ("http://example.org:22/a.jpg", "own ports"),
        ("http://example.org:99999/a.jpg", "not an address"),
        ("http://[", "not an address"),
        ("http://a..b/", "not an address|Nothing answers"),
        ("http://nowhere.invalid/a.jpg", "Nothing answers"),
    ],
)
def test_what_is_no_address_of_a_picture_is_told_apart(address: str, words: str) -> None:
    with pytest.raises(NotFetched, match=words):
        fetch(address)


def test_more_than_the_limit_is_not_read_to_its_end(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(web_picture, "MAX_FETCHED_BYTES", 20_000)
    monkeypatch.setattr(web_picture, "_PIECE_BYTES", 1_000)

    with pytest.raises(NotFetched, match="more than 0 MB"):
        fetch(f"{site.address}/large", site.web)


def test_a_server_that_never_ends_is_left(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(web_picture, "DEADLINE_S", 0.1)

    with pytest.raises(NotFetched, match="too long"):
        fetch(f"{site.address}/slow", site.web)


def test_a_server_s_refusal_is_told(site: Site) -> None:
    with pytest.raises(NotFetched, match="answers 404"):
        fetch(f"{site.address}/missing", site.web)


def test_no_proxy_of_the_environment_is_used(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")

    assert fetch(f"{site.address}/a.jpg", site.web)[0] == PICTURE
