"""The real page in a real browser, against the real API."""

import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests
from playwright.sync_api import Browser, Page, expect, sync_playwright

FLAGS = (
    "--no-sandbox --disable-gpu --disable-quic --disable-dev-shm-usage --no-first-run "
    "--disable-background-networking --disable-component-update --disable-sync"
)
LIMIT_MS = 60_000  # the first visit imports pandas and Plotly


@pytest.fixture(scope="module")
def browser(chromium: str) -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=FLAGS.split())
        yield browser
        browser.close()


@pytest.fixture
def visitor(browser: Browser) -> Iterator[Page]:
    # Streamlit scrolls inside the page: a tall window shows all of it.
    page = browser.new_page(viewport={"width": 1200, "height": 1000})
    page.set_default_timeout(LIMIT_MS)
    expect.set_options(timeout=LIMIT_MS)
    yield page
    page.close()


@pytest.fixture(scope="module")
def demo(start_demo: Callable[..., Any]) -> Any:
    demo = start_demo()
    demo.wait_until_ready()
    return demo


def drop(visitor: Page, picture: bytes) -> None:
    chooser = visitor.locator('[data-testid="stFileUploader"] input[type=file]')
    chooser.set_input_files({"name": "holiday.jpg", "mimeType": "image/jpeg", "buffer": picture})


def test_visitor_drops_a_photo_and_sees_what_it_shows(
    demo: Any, visitor: Page, photo: bytes
) -> None:
    hosts: set[str | None] = set()
    visitor.on("request", lambda request: hosts.add(urlsplit(request.url).hostname))
    direct = requests.post(f"{demo.api}/predict", photo, auth=demo.credentials, timeout=10).json()

    visitor.goto(demo.page)
    expect(visitor.get_by_text("Ready", exact=True)).to_be_visible()
    drop(visitor, photo)

    expect(visitor.get_by_role("heading", name=direct["label"])).to_be_visible()
    expect(visitor.get_by_text(f"{direct['confidence']:.1%} confidence")).to_be_visible()
    expect(visitor.locator(".js-plotly-plot .bars .point")).to_have_count(6)
    expect(visitor.locator(".js-plotly-plot .main-svg").first).to_be_visible()
    expect(visitor.get_by_alt_text("Preview of your picture")).to_be_visible()
    if folder := os.environ.get("SCREENSHOT_DIR"):
        visitor.wait_for_timeout(1500)  # animations
        visitor.screenshot(path=Path(folder) / "page.png")
    assert hosts == {"127.0.0.1"}


def test_wrong_password_is_told_in_plain_words(
    demo: Any, start_demo: Callable[..., Any], visitor: Page, photo: bytes
) -> None:
    other = start_demo("page", API_URL=demo.api, API_PASSWORD="not-the-password-of-the-api")
    other.wait_until_ready()

    visitor.goto(other.page)
    drop(visitor, photo)

    alert = visitor.get_by_role("alert")
    expect(alert).to_contain_text(re.compile("does not accept the credentials"))
    expect(visitor.locator(".js-plotly-plot")).to_have_count(0)
