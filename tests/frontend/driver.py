"""Actions on the page in Streamlit's test runner."""

import re
from collections.abc import Callable
from pathlib import Path

from streamlit.testing.v1 import AppTest

APP = Path(__file__).parents[2] / "frontend" / "app.py"


def drop(page: AppTest, data: bytes, name: str = "china.jpg") -> AppTest:
    return drop_all(page, [(name, data)])


def drop_all(page: AppTest, files: list[tuple[str, bytes]]) -> AppTest:
    page.file_uploader[0].set_value([(name, data, "image/jpeg") for name, data in files])
    return page.run()


def text(page: AppTest) -> str:
    """All texts of the page."""
    assert not page.exception
    bodies = " ".join(element.proto.body for element in page.get("html"))
    return re.sub(r"<style>.*?</style>", "", bodies, flags=re.DOTALL)


def click(page: AppTest, label: str) -> None:
    clicks: dict[str, Callable[[], object]] = {b.label: b.click for b in page.button}
    clicks[label]()
    page.run()


def open_tab(page: AppTest, name: str) -> AppTest:
    page.session_state["tab"] = name
    return page.run()


def choose_source(page: AppTest, name: str) -> AppTest:
    page.session_state["source"] = name
    return page.run()
