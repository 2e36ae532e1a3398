"""A clean environment for every test, and a stand-in for the API."""

import time
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from types import SimpleNamespace

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from tests.frontend.driver import APP
from tests.frontend.stand_in_api import PASSWORD, USERNAME, StandInApi, serve


@pytest.fixture(autouse=True)
def clean_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No settings, no `.env` of the developer's, nothing cached by the test before."""
    monkeypatch.chdir(tmp_path)
    for name in ("API_URL", "API_USERNAME", "API_PASSWORD", "PAGE_TITLE", "CLASS_DESCRIPTIONS"):
        monkeypatch.delenv(name, raising=False)
    st.cache_data.clear()
    st.cache_resource.clear()


@pytest.fixture
def stand_in_api() -> Iterator[StandInApi]:
    """A server that speaks the API's contract and classifies nothing."""
    with serve() as api:
        yield api


@pytest.fixture
def slept(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The seconds between retries, which are noted here and not waited for."""
    seconds: list[float] = []
    clock = SimpleNamespace(sleep=seconds.append, time=time.time)
    monkeypatch.setattr("urllib3.util.retry.time", clock)
    return seconds


@pytest.fixture(scope="session")
def photos() -> Path:
    """The folder of scikit-learn's two photos: china.jpg and flower.jpg, 640 x 427."""
    spec = find_spec("sklearn")
    assert spec is not None
    assert spec.origin is not None
    return Path(spec.origin).parent / "datasets" / "images"


@pytest.fixture
def photo(photos: Path) -> bytes:
    """A real photo."""
    return (photos / "china.jpg").read_bytes()


@pytest.fixture
def page(stand_in_api: StandInApi, monkeypatch: pytest.MonkeyPatch, slept: list[float]) -> AppTest:
    """A page that is configured for the stand-in; it waits for nothing between retries."""
    # The stand-in is slow on a busy machine.
    monkeypatch.setattr("frontend.api.health_watch.WAIT_S", 10.0)
    monkeypatch.setenv("API_URL", stand_in_api.url)
    monkeypatch.setenv("API_USERNAME", USERNAME)
    monkeypatch.setenv("API_PASSWORD", PASSWORD)
    return AppTest.from_file(APP, default_timeout=30)
