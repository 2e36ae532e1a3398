"""A visitor of the page: a tab of a real browser, and what people do in it."""

import os
from io import BytesIO
from pathlib import Path
from urllib.parse import urlsplit

from PIL import Image
from playwright.sync_api import Browser, Page, expect

FLAGS = (
    "--no-sandbox --disable-gpu --disable-quic --disable-dev-shm-usage --no-first-run "
    "--disable-background-networking --disable-component-update --disable-sync"
)
# A camera that shows a test picture; whether it may be used is asked all the same.
FAKE_CAMERA = "--use-fake-device-for-media-stream"
LIMIT_MS = 60_000  # the first visit imports pandas and Plotly


class Visitor:
    """A tab of its own, without the cookies and permissions of others.

    Attributes:
        page: Playwright's.
        asked: the hosts that the browser sent requests to.
        received: what came through Streamlit's socket.
    """

    def __init__(self, browser: Browser, **context: object) -> None:
        # Streamlit scrolls inside the page: a tall window shows all of it.
        size = {"width": 1200, "height": 1300}
        self.page: Page = browser.new_page(**{"viewport": size, **context})
        self.page.set_default_timeout(LIMIT_MS)
        expect.set_options(timeout=LIMIT_MS)
        self.asked: set[str] = set()
        self.received: list[bytes] = []
        self.page.on("request", lambda request: self._note(request.url))
        self.page.on("websocket", self._listen)

    def _note(self, url: str) -> None:
        if host := urlsplit(url).hostname:  # data: and blob: have none
            self.asked.add(host)

    def _listen(self, socket: object) -> None:
        self._note(socket.url)
        socket.on(
            "framereceived",
            lambda frame: self.received.append(frame if isinstance(frame, bytes) else b""),
        )

    def visit(self, address: str) -> Page:
        """Go to the page and wait until it says how the API is."""
        self.page.goto(address)
        expect(self.page.locator(".lc-status")).to_be_visible()
        return self.page

    def photograph(self, name: str) -> None:
        """Keep a screenshot in the folder that SCREENSHOT_DIR names; without it, none.

        In 256 colours: a third of the bytes.
        """
        if folder := os.environ.get("SCREENSHOT_DIR"):
            self.page.mouse.move(0, 0)
            self.page.wait_for_timeout(1500)  # animations
            with Image.open(BytesIO(self.page.screenshot())) as image:
                image.convert("RGB").quantize(256).save(Path(folder) / name, optimize=True)


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


def look_at(page: Page, name: str) -> None:
    """Open one of several pictures."""
    option = page.get_by_role("option", name=name)
    while not option.is_visible():  # the list closes where the page still scrolls or is drawn
        page.get_by_label("Look at one").click()
        page.wait_for_timeout(1000)
    option.click()
