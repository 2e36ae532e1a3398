"""Upgrade of a deployment of the previous release, with real commands, in an emulated AWS.

The tests run in order, and each may depend on the ones before it. The emulator has no CodeDeploy,
so the check before traffic is called directly.
"""

import json
import shutil
import subprocess
import sys
import threading
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import requests

from infra.heartbeat import EVENT
from infra.pretraffic import handler as pretraffic
from lambda_api.manifest import read_bundle
from tests.conftest import ROOT, skip_or_fail
from tests.containers.wheels import fetch
from tests.deploy.checkout import Checkout
from tests.deploy.conftest import NO_CANARY
from tests.deploy.emulator import REGION, Emulator
from tests.deploy.engine import Engine
from tests.deploy.service import Service
from tests.environments import CACHE

# The release before this one. CONTRIBUTING.md says when to change it.
PREVIOUS_RELEASE = "303685371146e2f63eb54717607a2779480bd4f0"
# The model comes from the bucket, so that the upgrade could lose it.
SETTINGS = {**NO_CANARY, "model": "registry"}
PROMOTED = "models/promoted"
SECONDS_BETWEEN_REQUESTS = 0.3

pytestmark = pytest.mark.timeout(600)


@pytest.fixture(scope="module")
def previous_commit() -> str:
    def git(*arguments: str) -> bool:
        return subprocess.run(["git", "-C", ROOT, *arguments], capture_output=True).returncode == 0

    if not git("cat-file", "-e", f"{PREVIOUS_RELEASE}^{{commit}}") and not git(
        "fetch", "--quiet", "--depth=1", "origin", PREVIOUS_RELEASE
    ):
        skip_or_fail(f"this clone has no commit {PREVIOUS_RELEASE[:7]}: git fetch --unshallow")
    return PREVIOUS_RELEASE


