"""`make demo` from its first run to Ctrl-C, and its error messages."""

import os
import shutil
import signal
import socket
import stat
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from tests.ports import free_ports

Start = Callable[..., Any]


@pytest.fixture(autouse=True)
def no_env(checkout: Path) -> Iterator[Path]:
    """Start each test without a `.env`, like a first run."""
    env = checkout / ".env"
    yield env
    env.unlink(missing_ok=True)


def is_free(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) != 0


def test_first_run_classifies_a_photo_and_ends_cleanly_on_ctrl_c(
    start_demo: Start, checkout: Path, photo: bytes
) -> None:
    demo = start_demo()
    demo.wait_until_ready()

    health = requests.get(f"{demo.api}/health", timeout=10).json()
    answer = requests.post(f"{demo.api}/predict", photo, auth=demo.credentials, timeout=10).json()
    page = requests.get(demo.page, timeout=10)
    code = demo.end(signal.SIGINT)

    assert answer["label"] in health["classes"]
    assert sum(one["confidence"] for one in answer["predictions"]) == pytest.approx(1, abs=1e-3)
    assert "<title>" in page.text
    assert demo.api in demo.output
    assert demo.page in demo.output
    assert str(checkout / ".env") in demo.output
    assert demo.credentials[1] not in demo.output
    assert "\x1b" not in demo.output
    assert "Traceback" not in demo.output
    assert code == 0
    assert is_free(demo.api_port)
    assert is_free(demo.page_port)


def test_first_run_writes_credentials_readable_by_the_owner_only(
    start_demo: Start, checkout: Path
) -> None:
    demo = start_demo()
    demo.wait_for("Starting")
    code = demo.end(signal.SIGTERM)  # long before it is ready
    first = (checkout / ".env").read_bytes()

    again = start_demo()
    again.wait_for("Starting")

    assert code == 0
    assert stat.S_IMODE((checkout / ".env").stat().st_mode) == 0o600
    assert demo.credentials[0] == "demo"
    assert len(demo.credentials[1]) >= 24
    assert again.end(signal.SIGTERM) == 0
    assert (checkout / ".env").read_bytes() == first


@pytest.mark.parametrize("part", ["api", "page"])
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_background_demo_survives_its_terminal_and_stops_cleanly(
    start_demo: Start, part: str, number: signal.Signals
) -> None:
    demo = start_demo(part, background=True)
    demo.wait_for("Starting")

    demo.process.send_signal(signal.SIGHUP)  # ignored under nohup
    demo.wait_until_ready()

    assert demo.end(number) == 0
    assert "Stopped." in demo.output
    assert "Traceback" not in demo.output
    assert is_free(demo.api_port)
    assert is_free(demo.page_port)


@pytest.mark.parametrize("line", ["", "API_PASSWORD=", "API_PASSWORD=short"])
def test_missing_or_short_password_is_reported(
    start_demo: Start, checkout: Path, line: str
) -> None:
    text = f"API_USERNAME=demo\n{line}\n"
    (checkout / ".env").write_text(text)

    demo = start_demo()

    assert demo.end() == 1
    assert "API_PASSWORD" in demo.output
    assert "delete" in demo.output
    assert "Traceback" not in demo.output
    assert (checkout / ".env").read_text() == text


@pytest.mark.parametrize("variable", ["API_PORT", "PAGE_PORT"])
def test_port_in_use_is_reported_before_anything_starts(start_demo: Start, variable: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        demo = start_demo(**{variable: str(port)})

        assert demo.end() == 1

    assert f"Port {port}" in demo.output
    assert f"make demo {variable}=" in demo.output
    assert "Starting" not in demo.output
    assert "Traceback" not in demo.output


def test_one_port_for_both_is_reported(start_demo: Start) -> None:
    (port,) = free_ports(1)
    demo = start_demo(API_PORT=str(port), PAGE_PORT=str(port))

    assert demo.end() == 1

    assert f"API_PORT and PAGE_PORT are both {port}" in demo.output
    assert "Starting" not in demo.output


def test_folder_that_cannot_be_written_is_reported(start_demo: Start, checkout: Path) -> None:
    shutil.rmtree(checkout / "logs", ignore_errors=True)
    (checkout / "logs").touch()
    demo = start_demo()

    assert demo.end() == 1

    (checkout / "logs").unlink()
    assert f"Make {checkout.resolve()} writable" in demo.output
    assert "Traceback" not in demo.output


@pytest.mark.parametrize("port", ["web", "0", "65536", "-1", ""])
def test_invalid_port_is_reported(start_demo: Start, port: str) -> None:
    demo = start_demo(PAGE_PORT=port)

    assert demo.end() == 1
    assert "PAGE_PORT must be a port" in demo.output


def test_missing_bundle_is_reported_before_anything_starts(start_demo: Start) -> None:
    demo = start_demo(MODEL_URI="models/missing")

    assert demo.end() == 1
    assert "models/missing: No bundle found" in demo.output
    assert "Starting" not in demo.output


@pytest.mark.parametrize("victim", ["lambda_api serve", "streamlit"])
def test_killed_server_stops_the_other(start_demo: Start, victim: str) -> None:
    demo = start_demo()
    demo.wait_until_ready()
    found = subprocess.run(
        ["pgrep", "-P", str(demo.process.pid), "-f", victim], capture_output=True, check=True
    )

    os.kill(int(found.stdout), signal.SIGKILL)

    assert demo.end() == 1
    assert "stopped unexpectedly (exit code -9)" in demo.output
    assert is_free(demo.api_port)
    assert is_free(demo.page_port)


def test_failed_start_shows_the_reason(start_demo: Start, checkout: Path) -> None:
    (checkout / "nothing").write_text("")

    demo = start_demo(LOG_DIR="nothing")  # a file, but the API needs a folder

    assert demo.end() == 1
    assert "The api stopped unexpectedly" in demo.output
    assert "nothing" in demo.output
    assert is_free(demo.page_port)
