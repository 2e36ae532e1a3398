"""`sam local start-api` as in docs/deployment.md, with podman's socket instead of Docker's."""

import os
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from lambda_api.classifier import Classifier
from tests.conftest import ROOT
from tests.containers.podman import Podman

pytestmark = pytest.mark.timeout(900)  # the first test builds the image and installs sam

CREDENTIALS = ("demo", "for-tests-only-9f2c")


@pytest.fixture(scope="module")
def api(
    podman: Podman, sam: Path, sam_image: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[str]:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    home = tmp_path_factory.mktemp("sam")
    with podman.docker_api() as address, (home / "log").open("w+") as log:
        process = subprocess.Popen(
            [sam, "local", "start-api", "--skip-pull-image", f"--port={port}"],
            cwd=ROOT,
            env={
                **os.environ,
                "HOME": str(home),
                "DOCKER_HOST": address,
                "SAM_CLI_TELEMETRY": "0",
                "AWS_DEFAULT_REGION": "eu-central-1",
                "API_USERNAME": CREDENTIALS[0],
                "API_PASSWORD": CREDENTIALS[1],
            },
            stdout=log,
            stderr=log,
        )
        try:
            url = f"http://127.0.0.1:{port}"
            deadline = time.monotonic() + 120
            while not _listens(port):
                if process.poll() is not None or time.monotonic() > deadline:
                    pytest.fail((home / "log").read_text())
                time.sleep(0.2)
            yield url
        finally:
            process.terminate()
            process.wait(60)


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def test_uploaded_picture_is_classified(api: str, photo: bytes, bundle: Path) -> None:
    form = {"file": ("china.jpg", photo)}
    answer = requests.post(f"{api}/predict", files=form, auth=CREDENTIALS, timeout=120)

    assert answer.status_code == 200, answer.text
    assert answer.json()["label"] == Classifier(bundle).classify(photo).label


def test_wrong_credentials_get_401_and_health_needs_none(api: str) -> None:
    wrong = requests.get(f"{api}/model", auth=("demo", "wrong"), timeout=120)
    health = requests.get(f"{api}/health", timeout=120)

    assert wrong.status_code == 401
    assert health.json()["status"] == "ok"
