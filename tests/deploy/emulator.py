"""The AWS emulator ministack, reachable only from this machine and its containers."""

import os
import secrets
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import requests

from tests.deploy.engine import Engine

SERVE = Path(__file__).parent / "ministack" / "serve.py"
REGION = "eu-central-1"
SECRET_KEY = "not-a-real-key"
# Option of Linux to bind before the bridge exists. podman creates it with its first container.
IP_FREEBIND = 15
READY_S = 120


@dataclass(frozen=True)
class Emulator:
    """A running emulator with one account.

    Attributes:
        account: account number, different in each run, so that image names differ too.
        port: port on the loopback interface, for all AWS services.
        environment: environment variables that direct AWS clients to the emulator only.
        log: file with its output.
    """

    account: str
    port: int
    environment: dict[str, str]
    log: Path

    @property
    def label(self) -> str:
        """Label of its containers."""
        return f"ministack.instance={socket.gethostname()}:{self.port}"

    def client(self, service: str) -> Any:
        """Create a boto3 client of a service."""
        return boto3.client(
            service,
            endpoint_url=self.url,
            region_name=REGION,
            aws_access_key_id=self.account,
            aws_secret_access_key=SECRET_KEY,
        )

    def names(self, service: str, method: str, name: str) -> list[str]:
        """Return the names of all resources that a service of AWS lists."""
        listed = getattr(self.client(service), method)()
        return [one[name] for found in listed.values() if isinstance(found, list) for one in found]

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"


@contextmanager
def running(python: Path, node_modules: Path, engine: Engine, folder: Path) -> Iterator[Emulator]:
    """Run the emulator. Its data and containers are removed at the end.

    Args:
        python: Python of the environment with ministack.
        node_modules: packages for JavaScript functions; Lambda includes the AWS SDK.
        engine: runs functions that are container images.
        folder: folder for its log.
    """
    account = "".join(secrets.choice("123456789") for _ in range(12))
    with _listener("127.0.0.1", 0) as loopback:
        port = loopback.getsockname()[1]
        emulator = Emulator(account, port, _client(account, port), folder / "log")
        with _listener(engine.host, port) as bridge, emulator.log.open("w") as log:
            sockets = [loopback.fileno(), bridge.fileno()]
            own = {
                "AUTH": "true",  # functions may only do what their roles allow
                "DOCKER_HOST": engine.api,
                "GATEWAY_PORT": str(port),
                "IOT_MTLS_ENABLED": "0",  # otherwise listens on all interfaces
                "LAMBDA_DOCKER_FLAGS": f"--add-host=host.docker.internal:{engine.host} "
                f"--env=AWS_ENDPOINT_URL=http://{engine.host}:{port}",
                "MINISTACK_ACCOUNT_ID": account,
                "MINISTACK_REGION": REGION,
                "NODE_PATH": str(node_modules),
                "TMPDIR": str(folder),
            }
            process = subprocess.Popen(
                [python, SERVE, *map(str, sockets)],
                env=_without(emulator.environment, "AWS_ENDPOINT_URL") | own,
                pass_fds=sockets,
                start_new_session=True,  # not interrupted by Ctrl-C, but stopped below
                stdout=log,
                stderr=log,
            )
            try:
                _wait_until_ready(emulator, process)
                yield emulator
            finally:
                _stop(process)
                if left := engine("ps", "--all", "--quiet", f"--filter=label={emulator.label}"):
                    engine("rm", "--force", *left.split())


def _stop(process: subprocess.Popen[bytes]) -> None:
    process.terminate()  # ministack removes its containers
    try:
        process.wait(30)
    except subprocess.TimeoutExpired:  # a function of a failed deployment may hang
        process.kill()
        process.wait()


def _without(environment: Mapping[str, str], *prefixes: str) -> dict[str, str]:
    return {name: value for name, value in environment.items() if not name.startswith(prefixes)}


def _client(account: str, port: int) -> dict[str, str]:
    """Return this environment without AWS credentials and without variables of `make`."""
    tools = Path(sys.executable).parent  # contains Node.js
    return {
        **_without(os.environ, "AWS_", "MAKE", "MFLAGS", "ARGS"),
        "PATH": f"{tools}{os.pathsep}{os.environ['PATH']}",
        "AWS_ACCESS_KEY_ID": account,
        "AWS_SECRET_ACCESS_KEY": SECRET_KEY,
        "AWS_DEFAULT_REGION": REGION,
        "AWS_REGION": REGION,
        "AWS_ENDPOINT_URL": f"http://127.0.0.1:{port}",
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_PAGER": "",
    }


def _listener(address: str, port: int) -> socket.socket:
    listener = socket.socket()
    listener.setsockopt(socket.IPPROTO_IP, IP_FREEBIND, 1)
    listener.bind((address, port))
    listener.listen()
    return listener


def _wait_until_ready(emulator: Emulator, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + READY_S
    while process.poll() is None and time.monotonic() < deadline:
        try:  # the socket already listens: wait for a response
            if requests.get(f"{emulator.url}/_ministack/ready", timeout=2).ok:
                return
        except requests.Timeout:
            continue
        time.sleep(0.1)
    raise RuntimeError(f"the emulator did not start:\n{emulator.log.read_text()[-3000:]}")
