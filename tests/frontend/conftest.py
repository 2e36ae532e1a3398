"""A clean environment for each test, and a stand-in for the API."""

import time
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from types import SimpleNamespace

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from frontend.settings import Settings
from tests.frontend.driver import APP
from tests.frontend.stand_in_api import PASSWORD, USERNAME, StandInApi, serve


@pytest.fixture(autouse=True)
def clean_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Remove settings, the developer's `.env`, and what the previous test cached."""
    monkeypatch.chdir(tmp_path)
    # Each run of a script would search all installed packages for components; the page has none.
    monkeypatch.setattr("streamlit.components.v2.manifest_scanner.scan_component_manifests", list)
    for name in Settings.model_fields:
        monkeypatch.delenv(name.upper(), raising=False)
    st.cache_data.clear()
    st.cache_resource.clear()


@pytest.fixture
def stand_in_api() -> Iterator[StandInApi]:
    """A server with the API's contract and without a model."""
    with serve() as api:
        yield api


@pytest.fixture
def slept(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The seconds between retries, recorded here instead of waited for."""
    seconds: list[float] = []
    clock = SimpleNamespace(sleep=seconds.append, time=time.time)
    monkeypatch.setattr("urllib3.util.retry.time", clock)
    return seconds


@pytest.fixture(scope="session")
def photos() -> Path:
    """The folder of scikit-learn's two photos, china.jpg and flower.jpg, of 640 x 427 pixels."""
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
    """A page that is configured for the stand-in and does not wait between retries."""
    # On a busy machine, the stand-in needs longer than a visitor would wait.
    monkeypatch.setattr("frontend.api.watches.WAIT_S", 10.0)
    monkeypatch.setenv("API_URL", stand_in_api.url)
    monkeypatch.setenv("API_USERNAME", USERNAME)
    monkeypatch.setenv("API_PASSWORD", PASSWORD)
    return AppTest.from_file(APP, default_timeout=30)
