"""The Lambda image with the real Runtime Interface Emulator and Runtime Interface Client."""

import base64
import json
import re
import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from lambda_api.classifier import Classifier
from tests.conftest import ROOT
from tests.containers.images import LAMBDA_BASE
from tests.containers.podman import Podman, PodmanError

pytestmark = pytest.mark.timeout(900)  # the first test builds the image and its base

EVENT = ROOT / "tests" / "lambda_api" / "events" / "http_api_v2_multipart.json"
LAMBDA_USER = "993:990"  # Lambda does not use the user of the image
MAX_LAYER_BYTES = 170_000_000  # 27 MB of them for HEIC, see docs/api.md
MAX_INIT_MS = 10_000  # limit of Lambda

IMPORTED = """
import json, sys
import lambda_api.handler
print(json.dumps(list(sys.modules)))
"""
BOTO3_PATH = "import boto3; print(boto3.__file__)"
LAYER_BYTES = """
from pathlib import Path
print(sum(file.lstat().st_size for file in Path().rglob("*")))
"""

Event = dict[str, Any]


@pytest.fixture(scope="module")
def event() -> Event:
    return json.loads(EVENT.read_bytes())


@pytest.fixture(scope="module")
def settings(event: Event) -> list[str]:
    """Podman options that set the credentials of the event."""
    _, credentials = event["headers"]["authorization"].split()
    username, _, password = base64.b64decode(credentials).decode().partition(":")
    return [f"--env=API_USERNAME={username}", f"--env=API_PASSWORD={password}"]


@pytest.fixture(scope="module")
def emulator(podman: Podman, lambda_image: str, settings: list[str]) -> Iterator[str]:
    with podman.container(lambda_image, 8080, f"--user={LAMBDA_USER}", *settings) as container:
        yield container


@pytest.fixture(scope="module")
def invoke(podman: Podman, emulator: str) -> Callable[[Event], dict[str, Any]]:
    url = f"{podman.address(emulator)}/2015-03-31/functions/function/invocations"

    def invoke(event: Event) -> dict[str, Any]:
        deadline = time.monotonic() + 30
        while True:
            try:
                return requests.post(url, json=event, timeout=60).json()
            except requests.ConnectionError:  # the emulator does not listen yet
                if time.monotonic() > deadline:
                    pytest.fail(podman.logs(emulator))
                time.sleep(0.2)

    return invoke


def test_picture_is_classified_as_outside_the_container(
    invoke: Callable[[Event], dict[str, Any]], event: Event, bundle: Path
) -> None:
    body = base64.b64decode(event["body"])
    picture = body[body.index(b"\xff\xd8\xff") : body.rindex(b"\xff\xd9") + 2]
    expected = Classifier(bundle).classify(picture)

    answer = invoke(event)

    assert answer["statusCode"] == 200
    document = json.loads(answer["body"])
    assert document["label"] == expected.label
    assert document["confidence"] == pytest.approx(expected.confidence, abs=1e-4)


def test_wrong_credentials_get_401(invoke: Callable[[Event], dict[str, Any]], event: Event) -> None:
    wrong = "Basic " + base64.b64encode(b"demo:wrong").decode()

    answer = invoke({**event, "headers": {**event["headers"], "authorization": wrong}})

    assert answer["statusCode"] == 401
    assert json.loads(answer["body"])["status"] == 401


def test_model_is_loaded_once_within_the_init_limit(
    podman: Podman,
    emulator: str,
    invoke: Callable[[Event], dict[str, Any]],
    event: Event,
) -> None:
    invoke(event)
    invoke(event)

    log = podman.logs(emulator)
    assert log.count('"message":"model loaded"') == 1
    assert log.count('"Namespace":"LandscapeClassifier"') >= 2
    assert "INIT RTDONE(status: success)" in log
    (init_ms,) = re.findall(r"INIT REPORT\(durationMs: ([\d.]+)\)", log)
    assert float(init_ms) < MAX_INIT_MS


def test_handler_imports_nothing_heavy(
    podman: Podman, lambda_image: str, settings: list[str]
) -> None:
    *_, modules = podman.python(lambda_image, IMPORTED, *settings).splitlines()

    # Powertools imports the package botocore, which is small, but none of its modules.
    heavy = {"boto3", "botocore.client", "botocore.session", "matplotlib", "pandas", "tensorflow"}
    assert heavy.isdisjoint(json.loads(modules))


def test_boto3_comes_from_the_base_image(podman: Podman, lambda_image: str) -> None:
    assert not podman.python(lambda_image, BOTO3_PATH).startswith("/var/task/")


def test_layer_is_small(podman: Podman, lambda_image: str) -> None:
    assert int(podman.python(lambda_image, LAYER_BYTES)) <= MAX_LAYER_BYTES


def test_build_argument_selects_another_bundle(
    podman: Podman,
    lambda_bases: None,
    lambda_wheels: Path,
    bundle: Path,
    settings: list[str],
    tmp_path: Path,
) -> None:
    for name in ("env_file", "lambda_api"):
        shutil.copytree(ROOT / name, tmp_path / name)
    shutil.copytree(bundle, tmp_path / "models" / "custom")
    shutil.copy(ROOT / "Dockerfile.lambda", tmp_path)
    arguments = (f"--build-arg=BASE={LAMBDA_BASE}", "--build-arg=BUNDLE=models/custom")
    podman.build(
        tmp_path, "--file=Dockerfile.lambda", *arguments, "--tag=custom", wheels=lambda_wheels
    )

    log = podman.python("custom", "import lambda_api.handler", *settings)
    assert '"message":"model loaded"' in log
    assert podman.python("custom", "import os; print(os.listdir('models'))") == "['custom']"


def test_unreachable_s3_falls_back_to_the_bundle_in_the_image(
    podman: Podman, lambda_image: str, settings: list[str]
) -> None:
    """Uses the boto3 of the base image. The container has no network."""
    options = [
        *settings,
        "--network=none",
        "--env=MODEL_URI=s3://models/custom",
        "--env=AWS_DEFAULT_REGION=eu-central-1",
        "--env=AWS_ACCESS_KEY_ID=invalid",
        "--env=AWS_SECRET_ACCESS_KEY=invalid",
    ]
    log = podman.python(lambda_image, "import lambda_api.handler", *options)
    assert '"message":"model of S3 not loaded, falling back"' in log
    assert '"message":"model loaded"' in log


def test_container_does_not_run_as_root(podman: Podman, lambda_image: str) -> None:
    assert podman.python(lambda_image, "import os; print(os.getuid())") == "65534"


def test_build_fails_if_a_library_does_not_load_on_the_base(
    podman: Podman, lambda_bases: None, lambda_wheels: Path
) -> None:
    base = f"--build-arg=BASE={LAMBDA_BASE}-without-libstdc"

    with pytest.raises(PodmanError, match=r"ImportError: libstdc\+\+"):
        podman.build(ROOT, "--file=Dockerfile.lambda", base, wheels=lambda_wheels)
