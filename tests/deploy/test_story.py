"""The life of a deployment: real commands, images and pictures against an emulated AWS.

The tests are in the order of the story, and each may need what those before it have done. What the
emulator cannot show is listed in docs/operations.md.
"""

import json
from pathlib import Path
from shutil import which

import pytest
import requests

from lambda_api.classifier import Classifier
from lambda_api.manifest import read_bundle
from tests.conftest import skip_or_fail
from tests.deploy.checkout import Checkout, CommandFailed
from tests.deploy.conftest import NO_CANARY
from tests.deploy.emulator import Emulator
from tests.deploy.service import Service

pytestmark = pytest.mark.timeout(900)  # the first test builds the image and what is below it

OTHER = "models/never-sure"
# Of docs/operations.md:
CONVERT = ".venv/bin/python -m convert"
REPLACE_INSTANCES = (
    "function=",
    "aws lambda update-function-configuration",
    "aws lambda wait",
    "version=$(aws lambda publish-version",
    "aws lambda update-alias",
)

Credentials = tuple[str, str]


@pytest.fixture(scope="module")
def credentials(service: Service) -> Credentials:
    return service.credentials()


def model_version(service: Service) -> str:
    """Of the model that answers now."""
    answer = service.request("GET", "/model", auth=service.credentials())
    assert answer.status_code == 200, answer.text
    return answer.json()["version"]


def names(emulator: Emulator, service: str, method: str, name: str) -> list[str]:
    """Of everything that a service of AWS lists."""
    listed = getattr(emulator.client(service), method)()
    return [one[name] for found in listed.values() if isinstance(found, list) for one in found]


def test_deployment_to_an_account_without_bootstrap_says_what_to_do(checkout: Checkout) -> None:
    with pytest.raises(CommandFailed, match="make bootstrap"):
        checkout.make("deploy")


def test_uploaded_picture_is_answered_as_by_the_classifier_here(
    service: Service, credentials: Credentials, photo: bytes, bundle: Path
) -> None:
    expected = Classifier(bundle).classify(photo)

    answer = service.request("POST", "/predict", files={"file": photo}, auth=credentials)

    assert answer.status_code == 200, answer.text
    assert answer.json()["label"] == expected.label
    assert answer.json()["confidence"] == pytest.approx(expected.confidence, abs=1e-4)
    assert answer.json()["model_version"] == read_bundle(bundle)[0].version


def test_wrong_credentials_are_answered_401(
    service: Service, credentials: Credentials, photo: bytes
) -> None:
    wrong = (credentials[0], credentials[1][::-1])

    answer = service.request("POST", "/predict", files={"file": photo}, auth=wrong)

    assert answer.status_code == 401
    assert answer.headers["Content-Type"] == "application/problem+json"


def test_curl_line_that_the_deployment_prints_classifies_a_picture(
    service: Service, photo: bytes, tmp_path: Path
) -> None:
    if which("curl") is None:
        skip_or_fail("no curl here")
    (tmp_path / "picture.jpg").write_bytes(photo)

    printed = service.shell(service.outputs["CurlCommand"], tmp_path)

    assert json.loads(printed)["label"] == "buildings"


def test_picture_uploaded_by_a_presigned_form_is_answered_by_its_key(
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


def test_log_has_a_line_of_the_request_and_no_secret(
    service: Service, credentials: Credentials, photo: bytes
) -> None:
    request_id = "asked-by-a-test"
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


def test_nothing_differs_after_a_deployment(service: Service, checkout: Checkout) -> None:
    assert "Number of stacks with differences: 0" in checkout.make("diff", **NO_CANARY)


def test_new_password_works_without_a_deployment(
    service: Service, credentials: Credentials
) -> None:
    service.operate("password=", "aws secretsmanager put-secret-value")

    assert service.credentials() != credentials
    assert model_version(service)  # asked with the new one


@pytest.fixture(scope="module")
def other_version(service: Service, checkout: Checkout, bundle: Path) -> str:
    """Of a model that is deployed in place of the first."""
    manifest = checkout.add_bundle(OTHER, like=bundle, confidence_threshold=1.0)
    checkout.deploy(bundle=OTHER, **NO_CANARY)
    return manifest.version


def test_other_model_answers_after_its_deployment(
    service: Service, other_version: str, photo: bytes
) -> None:
    answer = service.request(
        "POST", "/predict", files={"file": photo}, auth=service.credentials()
    ).json()

    assert answer["model_version"] == other_version
    assert answer["label"] == "buildings"
    assert not answer["confident"]


def test_alias_that_is_moved_back_answers_with_the_first_model(
    service: Service, other_version: str, bundle: Path
) -> None:
    versions = service.operate("function=", "aws lambda list-versions-by-function")
    first = versions.splitlines()[1].split()[0]  # after $LATEST
    service.operate("function=", "aws lambda update-alias", version=first)

    assert model_version(service) == read_bundle(bundle)[0].version != other_version


def test_first_model_answers_after_it_is_deployed_again(
    service: Service, other_version: str, checkout: Checkout, bundle: Path
) -> None:
    checkout.deploy(model="registry", **NO_CANARY)  # in which nothing is promoted yet

    assert model_version(service) == read_bundle(bundle)[0].version != other_version


def promote(service: Service, bundle: Path) -> None:
    """Publish and promote a bundle, and replace the instances that have another."""
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


def test_promoted_model_answers_without_a_deployment_and_the_former_after_a_rollback(
    service: Service, other_version: str, checkout: Checkout, bundle: Path
) -> None:
    first = read_bundle(bundle)[0]

    promote(service, bundle)
    promote(service, checkout.folder / OTHER)
    promoted = model_version(service)
    service.operate(
        "export MODEL_REGISTRY=", f"{CONVERT} rollback", *REPLACE_INSTANCES, name=first.name
    )

    assert promoted == other_version
    assert model_version(service) == first.version
    listed = service.operate("export MODEL_REGISTRY=", f"{CONVERT} list")
    assert {line.split()[1] for line in listed.splitlines()} == {first.version, other_version}


def test_teardown_leaves_what_the_bootstrap_has_made_and_one_log(
    service: Service, checkout: Checkout, emulator: Emulator
) -> None:
    checkout.make("destroy", "--force", **NO_CANARY)

    assert names(emulator, "cloudformation", "describe_stacks", "StackName") == ["CDKToolkit"]
    (bucket,) = names(emulator, "s3", "list_buckets", "Name")
    assert bucket.startswith("cdk-")
    assert names(emulator, "lambda", "list_functions", "FunctionName") == []
    assert names(emulator, "apigatewayv2", "get_apis", "Name") == []
    assert names(emulator, "secretsmanager", "list_secrets", "Name") == []
    assert names(emulator, "sns", "list_topics", "TopicArn") == []
    assert names(emulator, "cloudwatch", "describe_alarms", "AlarmName") == []
    (log,) = names(emulator, "logs", "describe_log_groups", "logGroupName")
    assert "AutoDelete" in log
