"""The page when the real API is stopped, slow, rate-limited or has other settings.

All tests share one page. Each starts its own API at the address that the page is configured for.
"""

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Event, Thread
from typing import Any

import pytest
import requests
from playwright.sync_api import Page, expect

from tests.e2e import axe
from tests.e2e.browser import Visitor, choose_source, drop, let_time_pass_until
from tests.ports import free_ports

Start = Callable[..., Any]


@pytest.fixture(scope="module")
def api_port() -> int:
    (port,) = free_ports(1)
    return port


@pytest.fixture(scope="module")
def page_address(start_demo: Start, api_port: int) -> str:
    page = start_demo("page", API_URL=f"http://127.0.0.1:{api_port}")
    page.wait_until_ready()
    return str(page.page)


@pytest.fixture
def start_api(start_demo: Start, api_port: int, page_address: str) -> Iterator[Start]:
    """Start the page's API with settings; it is stopped when the test ends."""
    apis: list[Any] = []

    def start(**settings: str) -> Any:
        api = start_demo("api", API_PORT=str(api_port), **settings)
        apis.append(api)
        api.wait_until_ready()
        return api

    yield start
    for api in apis:
        if api.process.returncode is None:
            api.end(signal.SIGTERM)


@pytest.fixture
def visit(page_address: str, visitor: Visitor) -> Callable[[], Page]:
    """Open the page and wait until it shows that the API is ready."""

    def visit() -> Page:
        page = visitor.visit(page_address)
        page.get_by_role("button", name="Check again").click()  # not the state of the last test
        expect(page.locator(".lc-status.lc-ready")).to_be_visible()
        return page

    return visit


def test_wrong_password_is_explained(
    start_api: Start, page_address: str, visitor: Visitor, photo: bytes
) -> None:
    start_api(API_PASSWORD="another-password-than-the-page-has")
    page = visitor.visit(page_address)
    expect(page.locator(".lc-status.lc-down")).to_contain_text("Not signed in")

    drop(page, photo)

    expect(page.get_by_role("alert")).to_contain_text("This page cannot sign in to the service")
    expect(page.locator(".lc-status")).to_contain_text("Not signed in")
    expect(page.locator(".js-plotly-plot")).to_have_count(0)
    assert axe.violations(page) == []


def test_stopped_api_is_reported_and_its_return_noticed(
    start_api: Start, visitor: Visitor, visit: Callable[[], Page]
) -> None:
    api = start_api()
    visitor.page.clock.install()
    page = visit()
    choose_source(page, "Samples")
    page.get_by_role("button", name="Street").click()
    expect(page.locator(".lc-verdict h2")).to_have_text("street")

    api.end(signal.SIGTERM)
    page.get_by_role("button", name="Forest").click()

    expect(page.get_by_text("The service cannot be reached").first).to_be_visible()
    let_time_pass_until(page, ".lc-status.lc-down")  # without a click
    page.get_by_role("button", name="Street").click()
    expect(page.locator(".lc-verdict h2")).to_have_text("street")  # the answer is kept
    page.get_by_role("button", name="Forest").click()
    expect(page.locator(".lc-notice")).to_be_visible()
    assert axe.violations(page) == []
    start_api()
    expect(page.locator(".lc-verdict h2")).to_have_text("forest")  # without a click
    expect(page.locator(".lc-status.lc-ready")).to_be_visible()


def test_slow_api_is_starting_up(
    start_api: Start, visitor: Visitor, visit: Callable[[], Page], photo: bytes
) -> None:
    api = start_api()
    visitor.page.clock.install()
    page = visit()
    os.killpg(
        api.api_group, signal.SIGSTOP
    )  # like a cold start, it accepts requests and does not reply
    try:
        let_time_pass_until(page, ".lc-status.lc-waiting")
        expect(page.locator(".lc-status.lc-waiting")).to_contain_text("Starting up")
        drop(page, photo)
        expect(page.get_by_test_id("stSpinner")).to_contain_text("The service is waking up")
        expect(page.get_by_role("button", name="Try a sample")).to_be_hidden()
    finally:
        os.killpg(api.api_group, signal.SIGCONT)

    expect(page.locator(".lc-verdict h2")).to_have_text("buildings")
    expect(page.locator(".lc-status.lc-ready")).to_be_visible()


def test_lower_limit_of_the_api_is_reported(
    start_api: Start, visit: Callable[[], Page], photo: bytes
) -> None:
    start_api(MAX_BODY_BYTES="50000")
    page = visit()

    drop(page, photo)

    expect(page.get_by_role("alert")).to_contain_text("This photo is too large")
    expect(page.get_by_role("alert")).to_contain_text("50,000 bytes")


def test_rate_limit_is_reported_with_its_delay(
    start_api: Start, visit: Callable[[], Page], photo: bytes
) -> None:
    api = start_api(FAILED_LOGINS_PER_MINUTE="1")
    page = visit()

    with wrong_logins(api.api):
        drop(page, photo)
        notice = page.locator(".lc-notice.lc-waits")
        expect(notice).to_contain_text("Too many requests")
        expect(notice).to_contain_text("Try again in ")
    expect(page.get_by_role("button", name="Try again")).to_be_visible()


@contextmanager
def wrong_logins(api: str) -> Iterator[None]:
    """Send wrong passwords continuously, so that the API rate-limits this machine."""
    wrong, stop = ("demo", "not-the-password-of-the-api"), Event()

    def send() -> None:
        while not stop.wait(0.1):
            requests.get(f"{api}/model", auth=wrong, timeout=10)

    sender = Thread(target=send)
    sender.start()
    try:
        while requests.get(f"{api}/model", auth=wrong, timeout=10).status_code != 429:
            pass
        yield
    finally:
        stop.set()
        sender.join()
