"""Background collection: limits, stores, and the extension that outlasts the response."""

import json
import os
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from queue import Queue
from threading import Event, Thread
from time import time
from typing import Any

import pytest

from lambda_api.collection import collector as module
from lambda_api.collection.collector import Collector
from lambda_api.collection.extension import post_response
from lambda_api.collection.records import Answer
from lambda_api.collection.store import FolderStore, MissingObject, StoreError, open_store
from lambda_api.log import configured_logger
from lambda_api.settings import Settings


def answer(number: int) -> Answer:
    return Answer(
        picture=f"{number:064x}.jpeg",
        request_id=str(number),
        time=datetime.now(UTC),
        model="scenes",
        model_version="0" * 12,
        answer={"label": "sea"},
    )


class SlowStore(FolderStore):
    """A folder that writes only after `go` is set."""

    go = Event()

    def write(self, name: str, data: bytes) -> None:
        assert self.go.wait(10)
        super().write(name, data)


@pytest.fixture
def errors() -> list[None]:
    return []


@pytest.fixture
def make_collector(
    tmp_path: Path, errors: list[None]
) -> Callable[..., tuple[Collector, FolderStore]]:
    def make(kind: type[FolderStore] = FolderStore, **options: bool) -> Any:
        store = kind(tmp_path / "collected")
        logger = configured_logger(None)
        return Collector(store, logger, lambda: errors.append(None), **options), store

    return make


def test_pictures_over_the_limit_are_dropped_and_counted(
    make_collector: Callable[..., Any], errors: list[None], log_lines: list[dict[str, Any]]
) -> None:
    collector, store = make_collector(SlowStore)
    store.go.clear()
    for number in range(module.MAX_WAITING + 3):
        collector.offer(b"x", lambda number=number: answer(number))
    too_large = bytes(module.MAX_WAITING_BYTES)
    collector.offer(too_large, lambda: answer(99))

    store.go.set()

    assert collector.drain(20)
    assert len(list(store.names("pictures/"))) == module.MAX_WAITING
    assert len(errors) == 4
    assert {line["reason"] for line in log_lines} == {"too many pictures are waiting"}


def test_held_pictures_are_written_after_the_release(make_collector: Callable[..., Any]) -> None:
    collector, store = make_collector(hold=True)
    collector.offer(b"x", lambda: answer(1))

    held = list(store.names(""))
    assert collector.drain(10)

    assert held == []
    assert [name.partition("/")[0] for name in store.names("")] == ["answers", "pictures"]


def test_unexpected_error_does_not_stop_the_thread(
    make_collector: Callable[..., Any], errors: list[None]
) -> None:
    collector, store = make_collector()
    collector.offer(b"x", lambda: answer(-1))  # "-1" is not a SHA-256
    collector.offer(b"x", lambda: answer(1))

    assert collector.drain(10)

    assert len(errors) == 1
    assert len(list(store.names("pictures/"))) == 1


def test_folder_store_leaves_nothing_half(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = FolderStore(tmp_path)

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(StoreError, match="No space left on device"):
        store.write("pictures/a", b"x")

    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []
    with pytest.raises(MissingObject):
        store.read("pictures/a", 10)


def test_files_are_private_and_read_within_a_limit(tmp_path: Path) -> None:
    store = FolderStore(tmp_path / "new")
    store.write("a/b", b"12345")

    assert (tmp_path / "new" / "a" / "b").stat().st_mode & 0o077 == 0
    assert store.read("a/b", 5) == b"12345"
    with pytest.raises(StoreError, match="over 4 bytes"):
        store.read("a/b", 4)


@pytest.mark.parametrize(
    "place", ["s3://", "s3://bucket", "s3://bucket/", "s3://B/x", "s3://bucket/a b", "s3://b//x"]
)
def test_invalid_address_of_s3_is_rejected(place: str) -> None:
    with pytest.raises(ValueError, match="must be s3://bucket/prefix"):
        open_store(place)


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        ({"collect": "all"}, "COLLECT_TO: is required"),
        ({"collect": "some", "collect_to": "x"}, "collect"),
        ({"collect": "all", "collect_to": "s3://bucket"}, "must be s3://bucket/prefix"),
        ({"collect": "all", "collect_to": __file__}, "COLLECT_TO: the folder cannot be written"),
    ],
)
def test_settings_are_checked_at_the_start(values: dict[str, str], reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        Settings(api_username="anna", api_password="kX8-w2m.Pq41", **values)


class StandInRuntime(ThreadingHTTPServer):
    """A stand-in for Lambda's Extensions API, which only runs on Lambda.

    Attributes:
        events: documents to send to the extension.
        asked: gets an item each time the extension waits for an event.
        identifier: header of the registration; empty to refuse it.
    """

    def __init__(self, identifier: str = "id-1") -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.events: Queue[dict[str, Any]] = Queue()
        self.asked: Queue[str] = Queue()
        self.identifier = identifier

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.server_address[1]}"


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: StandInRuntime

    def do_POST(self) -> None:
        assert self.path == "/2020-01-01/extension/register"
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        assert body == {"events": ["INVOKE"]}
        self._send(b"{}", 200 if self.server.identifier else 403)

    def do_GET(self) -> None:
        assert self.path == "/2020-01-01/extension/event/next"
        self.server.asked.put(self.headers["Lambda-Extension-Identifier"])
        self._send(json.dumps(self.server.events.get()).encode())

    def _send(self, body: bytes, status: int = 200) -> None:
        self.send_response(status)
        if self.server.identifier:
            self.send_header("Lambda-Extension-Identifier", self.server.identifier)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def start_runtime() -> Iterator[Callable[..., StandInRuntime]]:
    servers = []

    def start(**options: str) -> StandInRuntime:
        server = StandInRuntime(**options)
        server.daemon_threads = True
        servers.append(server)
        Thread(target=server.serve_forever, daemon=True).start()
        return server

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


def invoke() -> dict[str, Any]:
    return {"eventType": "INVOKE", "deadlineMs": (time() + 29) * 1000}


def test_stand_in_runtime_gets_the_next_event_request_only_when_the_pictures_are_stored(
    make_collector: Callable[..., Any], start_runtime: Callable[..., StandInRuntime]
) -> None:
    collector, store = make_collector(SlowStore, hold=True)
    store.go.clear()
    runtime = start_runtime()
    handled = post_response(runtime.address, collector, configured_logger(None))
    assert runtime.asked.get(timeout=10) == "id-1"

    runtime.events.put(invoke())
    collector.offer(b"x", lambda: answer(1))
    handled()  # returns at once: the response is not delayed
    waiting = runtime.asked.empty()
    store.go.set()

    assert runtime.asked.get(timeout=10) == "id-1"
    assert waiting
    assert len(list(store.names("pictures/"))) == 1


def test_stand_in_runtime_that_refuses_the_extension_leaves_the_service_running(
    make_collector: Callable[..., Any],
    start_runtime: Callable[..., StandInRuntime],
    log_lines: list[dict[str, Any]],
) -> None:
    collector, store = make_collector(hold=True)
    runtime = start_runtime(identifier="")

    handled = post_response(runtime.address, collector, configured_logger(None))
    collector.offer(b"x", lambda: answer(1))
    handled()

    assert collector.drain(10)
    assert [line["message"] for line in log_lines] == ["pictures are stored with the next request"]
    assert len(list(store.names("pictures/"))) == 1


def test_nothing_is_started_without_pictures_to_collect() -> None:
    post_response("127.0.0.1:9", None, configured_logger(None))()