@pytest.fixture(scope="module")
def image_wheels(
    previous_commit: str, lambda_wheels: Path, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """Folder of the wheels of both releases."""
    folder = tmp_path_factory.mktemp("wheels")
    lock = folder.with_suffix(".txt")
    show = ["git", "-C", ROOT, "show", f"{previous_commit}:lambda_api/requirements.txt"]
    lock.write_bytes(subprocess.run(show, check=True, capture_output=True).stdout)
    for wheels in (lambda_wheels, fetch(lock, CACHE / "wheels")):
        shutil.copytree(wheels, folder, dirs_exist_ok=True)
    return folder


@dataclass
class Before:
    """The deployment of the previous release, and what its users have.

    Attributes:
        service: the service.
        credentials: username and password.
        key: key of an uploaded picture.
        model_version: version of the promoted model.
    """

    service: Service
    credentials: tuple[str, str]
    key: str
    model_version: str


@dataclass
class Client:
    """A client that classifies the uploaded picture again and again.

    Attributes:
        before: the deployment that it uses.
        answers: status and model of every response, or the name of the error.
    """

    before: Before
    answers: list[tuple[object, str | None]] = field(default_factory=list)

    def ask(self) -> None:
        try:
            answer = self.before.service.request(
                "POST", "/predict", json={"key": self.before.key}, auth=self.before.credentials
            )
            self.answers.append((answer.status_code, answer.json().get("model_version")))
        except requests.RequestException as error:
            self.answers.append((type(error).__name__, None))


@pytest.fixture(scope="module")
def before(
    previous_commit: str,
    engine: Engine,
    emulator: Emulator,
    aws_tools: Path,
    photo: bytes,
    tmp_path_factory: pytest.TempPathFactory,
) -> Before:
    """Deploy the previous release, promote a model and upload a picture."""
    checkout = Checkout.of_commit(
        previous_commit,
        tmp_path_factory.mktemp("previous"),
        {**emulator.environment, **engine.for_cdk()},
    )
    checkout.make("bootstrap", f"aws://{emulator.account}/{REGION}")
    own = checkout.folder / "models" / "intel-scenes"  # the previous release reads no newer schema
    manifest = checkout.add_bundle(PROMOTED, like=own, confidence_threshold=0.9)
    # Promoted before the first instance starts, so that no instance has to be replaced.
    service = Service(checkout.deploy(**SETTINGS), emulator, aws_tools)
    service.operate(
        "export MODEL_REGISTRY=",
        ".venv/bin/python -m convert publish",
        ".venv/bin/python -m convert promote",
        bundle=str(checkout.folder / PROMOTED),
        name=manifest.name,
        model_version=manifest.version,
    )
    credentials = service.credentials()
    kind = {"content_type": "image/jpeg"}
    form = service.request("POST", "/uploads", json=kind, auth=credentials).json()
    requests.post(form["url"], form["fields"], files={"file": photo}, timeout=60).raise_for_status()
    return Before(service, credentials, form["key"], manifest.version)


@pytest.fixture(scope="module")
def client(before: Before) -> Client:
    return Client(before)


@pytest.fixture(scope="module")
def upgraded(before: Before, client: Client, checkout: Checkout) -> Service:
    """Deploy this release over the previous one while the client sends requests."""
    done = threading.Event()

    def run() -> None:
        while True:
            client.ask()
            if done.wait(SECONDS_BETWEEN_REQUESTS):
                return

    thread = threading.Thread(target=run)
    thread.start()
    try:
        outputs = checkout.deploy(**SETTINGS)
    finally:
        done.set()
        thread.join()
    client.ask()
    return Service(outputs, before.service.emulator, before.service.tools)


def test_previous_release_serves_the_promoted_model(before: Before, client: Client) -> None:
    client.ask()

    assert client.answers == [(200, before.model_version)]
    assert before.model_version != read_bundle(ROOT / "models/intel-scenes")[0].version


def test_clients_notice_nothing_of_the_upgrade(
    before: Before, upgraded: Service, client: Client
) -> None:
    assert len(client.answers) > 10
    assert set(client.answers) == {(200, before.model_version)}


def test_address_password_bucket_and_logs_survive(before: Before, upgraded: Service) -> None:
    for output in ("Endpoint", "SecretArn", "BucketName", "FunctionName", "LogGroupName"):
        assert upgraded.outputs[output] == before.service.outputs[output], output
    assert upgraded.outputs["AccessLogGroupName"] == before.service.outputs["AccessLogGroupName"]
    assert upgraded.credentials() == before.credentials


def test_upgrade_moved_the_alias_to_a_new_version(upgraded: Service, emulator: Emulator) -> None:
    function = upgraded.outputs["FunctionName"]
    alias = emulator.client("lambda").get_alias(FunctionName=function, Name="live")

    assert int(alias["FunctionVersion"]) > 1


def test_upgrade_adds_the_heartbeat_and_the_alias_answers_it(
    upgraded: Service, emulator: Emulator
) -> None:
    events = emulator.client("events")
    (rule,) = events.list_rules()["Rules"]
    (target,) = events.list_targets_by_rule(Rule=rule["Name"])["Targets"]
    answer = emulator.client("lambda").invoke(FunctionName=target["Arn"], Payload=target["Input"])

    response = json.loads(answer["Payload"].read())

    assert rule["ScheduleExpression"] == "rate(12 hours)"
    assert json.loads(target["Input"]) == EVENT
    assert target["Arn"].endswith(f"{upgraded.outputs['FunctionName']}:live")
    assert response["statusCode"] == 200


def test_check_before_traffic_accepts_the_new_version(
    before: Before, upgraded: Service, emulator: Emulator
) -> None:
    alias = emulator.client("lambda").get_alias(
        FunctionName=upgraded.outputs["FunctionName"], Name="live"
    )
    version = alias["AliasArn"].removesuffix("live") + alias["FunctionVersion"]
    script = (
        "import json, sys, time, handler; "
        "print(json.dumps(handler.check(sys.argv[1], sys.argv[2], time.monotonic() + 60)))"
    )
    run = subprocess.run(
        [sys.executable, "-c", script, version, upgraded.outputs["SecretArn"]],
        cwd=Path(pretraffic.__file__).parent,
        env=emulator.environment,
        capture_output=True,
        text=True,
    )

    assert run.returncode == 0, run.stderr
    assert json.loads(run.stdout) == {"model_version": before.model_version, "label": "sea"}


def test_log_names_the_user(before: Before, upgraded: Service) -> None:
    upgraded.request(
        "GET", "/model", auth=before.credentials, headers={"X-Request-ID": "who-asked"}
    ).raise_for_status()
    name = f"--log-group-name={upgraded.outputs['LogGroupName']}"

    found = upgraded.shell(
        f"aws logs filter-log-events {name} --output text --query 'events[].message'"
    )

    (line,) = (line for line in found.split("\t") if '"request_id":"who-asked"' in line)
    assert json.loads(line)["user"] == before.credentials[0]
