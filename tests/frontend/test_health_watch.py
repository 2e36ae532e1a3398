"""The watch waits for nobody: against functions that answer, fail and hang."""

from collections.abc import Callable, Iterator
from threading import Event

import pytest

from frontend.api import health_watch as health
from frontend.api.errors import Unreachable
from frontend.api.health_watch import HealthWatch
from frontend.api.predictions import Health
from tests.frontend.stand_in_api import HEALTHY

READY = Health.model_validate(HEALTHY)


@pytest.fixture
def let_go() -> Iterator[Event]:
    event = Event()
    yield event
    event.set()  # else the watch's thread would outlive the test


def counted(answer: Callable[[], Health]) -> tuple[Callable[[], Health], list[int]]:
    calls: list[int] = []

    def ask() -> Health:
        calls.append(1)
        return answer()

    return ask, calls


def test_a_quick_answer_is_there_at_once() -> None:
    assert HealthWatch(lambda: READY).latest() == READY


def test_an_answer_serves_for_a_while() -> None:
    ask, calls = counted(lambda: READY)
    watch = HealthWatch(ask)

    for _ in range(5):
        watch.latest()

    assert len(calls) == 1


def test_a_stale_answer_is_asked_for_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health, "FRESH_S", -1.0)
    ask, calls = counted(lambda: READY)
    watch = HealthWatch(ask)

    watch.latest()
    watch.latest()

    assert len(calls) == 2


def test_on_demand_it_is_asked_for_at_once() -> None:
    ask, calls = counted(lambda: READY)
    watch = HealthWatch(ask)

    watch.latest()
    watch.forget()
    watch.latest()

    assert len(calls) == 2


def test_an_error_is_an_answer() -> None:
    def fail() -> Health:
        raise Unreachable("Nobody there.")

    assert isinstance(HealthWatch(fail).latest(), Unreachable)


def test_nobody_waits_for_one_that_hangs(let_go: Event, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health, "WAIT_S", 0.01)

    def hang() -> Health:
        let_go.wait(30)
        return READY

    ask, calls = counted(hang)
    watch = HealthWatch(ask)

    assert watch.latest() is None
    assert watch.latest() is None
    assert len(calls) == 1  # and it is not asked over and over


def test_while_it_hangs_the_last_answer_stands(
    let_go: Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(health, "WAIT_S", 0.2)
    hanging = False

    def ask() -> Health:
        if hanging:
            let_go.wait(30)
        return READY

    watch = HealthWatch(ask)
    assert watch.latest() == READY
    hanging = True
    watch.forget()

    assert watch.latest() == READY
