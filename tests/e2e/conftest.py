"""Fixtures: the demo in a new checkout, as a new user would run it, and a browser."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Generator, Iterator
from contextlib import suppress
from pathlib import Path
from queue import SimpleQueue
from threading import Thread

import pytest
from dotenv import dotenv_values
from playwright.sync_api import Browser, Playwright, sync_playwright
from playwright.sync_api import Error as PlaywrightError

from tests.checkout import copy_project
from tests.e2e.browser import FLAGS, LAPTOP, PHONE, Visitor, visiting
from tests.e2e.stand_in_page import reset, running_page
from tests.frontend.stand_in_api import StandInApi
from tests.ports import free_ports

NEEDED = (".env.example", ".streamlit", "env_file", "frontend", "lambda_api", "models", "scripts")


class Demo:
    """A running `python -m scripts.demo`, on free ports and with an empty home folder."""

    # Ignores SIGINT, as a shell without job control does for `&`, and SIGHUP, as nohup does.
    IN_BACKGROUND = ("sh", "-c", 'trap "" INT HUP; exec "$@"', "-")

    def __init__(
        self, checkout: Path, *arguments: str, background: bool = False, **environment: str
    ) -> None:
        self.checkout = checkout
        self.api_port, self.page_port = free_ports(2)
        self.api_port = int(environment.get("API_PORT", self.api_port))
        self.output = ""
        home = checkout / "home"
        home.mkdir(exist_ok=True)
        ports = {"API_PORT": str(self.api_port), "PAGE_PORT": str(self.page_port)}
        self.process = subprocess.Popen(
            [
                *(self.IN_BACKGROUND if background else ()),
                *(sys.executable, "-m", "scripts.demo", *arguments),
            ],
            cwd=checkout,
            env={**os.environ, "HOME": str(home), **ports, **environment},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        # Read continuously: a full pipe would block the servers.
        self._lines: SimpleQueue[str] = SimpleQueue()
        self._reader = Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stdout
        with self.process.stdout as lines:
            for line in lines:
                self._lines.put(line)
        self._lines.put("")

    @property
    def api(self) -> str:
        return f"http://127.0.0.1:{self.api_port}"

    @property
    def page(self) -> str:
        return f"http://127.0.0.1:{self.page_port}"

    @property
    def credentials(self) -> tuple[str, str]:
        env = dotenv_values(self.checkout / ".env")
        return str(env["API_USERNAME"]), str(env["API_PASSWORD"])

    @property
    def api_group(self) -> int:
        """ID of the process group of its API."""
        command = ["pgrep", "-P", str(self.process.pid), "-f", "lambda_api serve"]
        return int(subprocess.run(command, capture_output=True, check=True).stdout)

    def wait_for(self, text: str) -> None:
        """Append its output to `output`, up to the first line that contains `text`."""
        for line in iter(self._lines.get, ""):
            self.output += line
            if text in line:
                return
        pytest.fail(f"the demo ended without printing {text!r}:\n{self.output}")

    def wait_until_ready(self) -> None:
        self.wait_for("Press Ctrl-C to stop.")

    def end(self, number: signal.Signals | None = None) -> int:
        """Send the signal, if given, wait for the end, and return the exit code."""
        if number is not None:
            self.process.send_signal(number)
        self.process.wait(timeout=60)
        self._reader.join()
        while not self._lines.empty():
            self.output += self._lines.get()
        return self.process.returncode


def _checkout(folder: Path) -> Path:
    """Copy the files that `make demo` needs, without a `.env`."""
    return copy_project(NEEDED, folder)


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return _checkout(tmp_path_factory.mktemp("checkout"))


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    """A demo shared by several test files, which do not change it."""
    demo = Demo(_checkout(tmp_path_factory.mktemp("demo")))
    demo.wait_until_ready()
    yield demo
    demo.end(signal.SIGTERM)


@pytest.fixture(scope="module")
def start_demo(checkout: Path) -> Iterator[Callable[..., Demo]]:
    """Return a function that starts a `Demo` in the checkout. All are stopped at the end."""
    demos: list[Demo] = []

    def start(*arguments: str, background: bool = False, **environment: str) -> Demo:
        demos.append(Demo(checkout, *arguments, background=background, **environment))
        return demos[-1]

    yield start
    for demo in demos:
        if demo.process.returncode is None:
            demo.end(signal.SIGTERM)


@pytest.fixture(scope="module")  # not session: while Playwright runs, asyncio.run() raises an error
def playwright() -> Iterator[Playwright]:
    with sync_playwright() as playwright:
        yield playwright


@pytest.fixture(scope="module")
def browser(playwright: Playwright, chromium: str) -> Iterator[Browser]:
    with playwright.chromium.launch(executable_path=chromium, args=FLAGS) as browser:
        yield browser


@pytest.fixture(scope="module")
def browser_with_camera(playwright: Playwright, chromium_with_windows: str) -> Iterator[Browser]:
    """A browser whose camera shows a test picture, if the visitor has the permission to use it."""
    args = [*FLAGS, "--use-fake-device-for-media-stream"]
    with playwright.chromium.launch(executable_path=chromium_with_windows, args=args) as browser:
        yield browser


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Add the text of the visitor's page to the report of a failed test."""
    report = yield
    visitors = [x for x in getattr(item, "funcargs", {}).values() if isinstance(x, Visitor)]
    if call.when == "call" and report.failed and visitors:
        with suppress(PlaywrightError):  # of a closed or crashed page; it would end the test run
            text = visitors[0].page.locator("body").inner_text()
            report.sections.append(("page", f"{visitors[0].page.url}\n{text}"))
    return report


@pytest.fixture
def visitor(browser: Browser) -> Iterator[Visitor]:
    with visiting(browser) as visitor:
        yield visitor


@pytest.fixture(scope="session")
def stand_in_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, StandInApi]]:
    with running_page(tmp_path_factory.mktemp("page")) as running:
        yield running


@pytest.fixture
def api(stand_in_server: tuple[str, StandInApi]) -> Iterator[StandInApi]:
    reset(stand_in_server[1])
    yield stand_in_server[1]
    reset(stand_in_server[1])


@pytest.fixture
def address(stand_in_server: tuple[str, StandInApi]) -> str:
    return stand_in_server[0]


@pytest.fixture
def phone(browser: Browser, api: StandInApi) -> Iterator[Visitor]:
    with visiting(browser, viewport=PHONE, has_touch=True) as visitor:
        yield visitor


@pytest.fixture
def laptop(browser: Browser, api: StandInApi) -> Iterator[Visitor]:
    with visiting(browser, viewport=LAPTOP) as visitor:
        yield visitor
