"""A deployment from bootstrap to teardown, with real commands and images, in an emulated AWS.

The tests run in order, and each may depend on the ones before it. docs/operations.md lists what the
emulator does not cover.
"""

import json
from pathlib import Path
from shutil import which

import pytest
import requests

from lambda_api.classifier import Classifier
from lambda_api.manifest import read_bundle
from tests.conftest import skip_or_fail
from tests.deploy.bulk import BATCH, PICTURES, BulkRuns
from tests.deploy.checkout import Checkout, CommandFailed
from tests.deploy.conftest import PHOTOS, SETTINGS
from tests.deploy.emulator import Emulator
from tests.deploy.engine import Engine
from tests.deploy.service import Service

pytestmark = pytest.mark.timeout(900)  # the first test builds the image and its base

OTHER = "models/never-confident"
# Beginnings of commands in docs/operations.md.
CONVERT = ".venv/bin/python -m convert"
MOVE_ALIAS = 'aws lambda update-alias --function-name "$function"'
REPLACE_INSTANCES = (
    "function=",
    "aws lambda update-function-configuration",
    "aws lambda wait function-updated-v2",
    "version=$(aws lambda publish-version",
    "aws lambda wait published-version-active",
    MOVE_ALIAS,
)

Credentials = tuple[str, str]


@pytest.fixture(scope="module")
def credentials(service: Service) -> Credentials:
    return service.credentials()


def test_deployment_without_bootstrap_says_what_to_do(checkout: Checkout) -> None:
    with pytest.raises(CommandFailed, match="make bootstrap"):
        checkout.make("deploy")


def test_picture_is_classified_as_without_aws(
    service: Service, credentials: Credentials, photo: bytes, bundle: Path
) -> None:
    expected = Classifier(bundle).classify(photo)

    answer = service.request("POST", "/predict", files={"file": photo}, auth=credentials)

    assert answer.status_code == 200, answer.text
    assert answer.json()["label"] == expected.label
    assert answer.json()["confidence"] == pytest.approx(expected.confidence, abs=1e-4)
    assert answer.json()["model_version"] == read_bundle(bundle)[0].version


def test_wrong_credentials_get_401(
    service: Service, credentials: Credentials, photo: bytes
) -> None:
    wrong = (credentials[0], credentials[1][::-1])

    answer = service.request("POST", "/predict", files={"file": photo}, auth=wrong)

    assert answer.status_code == 401
    assert answer.headers["Content-Type"] == "application/problem+json"


def test_printed_curl_command_classifies_a_picture(
    service: Service, photo: bytes, tmp_path: Path
) -> None:
    if which("curl") is None:
        skip_or_fail("curl not found")
    (tmp_path / "picture.jpg").write_bytes(photo)

    printed = service.shell(service.outputs["CurlCommand"], tmp_path)

    assert json.loads(printed)["label"] == "buildings"


def test_picture_uploaded_with_a_form_is_classified_by_its_key(
    service: Service, credentials: Credentials, photo: bytes
) -> None:
    kind = {"content_type": "image/jpeg"}
    form = service.request("POST", "/uploads", json=kind, auth=credentials).json()
    uploaded = requests.post(form["url"], form["fields"], files={"file": photo}, timeout=60)
    key = {"key": form["key"]}
    answer = service.request("POST", "/predict", json=key, auth=credentials)

    assert uploaded.status_code == 204
    assert answer.status_code == 200, answer.text
    assert answer.json()["label"] == "buildings"


def test_log_has_the_request_and_no_secret(
    service: Service, credentials: Credentials, photo: bytes
) -> None:
    request_id = "request-of-a-test"
    headers = {"X-Request-ID": request_id}
    service.request(
        "POST", "/predict", files={"file": photo}, headers=headers, auth=credentials
    ).raise_for_status()

    found = service.operate("now=", "query=", "aws logs get-query-results", request_id=request_id)
    name = f"--log-group-name={service.outputs['LogGroupName']}"
    everything = service.shell(f"aws logs filter-log-events {name}")

    (line,) = {line for line in found.splitlines() if '"message":"request"' in line}
    assert json.loads(line)["status"] == 200
    assert json.loads(line)["label"] == "buildings"
    assert request_id in everything
    assert credentials[1] not in everything
    assert "Basic " not in everything


