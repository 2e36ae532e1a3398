"""What the page says when the real API is away, slow, strict or of another password."""

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Event, Thread
from typing import Any

import pytest
import requests
from playwright.sync_api import Page, expect

from tests.e2e.axe import serious_violations
from tests.e2e.browser import Visitor, choose_source, drop

Start = Callable[..., Any]


@pytest.fixture
def started(start_demo: Start) -> Iterator[Start]:
    """Start a part of the demo; it is stopped when the test ends."""
    parts: list[Any] = []

    def start(*arguments: str, **environment: str) -> Any:
        part = start_demo(*arguments, **environment)
        parts.append(part)
        part.wait_until_ready()
        return part

    yield start
    for part in parts:
        if part.process.returncode is None:
            part.end(signal.SIGTERM)


def test_wrong_password_is_told_in_plain_words(
    demo: Any, started: Start, visitor: Visitor, photo: bytes
) -> None:
    other = started("page", API_URL=demo.api, API_PASSWORD="not-the-password-of-the-api")
    page = visitor.visit(other.page)

    drop(page, photo)

    alert = page.get_by_role("alert")
    expect(alert).to_contain_text("does not accept the credentials")
    expect(page.locator(".js-plotly-plot")).to_have_count(0)
    assert serious_violations(page) == []


def test_an_api_that_stops_midway_is_told_and_its_return_noticed(
    started: Start, visitor: Visitor
) -> None:
    api = started("api")
    page = visitor.visit(started("page", API_URL=api.api).page)
    choose_source(page, "Samples")
    page.get_by_role("button", name="Street").click()
    expect(page.locator(".lc-verdict h2")).to_have_text("street")

    api.end(signal.SIGTERM)
    page.get_by_role("button", name="Forest").click()

    expect(page.get_by_role("alert")).to_contain_text("The API cannot be reached")
    expect(page.locator(".lc-status.lc-down")).to_be_visible()
    assert serious_violations(page) == []
    started("api", API_PORT=str(api.api_port))
    expect(page.locator(".lc-verdict h2")).to_have_text("forest")  # without a click
    expect(page.locator(".lc-status.lc-ready")).to_be_visible()


def test_an_api_that_takes_its_time_is_starting_up(
    started: Start, visitor: Visitor, photo: bytes
) -> None:
    api = started("api")
    os.kill(api.uvicorn, signal.SIGSTOP)  # as a cold start, it takes the request and says nothing
    try:
        page = visitor.visit(started("page", API_URL=api.api).page)
        expect(page.locator(".lc-status.lc-waiting")).to_contain_text("Starting up")
        drop(page, photo)
        expect(page.get_by_text("The API is starting up …")).to_be_visible()
    finally:
        os.kill(api.uvicorn, signal.SIGCONT)

    expect(page.locator(".lc-verdict h2")).to_have_text("buildings")
    expect(page.locator(".lc-status.lc-ready")).to_be_visible()


def test_an_api_with_a_lower_limit_says_it(started: Start, visitor: Visitor, photo: bytes) -> None:
    api = started("api", MAX_BODY_BYTES="50000")
    page = visitor.visit(started("page", API_URL=api.api).page)

    drop(page, photo)

    expect(page.get_by_role("alert")).to_contain_text("The picture is too large")
    expect(page.get_by_role("alert")).to_contain_text("50,000 bytes")


def test_an_api_that_asks_to_wait_says_for_how_long(
    started: Start, visitor: Visitor, photo: bytes
) -> None:
    api = started("api", FAILED_LOGINS_PER_MINUTE="1")
    page: Page = visitor.visit(started("page", API_URL=api.api).page)

    with guessing(api.api):
        drop(page, photo)
        waits = page.locator(".lc-notice.lc-waits")
        expect(waits).to_contain_text("The API asks to wait")
        expect(waits).to_contain_text("Try again in ")
    expect(page.get_by_role("button", name="Try again")).to_be_visible()


@contextmanager
def guessing(api: str) -> Iterator[None]:
    """Send wrong passwords all the while, so that this machine has to wait all the while."""
    wrong, over = ("demo", "not-the-password-of-the-api"), Event()

    def guess() -> None:
        while not over.wait(0.1):
            requests.get(f"{api}/model", auth=wrong, timeout=10)

    guesser = Thread(target=guess)
    guesser.start()
    try:
        while requests.get(f"{api}/model", auth=wrong, timeout=10).status_code != 429:
            pass
        yield
    finally:
        over.set()
        guesser.join()
