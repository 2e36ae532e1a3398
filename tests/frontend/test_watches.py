"""`HealthWatch` with health checks that return, fail and hang."""

from collections.abc import Callable, Iterator
from threading import Event

import pytest

from frontend.api import watches
from frontend.api.errors import Unreachable
from frontend.api.predictions import Health
from frontend.api.watches import HealthWatch
from tests.frontend.stand_in_api import HEALTHY

READY = Health.model_validate(HEALTHY)


@pytest.fixture
def release() -> Iterator[Event]:
    event = Event()
    yield event
    event.set()  # otherwise the thread would outlive the test


def counted(health_check: Callable[[], Health]) -> tuple[Callable[[], Health], list[int]]:
    calls: list[int] = []

    def request() -> Health:
        calls.append(1)
        return health_check()

    return request, calls


def test_quick_result_is_returned_at_once() -> None:
    assert HealthWatch(lambda: READY).latest() == READY


def test_fresh_result_is_reused() -> None:
    request, calls = counted(lambda: READY)
    watch = HealthWatch(request)

    for _ in range(5):
        watch.latest()

    assert len(calls) == 1


def test_stale_result_is_requested_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watches, "FRESH_S", -1.0)
    request, calls = counted(lambda: READY)
    watch = HealthWatch(request)

    watch.latest()
    watch.latest()

    assert len(calls) == 2


def test_expired_result_is_requested_again() -> None:
    request, calls = counted(lambda: READY)
    watch = HealthWatch(request)

    watch.latest()
    watch.expire()
    watch.latest()

    assert len(calls) == 2


def test_error_is_a_result() -> None:
    def fail() -> Health:
        raise Unreachable("No server.")

    assert isinstance(HealthWatch(fail).latest(), Unreachable)


def test_hanging_check_does_not_block(release: Event, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watches, "WAIT_S", 0.01)

    def hang() -> Health:
        release.wait(30)
        return READY

    request, calls = counted(hang)
    watch = HealthWatch(request)

    assert watch.latest() is None
    assert watch.latest() is None
    assert len(calls) == 1  # no second request while the first one hangs


def test_last_result_is_returned_while_the_check_hangs(
    release: Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watches, "WAIT_S", 0.2)
    hanging = False

    def request() -> Health:
        if hanging:
            release.wait(30)
        return READY

    watch = HealthWatch(request)
    assert watch.latest() == READY
    hanging = True
    watch.expire()

    assert watch.latest() == READY


def test_late_result_is_returned_while_the_next_check_hangs(
    release: Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watches, "WAIT_S", 0.01)
    late, second = Event(), Event()

    def request() -> Health:
        if not late.is_set():
            late.wait(30)
            raise Unreachable("No server.")
        second.set()
        release.wait(30)
        return READY

    watch = HealthWatch(request)
    assert watch.latest() is None
    late.set()
    while not second.is_set():
        watch.expire()
        watch.latest()

    assert isinstance(watch.latest(), Unreachable)