def test_diff_is_empty_after_a_deployment(service: Service, checkout: Checkout) -> None:
    assert "Number of stacks with differences: 0" in checkout.make("diff", **SETTINGS)


@pytest.fixture(scope="module")
def bulk(
    service: Service, engine: Engine, photo: bytes, tmp_path_factory: pytest.TempPathFactory
) -> BulkRuns:
    return BulkRuns.of_pictures(service, engine, photo, tmp_path_factory.mktemp("photos"))


def test_bulk_run_survives_a_dead_worker_and_answers_as_classify(bulk: BulkRuns) -> None:
    run = bulk.start(f"s3://{PHOTOS}/in/", "--run=holiday", f"--batch={BATCH}", "--yes")
    bulk.kill_a_worker(run)
    printed, progress = run.communicate()

    assert run.returncode == 0, progress
    assert f"{PICTURES} objects in {PICTURES // BATCH} batches" in printed
    assert f"SUCCEEDED: {PICTURES} of {PICTURES} pictures, 10 failed" in progress
    print(bulk.times("holiday"))  # for docs/scale.md; shown with `-s`
    assert bulk.failures("holiday") == {"Runtime.ExitError"}
    expected = bulk.classified_here()
    answers = bulk.answers("holiday")
    assert len(answers) == len(expected) == PICTURES
    for name, line in expected.items():
        found = answers[name]
        assert found.get("label") == line.get("label"), name
        assert ("error" in found) == ("error" in line)
        assert found.get("confidence") == pytest.approx(line.get("confidence"), abs=1e-4)
    summary = json.loads(bulk.read("runs/holiday/summary.json"))
    assert summary["errors"] == {"UndecodablePicture": 10}
    assert sum(summary["labels"].values()) == PICTURES - 10
    assert 0 < summary["dollars"] < 0.01


def test_name_of_a_bulk_run_is_used_once(bulk: BulkRuns) -> None:
    again = bulk.run(f"s3://{PHOTOS}/in/", "--run=holiday", "--yes")

    assert (again.returncode, again.stderr) == (
        2,
        "error: Run 'holiday' exists. Choose another name, or use `bulk resume`.\n",
    )


def test_resumed_bulk_run_classifies_only_the_missing_part(bulk: BulkRuns) -> None:
    table, counts = bulk.read("runs/holiday/answers.csv"), bulk.keys("runs/holiday/counts/")
    bulk.delete("runs/holiday/parts/00003.jsonl")

    resumed = bulk.run("resume", "holiday")

    assert resumed.returncode == 0, resumed.stderr
    assert bulk.read("runs/holiday/answers.csv") == table
    (new,) = set(bulk.keys("runs/holiday/counts/")) - set(counts)
    assert new.startswith("runs/holiday/counts/00003-0-50-")


def test_roles_of_bulk_functions_refuse_other_pictures(bulk: BulkRuns, photo: bytes) -> None:
    s3 = bulk.emulator.client("s3")
    s3.put_object(Bucket=PHOTOS, Key="private/a.jpg", Body=photo)
    plan = {"execution": "private", "input": {"source": f"s3://{PHOTOS}/private/"}}
    run = json.loads(bulk.read("runs/holiday/run.json"))
    worker = {"run": "private", "source_bucket": PHOTOS, "version": run["version"], "top_k": 1}
    items = [{"key": "private/a.jpg", "bytes": len(photo)}, {"key": "in/deleted.jpg", "bytes": 1}]

    planned = bulk.invoke("plan", plan)
    bulk.invoke("worker", {**worker, "batch": {"part": 1, "items": items}})

    assert (planned["errorType"], planned["errorMessage"]) == ("AwsError", "AccessDenied")
    (refused, deleted) = bulk.answers("private").values()
    assert refused["error"] == {"type": "access_denied"}
    assert deleted["error"] == {"type": "missing"}


