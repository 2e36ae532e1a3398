"""A visitor of the page: a tab of a real browser, and the actions in it."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from io import BytesIO
from pathlib import Path
from time import monotonic
from urllib.parse import urlsplit

import requests
from PIL import Image
from playwright.sync_api import Browser, Page, Request, Route, expect
from playwright.sync_api import Error as PlaywrightError

FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
NETWORK_CHANGED = "net::ERR_NETWORK_CHANGED"
LOADS = 5
LIMIT_MS = 60_000  # the first visit imports pandas and Plotly
# Streamlit scrolls inside the page: a tall window shows all of it.
# Usual windows, in pixels.
PHONE, TABLET = {"width": 390, "height": 844}, {"width": 820, "height": 1180}
LAPTOP, DESKTOP = {"width": 1280, "height": 720}, {"width": 1440, "height": 1000}
ROW_HEIGHT = 52  # pixels, in the table of a batch
WINDOW = {"width": 1200, "height": 1300}

# Without a connection, as while it is made again, Streamlit fades all elements.
_SETTLED = """() =>
  document.querySelector('.stApp')?.dataset.testScriptState === 'notRunning'
  && document.querySelector('.stApp').dataset.testConnectionState === 'CONNECTED'
  && !document.querySelector('[data-stale=true]')
  && document.getAnimations().every(animation =>
    animation.playState !== 'running'
    || animation.effect.getComputedTiming().iterations === Infinity)
"""


@cache
def _script(url: str) -> bytes:
    return requests.get(url, timeout=LIMIT_MS / 1000).content


def _serve(route: Route) -> None:
    """Serve Streamlit's scripts. Chromium would abort a late one when the network changes."""
    body = _script(route.request.url)
    route.fulfill(body=body, content_type="text/javascript")


class Visitor:
    """A tab with its own cookies and permissions.

    Attributes:
        page: Playwright's page.
        requested: hosts to which the browser sent requests.
        received: messages that arrived through Streamlit's WebSocket.
    """

    def __init__(self, browser: Browser, **context: object) -> None:
        self.page: Page = browser.new_page(**{"viewport": WINDOW, **context})
        self.page.set_default_timeout(LIMIT_MS)
        expect.set_options(timeout=LIMIT_MS)
        self.requested: set[str] = set()
        self.received: list[bytes] = []
        self.page.on("pageerror", lambda error: print(f"error in the browser: {error}"))
        self._network_changed = False
        self.page.on("requestfailed", self._note_failure)
        self.page.on("request", lambda request: self._note(request.url))
        self.page.on("websocket", self._listen)
        self.page.route("**/static/js/*.js", _serve)

    def _note(self, url: str) -> None:
        if host := urlsplit(url).hostname:  # data: and blob: have none
            self.requested.add(host)

    def _note_failure(self, request: Request) -> None:
        print(request.failure, request.url)  # pytest shows it if the test fails
        self._network_changed |= request.failure == NETWORK_CHANGED

    def _listen(self, socket: object) -> None:
        self._note(socket.url)
        socket.on(
            "framereceived",
            lambda frame: self.received.append(frame if isinstance(frame, bytes) else b""),
        )

    def visit(self, address: str) -> Page:
        """Open the page and wait for its status line.

        Containers of other tests add and remove network interfaces. Chromium then aborts requests
        that are under way, and a page without some of its scripts is blank. It is loaded again.
        """
        for _ in range(LOADS):
            self._network_changed = False
            try:
                self.page.goto(address, wait_until="networkidle")
                if not self._network_changed:
                    expect(self.page.locator(".lc-status")).to_be_visible()
            except (AssertionError, PlaywrightError):
                if not self._network_changed:
                    print(len(self.received), "messages;", self.page.content()[-3000:])
                    raise
            if not self._network_changed:
                return self.page
        raise AssertionError(f"the network changed during each of {LOADS} loads")

    def photograph(self, name: str) -> None:
        """Save a screenshot in the folder SCREENSHOT_DIR; do nothing if that is not set.

        256 colors need a third of the bytes.
        """
        if folder := os.environ.get("SCREENSHOT_DIR"):
            self.page.mouse.move(0, 0)
            wait_until_settled(self.page)
            with Image.open(BytesIO(self.page.screenshot())) as image:
                image.convert("RGB").quantize(256).save(Path(folder) / name, optimize=True)


@contextmanager
def visiting(browser: Browser, **context: object) -> Iterator[Visitor]:
    """Open a tab; at the end, check that all its requests stayed on this machine."""
    visitor = Visitor(browser, **context)
    try:
        yield visitor
    finally:
        visitor.page.close()
    assert visitor.requested <= {"127.0.0.1"}


def wait_until_settled(page: Page) -> None:
    """Wait until the script has run, nothing is faded, and all finite animations have ended."""
    page.wait_for_function(_SETTLED)


def let_time_pass_until(page: Page, selector: str) -> None:
    """Advance the browser's clock, which triggers the updates of the status line.

    `page.clock.install()` was called before the visit.
    """
    deadline = monotonic() + LIMIT_MS / 1000
    while not page.locator(selector).is_visible():
        assert monotonic() < deadline, f"{selector} is not visible"
        page.clock.run_for(1000)


def drop(page: Page, picture: bytes, name: str = "holiday.jpg") -> None:
    drop_all(page, {name: picture})


def drop_all(page: Page, pictures: dict[str, bytes]) -> None:
    page.locator('[data-testid="stFileUploader"] input[type=file]').set_input_files(
        [
            {"name": name, "mimeType": "image/jpeg", "buffer": picture}
            for name, picture in pictures.items()
        ]
    )


def choose_source(page: Page, name: str) -> None:
    page.get_by_role("radio", name=name).click()


def open_tab(page: Page, name: str) -> None:
    page.get_by_role("tab", name=name).click()


def explain(page: Page) -> None:
    """Request the explanation and wait for its text."""
    page.get_by_role("button", name="Explain this result").click()
    expect(page.locator(".lc-finding")).to_be_visible()


def open_row(page: Page, row: int, name: str) -> None:
    """Open a photo of a batch with a click on its row, from 0."""
    table = page.locator('[data-testid="stDataFrame"]')
    table.scroll_into_view_if_needed()
    box = table.bounding_box()
    assert box
    page.mouse.click(box["x"] + 180, box["y"] + 36 + ROW_HEIGHT * (row + 0.5))
    expect(page.locator(".lc-filename")).to_have_text(name)


def check_again(page: Page) -> None:
    page.get_by_role("button", name="Check again").click()
