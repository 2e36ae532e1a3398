"""The page in a process of its own, configured for a stand-in for the API."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from time import monotonic, sleep

import requests

from tests.conftest import ROOT
from tests.frontend.stand_in_api import (
    CONFIDENT,
    HEALTHY,
    PASSWORD,
    USERNAME,
    Reply,
    StandInApi,
    explained,
    serve,
)
from tests.ports import free_ports

START_LIMIT_S = 60
THRESHOLD = 0.845  # below the confidence of `CONFIDENT`
_MANIFEST = ROOT / "models" / "intel-scenes" / "manifest.json"


def reset(api: StandInApi) -> None:
    """Let the stand-in answer as an API in good order."""
    api.health = Reply(200, HEALTHY)
    api.predict = Reply(200, CONFIDENT)
    manifest = json.loads(_MANIFEST.read_text())
    manifest |= {"version": CONFIDENT["model_version"], "confidence_threshold": THRESHOLD}
    api.replies = {
        "GET /model": Reply(200, manifest),
        "POST /explain": Reply(200, explained([[0.4, 0.0], [0.0, -0.1]])),
    }


@contextmanager
def running_page(folder: Path) -> Iterator[tuple[str, StandInApi]]:
    """Start the page; its address and the stand-in are valid until the block ends.

    Args:
        folder: working directory, without a `.env`.
    """
    (port,) = free_ports(1)
    config = folder / ".streamlit"
    config.mkdir()
    (config / "config.toml").write_text((ROOT / ".streamlit" / "config.toml").read_text())
    with serve() as api:
        reset(api)
        settings = {"API_URL": api.url, "API_USERNAME": USERNAME, "API_PASSWORD": PASSWORD}
        process = subprocess.Popen(
            [
                *(sys.executable, "-m", "streamlit", "run", str(ROOT / "frontend" / "server.py")),
                *("--server.headless=true", f"--server.port={port}"),
                "--server.address=127.0.0.1",
            ],
            cwd=folder,
            env={**os.environ, **settings, "HOME": str(folder)},
            stdout=subprocess.DEVNULL,
        )
        try:
            address = f"http://127.0.0.1:{port}"
            _wait(address)
            yield address, api
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(timeout=30)


def _wait(address: str) -> None:
    deadline = monotonic() + START_LIMIT_S
    while True:
        try:
            if requests.get(f"{address}/_stcore/health", timeout=5).ok:
                return
        except requests.ConnectionError:
            assert monotonic() < deadline, "the page did not start"
            sleep(0.1)  # a process has no event for this
