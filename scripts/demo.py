"""`make demo`: run the API and the page on this machine until Ctrl-C.

`python -m scripts.demo api` (or `page`) runs one of them with its output on the terminal. Run it in
the root of the repository.
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
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from lambda_api.manifest import BundleError, read_bundle
from lambda_api.s3_bundle import S3
from lambda_api.settings import SettingsError, load_settings

HOST = "127.0.0.1"  # loopback only: the page has the API's password and asks for none
ENV_FILE = Path(".env")
LOGS = Path("logs")
LAST_LINES = 15  # end of the log, shown if a server fails
START_LIMIT_S = 90
STOP_LIMIT_S = 10
POLL_S = 0.2


class DemoError(RuntimeError):
    """The demo cannot start, or a server failed. The message says why."""


@dataclass(frozen=True)
class Part:
    """A server to start.

    Attributes:
        port_variable: the environment variable that sets `port`.
        health: path that returns 200 when the server is ready.
        module: arguments of `python -m`.
        environment: additional environment variables.
        log: file for its output; None for the terminal.
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
    """Run the demo. Returns the exit code: 0 if stopped by a signal, 1 for an error."""
    parser = argparse.ArgumentParser(
        prog="python -m scripts.demo", description="Run the API and the page until Ctrl-C."
    )
    parser.add_argument(
        "part", nargs="?", choices=["api", "page"], help="server to run (default: both)"
    )
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
        return _fail(f"{error}\nCorrect {ENV_FILE}, or delete it: the next run writes a new one.")
    except BundleError as error:
        return _fail(f"{settings.model_uri}: {error}")
    except DemoError as error:
        return _fail(str(error))
    except OSError as error:
        return _fail(
            f"{error}\nMake {Path.cwd()} writable and free some space, or use a copy of it."
        )
    print("Stopped.")
    return 0


def _check_bundle(uri: str) -> None:
    if not uri.startswith(S3):  # /health reports an unusable bundle in S3
        read_bundle(Path(uri))


def write_env() -> bool:
    """Create `.env` from `.env.example` with a new password, readable by its owner only.

    Returns:
        Whether it was created. An existing file is not changed.
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
    """Raise `DemoError` if a port is in use, before anything is started."""
    if len({part.port for part in parts}) < len(parts):
        raise DemoError(f"API_PORT and PAGE_PORT are both {parts[0].port}. Choose two ports.")
    for part in parts:
        with socket.socket() as probe:
            if probe.connect_ex((HOST, part.port)) == 0:
                raise DemoError(
                    f"Port {part.port} for the {part.name} is in use. Choose another, "
                    f"such as: make demo {part.port_variable}={part.port + 1}"
                )


def run(parts: Sequence[Part], stop: "_StopSignal") -> None:
    """Start the parts, print their addresses, and wait for a signal or until a part ends.

    Raises:
        DemoError: a part did not become ready, or ended. All other parts are stopped.
    """
    started: Started = []
    print(f"Starting the {' and the '.join(part.name for part in parts)} ...", flush=True)
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
            with suppress(ProcessLookupError):  # worker processes of a killed server
                os.killpg(process.pid, signal.SIGKILL)


class _StopSignal:
    """Record that a stop signal was received.

    The handler does not raise: an exception between the start of a child process and its entry in
    the list would leave the child running.
    """

    def __init__(self) -> None:
        self.received = False
        # SIGINT is handled even if the parent ignores it, as for a background process. SIGHUP stays
        # ignored under nohup.
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
        f"lambda_api serve --host {HOST} --port {port}",
        log=LOGS / "api.log" if together else None,
    )
    port = _port("PAGE_PORT", 8501)
    page = Part(
        "page",
        port,
        "PAGE_PORT",
        "/_stcore/health",
        # Headless: Streamlit opens no browser and does not request an email address.
        "streamlit run frontend/server.py --server.headless true"
        f" --server.address {HOST} --server.port {port}",
        # `make frontend` keeps the configured API_URL.
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
            start_new_session=True,  # Ctrl-C in the terminal only reaches the demo
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
                f"The {part.name} stopped unexpectedly (exit code {process.returncode})."
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
    print("\nPress Ctrl-C to stop.", flush=True)


def _fail(message: str) -> int:
    print(f"error: {message}", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