def test_new_password_works_without_a_deployment(
    service: Service, credentials: Credentials
) -> None:
    service.operate("password=", "aws secretsmanager put-secret-value")

    assert service.credentials() != credentials
    assert service.model_version()  # requested with the new password


@pytest.fixture(scope="module")
def other_version(service: Service, checkout: Checkout, bundle: Path) -> str:
    """Deploy another model. Returns its version."""
    manifest = checkout.add_bundle(OTHER, like=bundle, confidence_threshold=1.0)
    checkout.deploy(bundle=OTHER, **SETTINGS)
    return manifest.version


def test_deployed_model_replaces_the_first(
    service: Service, other_version: str, photo: bytes
) -> None:
    answer = service.request(
        "POST", "/predict", files={"file": photo}, auth=service.credentials()
    ).json()

    assert answer["model_version"] == other_version
    assert answer["label"] == "buildings"
    assert not answer["confident"]


def test_alias_moved_back_serves_the_first_model(
    service: Service, other_version: str, bundle: Path
) -> None:
    versions = service.operate("function=", "aws lambda list-versions-by-function")
    first = versions.splitlines()[1].split()[0]  # after $LATEST
    service.operate(
        "function=",
        "aws lambda invoke",
        "aws lambda wait published-version-active",
        MOVE_ALIAS,
        version=first,
    )

    assert service.model_version() == read_bundle(bundle)[0].version != other_version


def test_first_model_can_be_deployed_again(
    service: Service, other_version: str, checkout: Checkout, bundle: Path
) -> None:
    checkout.deploy(model="registry", **SETTINGS)  # nothing is promoted in the registry yet

    assert service.model_version() == read_bundle(bundle)[0].version != other_version


def promote(service: Service, bundle: Path) -> None:
    """Publish and promote a bundle, then replace the running instances."""
    manifest, _ = read_bundle(bundle)
    service.operate(
        *(
            "export MODEL_REGISTRY=",
            *(f"{CONVERT} {command}" for command in ("publish", "promote")),
        ),
        *REPLACE_INSTANCES,
        bundle=str(bundle),
        name=manifest.name,
        model_version=manifest.version,
    )


def test_model_is_promoted_and_rolled_back_without_a_deployment(
    service: Service, other_version: str, checkout: Checkout, bundle: Path
) -> None:
    first = read_bundle(bundle)[0]

    promote(service, bundle)
    promote(service, checkout.folder / OTHER)
    promoted = service.model_version()
    service.operate(
        "export MODEL_REGISTRY=", f"{CONVERT} rollback", *REPLACE_INSTANCES, name=first.name
    )

    assert promoted == other_version
    assert service.model_version() == first.version
    listed = service.operate("export MODEL_REGISTRY=", f"{CONVERT} list")
    assert {line.split()[1] for line in listed.splitlines()} == {first.version, other_version}


def test_teardown_leaves_the_bootstrap_and_one_log(
    service: Service, checkout: Checkout, emulator: Emulator
) -> None:
    checkout.make("destroy", "--force", **SETTINGS)

    assert emulator.names("cloudformation", "describe_stacks", "StackName") == ["CDKToolkit"]
    bootstrap, photos = sorted(emulator.names("s3", "list_buckets", "Name"))
    assert bootstrap.startswith("cdk-")
    assert photos == PHOTOS
    assert emulator.names("lambda", "list_functions", "FunctionName") == []
    assert emulator.names("apigatewayv2", "get_apis", "Name") == []
    assert emulator.names("secretsmanager", "list_secrets", "Name") == []
    assert emulator.names("sns", "list_topics", "TopicArn") == []
    assert emulator.names("cloudwatch", "describe_alarms", "AlarmName") == []
    (log,) = emulator.names("logs", "describe_log_groups", "logGroupName")
    assert "AutoDelete" in log
