"""`make demo`: the API and the page on this machine, until Ctrl-C.

In the repository's root, `python -m scripts.demo api` (or `page`) starts that one alone, with its
output on the terminal.
"""

import argparse
import http.client
import os
import re
import secrets
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from lambda_api.loaded_model import S3
from lambda_api.manifest import BundleError, read_bundle
from lambda_api.settings import SettingsError, load_settings

HOST = "127.0.0.1"  # never the network: the page holds the API's password
ENV_FILE = Path(".env")
LOGS = Path("logs")
LAST_LINES = 15  # of a log that tells why its server ended
START_LIMIT_S = 90
STOP_LIMIT_S = 10
POLL_S = 0.2


class DemoError(RuntimeError):
    """Why the demo cannot start or go on."""


@dataclass(frozen=True)
class Part:
    """A server to start.

    Attributes:
        port_variable: the environment variable that sets `port`.
        health: the path that answers 200 once it is ready.
        module: what follows `python -m`.
        environment: what it needs besides the demo's own.
        log: where its output goes; to the terminal if None.
    """

    name: str
    port: int
    port_variable: str
    health: str
    module: str
    environment: dict[str, str] = field(default_factory=dict)
    log: Path | None = None


Started = list[tuple[Part, subprocess.Popen[bytes]]]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the demo; the exit code: 0 stopped by a signal, 1 something is wrong."""
    parser = argparse.ArgumentParser(
        prog="python -m scripts.demo", description="The API and the page, until Ctrl-C."
    )
    parser.add_argument("part", nargs="?", choices=["api", "page"], help="both if not given")
    wanted = parser.parse_args(arguments).part
    stop = _StopSignal()
    try:
        if write_env():
            print(f"Wrote {ENV_FILE} with a generated password.")
        settings = load_settings()
        if wanted != "page":
            _check_bundle(settings.model_uri)
        parts = _parts(wanted)
        check_ports(parts)
        run(parts, stop)
    except SettingsError as error:
        return _fail(f"{error}\nMend {ENV_FILE}, or delete it: the next run writes a new one.")
    except BundleError as error:
        return _fail(f"{settings.model_uri}: {error}")
    except DemoError as error:
        return _fail(str(error))
    print("Stopped.")
    return 0


def _check_bundle(uri: str) -> None:
    if not uri.startswith(S3):  # of one there, /health tells
        read_bundle(Path(uri))


def write_env() -> bool:
    """Write `.env` from `.env.example` with a new password, for its owner's eyes only.

    Returns:
        Whether it was written; one that exists is left alone.
    """
    example = Path(".env.example").read_text(encoding="utf-8")
    password = f"API_PASSWORD={secrets.token_urlsafe(24)}"
    try:
        descriptor = os.open(ENV_FILE, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return False
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(re.sub(r"^API_PASSWORD=$", password, example, flags=re.MULTILINE))
    return True


def check_ports(parts: Sequence[Part]) -> None:
    """Raises `DemoError` where a port is taken, before anything is started."""
    for part in parts:
        with socket.socket() as probe:
            if probe.connect_ex((HOST, part.port)) == 0:
                raise DemoError(
                    f"Port {part.port}, meant for the {part.name}, is in use. Choose another, "
                    f"as in: make demo {part.port_variable}={part.port + 1}"
                )


def run(parts: Sequence[Part], stop: "_StopSignal") -> None:
    """Start the parts, say where they are, and wait until a signal or until one of them ends.

    Raises:
        DemoError: one does not get ready, or ended by itself. The others are stopped by then.
    """
    started: Started = []
    print(f"Starting the {' and the '.join(part.name for part in parts)} …", flush=True)
    try:
        for part in parts:
            started.append((part, _start(part)))
        _wait_until_healthy(started, stop)
        if not stop.received:
            _announce(parts)
        while not stop.received:
            _check_alive(started)
            time.sleep(POLL_S)
    finally:
        for _, process in started:
            process.terminate()
        for _, process in started:
            try:
                process.wait(STOP_LIMIT_S)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


class _StopSignal:
    """Remembers that a signal asked to stop.

    A handler that raised could do so between a child's start and the note of it, and orphan it.
    """

    def __init__(self) -> None:
        self.received = False
        # SIGINT too where it is ignored, as in the background. What nohup ignores stays ignored.
        signal.signal(signal.SIGINT, self._receive)
        signal.signal(signal.SIGTERM, self._receive)
        if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:
            signal.signal(signal.SIGHUP, self._receive)

    def _receive(self, *_: object) -> None:
        self.received = True


def _parts(wanted: str | None) -> list[Part]:
    together = wanted is None
    port = _port("API_PORT", 8000)
    api = Part(
        "api",
        port,
        "API_PORT",
        "/health",
        # Its own log of requests would have their query strings.
        f"uvicorn lambda_api.app:create_app --factory --host {HOST} --port {port}"
        " --no-access-log --no-server-header",
        log=LOGS / "api.log" if together else None,
    )
    port = _port("PAGE_PORT", 8501)
    page = Part(
        "page",
        port,
        "PAGE_PORT",
        "/_stcore/health",
        # Headless: opens no browser and asks for no e-mail address.
        "streamlit run frontend/app.py --server.headless true"
        f" --server.address {HOST} --server.port {port}",
        # A page on its own may have another API to talk to.
        environment={"API_URL": _address(api)} if together else {},
        log=LOGS / "page.log" if together else None,
    )
    return [part for part in (api, page) if wanted in (None, part.name)]


def _port(variable: str, default: int) -> int:
    value = os.environ.get(variable, str(default))
    if not (value.isdecimal() and 0 < int(value) < 65536):
        raise DemoError(f"{variable} must be a port, 1 to 65535, not {value!r}.")
    return int(value)


def _address(part: Part) -> str:
    return f"http://{HOST}:{part.port}"


def _start(part: Part) -> subprocess.Popen[bytes]:
    output = None
    if part.log:
        part.log.parent.mkdir(exist_ok=True)
        output = part.log.open("wb")
    try:
        return subprocess.Popen(  # noqa: S603 - our own command
            [sys.executable, "-m", *part.module.split()],
            env={**os.environ, "PYTHONUNBUFFERED": "1", **part.environment},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,  # the terminal's Ctrl-C comes to the demo alone
        )
    finally:
        if output:
            output.close()


def _wait_until_healthy(started: Started, stop: _StopSignal) -> None:
    deadline = time.monotonic() + START_LIMIT_S
    for part, _ in started:
        while not stop.received and not _is_healthy(part):
            _check_alive(started)
            if time.monotonic() > deadline:
                raise DemoError(
                    f"The {part.name} is not ready after {START_LIMIT_S} s.{_last_lines(part)}"
                )
            time.sleep(POLL_S)


def _is_healthy(part: Part) -> bool:
    connection = http.client.HTTPConnection(HOST, part.port, timeout=2)
    try:
        connection.request("GET", part.health)
        return connection.getresponse().status == http.HTTPStatus.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def _check_alive(started: Started) -> None:
    for part, process in started:
        if process.poll() is not None:
            raise DemoError(
                f"The {part.name} has ended by itself (exit code {process.returncode})."
                f"{_last_lines(part)}"
            )


def _last_lines(part: Part) -> str:
    if not part.log:
        return ""
    lines = part.log.read_text(encoding="utf-8", errors="replace").splitlines()[-LAST_LINES:]
    return f" The end of {part.log}:\n" + "\n".join(f"  {line}" for line in lines)


def _announce(parts: Sequence[Part]) -> None:
    print()
    for part in parts:
        print(f"  {part.name:<5} {_address(part)}")
    print(f"\n  API_USERNAME and API_PASSWORD are in {ENV_FILE.absolute()}")
    if any(part.log for part in parts):
        print(f"  Logs are in {LOGS.absolute()}")
    print("\nCtrl-C stops.", flush=True)


def _fail(message: str) -> int:
    print(f"error: {message}", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
