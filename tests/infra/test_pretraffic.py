"""Check of a new version before traffic: its wiring, and the function on a stand-in for AWS.

The stand-in passes the events to the real handler of the service, with the real model.
"""

import asyncio
import json
import re
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import boto3
import pytest

from infra.pretraffic import handler as hook
from infra.pretraffic.hook import TIMEOUT
from tests.imported_handler import imported_handler
from tests.infra.conftest import Assembly
from tests.infra.stand_in_aws import Answer, serving

Json = dict[str, Any]
USER = {"username": "classifier", "password": "for-tests-only-9f2c"}
EVENT = {"DeploymentId": "d-1", "LifecycleEventHookExecutionId": "e-1"}
VERSION = "arn:aws:lambda:eu-central-1:123456789012:function:service:7"


@pytest.fixture(scope="module")
def service(
    bundle: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[[Json], Json]]:
    """The service's handler, imported as on Lambda."""
    context = SimpleNamespace(aws_request_id="b1946ac9-2d7f-4c1b-8c39-0f7f3d0f2a11")
    settings = {"API_USERNAME": USER["username"], "API_PASSWORD": USER["password"]}
    settings["MODEL_URI"] = str(bundle)
    with imported_handler(tmp_path_factory.mktemp("task"), settings) as module:
        loop = asyncio.get_event_loop()

        def respond(event: Json) -> Json:
            asyncio.set_event_loop(loop)  # in the thread of the stand-in
            return module.handler(event, context)

        yield respond


@pytest.fixture
def report(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., Json]:
    """Return a function that runs the hook, and returns its report and its log line."""
    monkeypatch.setattr(hook, "RETRY_S", 0.01)

    def run(
        invoke: Callable[[Json], Answer],
        secret: Json = USER,
        remaining_s: float = 60 + hook.REPORT_S,
    ) -> Json:
        reports: list[Json] = []

        def record(call: Json) -> Answer:
            reports.append(call)
            return Answer({})

        calls = {
            "/invocations": invoke,
            "secretsmanager.GetSecretValue": lambda _: Answer({"SecretString": json.dumps(secret)}),
            "CodeDeploy_20141006.PutLifecycleEventHookExecutionStatus": record,
        }
        with serving(calls) as environment, monkeypatch.context() as patch:
            # boto3 keeps the credentials of its first session.
            patch.setattr(boto3, "DEFAULT_SESSION", None)
            for name, value in {**environment, "NEW_VERSION": VERSION, "SECRET_ARN": "api"}.items():
                patch.setenv(name, value)
            remaining = SimpleNamespace(get_remaining_time_in_millis=lambda: remaining_s * 1000)
            hook.handler(EVENT, remaining)
        (reported,) = reports
        assert reported["deploymentId"] == "d-1"
        assert reported["lifecycleEventHookExecutionId"] == "e-1"
        lines = [line for line in capsys.readouterr().out.splitlines() if "pre-traffic" in line]
        return {**json.loads(lines[-1]), "reported": reported["status"]}

    return run


def test_version_that_classifies_the_picture_gets_traffic_on_a_stand_in(
    report: Callable[..., Json], service: Callable[[Json], Json]
) -> None:
    result = report(lambda event: Answer(service(event)))

    assert result["reported"] == "Succeeded"
    assert (result["label"], result["version"]) == ("sea", VERSION)


def test_version_that_lambda_still_prepares_is_awaited_on_a_stand_in(
    report: Callable[..., Json], service: Callable[[Json], Json]
) -> None:
    pending = [
        Answer.error("CodeArtifactUserPendingException", 409),
        Answer.error("TooManyRequestsException", 429),
    ]

    result = report(lambda event: pending.pop() if pending else Answer(service(event)))

    assert pending == []
    assert result["reported"] == "Succeeded"


def relabeled(service: Callable[[Json], Json], **changes: object) -> Callable[[Json], Answer]:
    """Return an invocation whose JSON responses have the changed fields that they have at all."""

    def invoke(event: Json) -> Answer:
        response = service(event)
        body = json.loads(response["body"])
        body |= {name: value for name, value in changes.items() if name in body}
        return Answer({**response, "body": json.dumps(body)})

    return invoke


def test_model_without_the_class_of_the_picture_is_accepted_on_a_stand_in(
    report: Callable[..., Json], service: Callable[[Json], Json]
) -> None:
    result = report(relabeled(service, classes=["rose", "tulip"], label="tulip"))

    assert (result["reported"], result["label"]) == ("Succeeded", "tulip")


def test_broken_version_is_reported_with_the_reason_on_a_stand_in(
    report: Callable[..., Json], service: Callable[[Json], Json]
) -> None:
    crash = Answer(
        {"errorMessage": "No users are defined."}, headers={"X-Amz-Function-Error": "Unhandled"}
    )
    unready = {"statusCode": 503, "body": '{"type": "model-not-ready"}'}
    for invoke, secret, reason in [
        (lambda _: crash, USER, "The version crashed: .*No users are defined"),
        (lambda _: Answer(unready), USER, "GET /health: .*model-not-ready"),
        (relabeled(service, label="forest"), USER, "'forest' for a picture of the class 'sea'"),
        (relabeled(service, label="rose"), USER, "the label 'rose', which is not in"),
        (
            lambda event: Answer(service(event)),
            {**USER, "password": "another-password"},
            "POST /predict: .*401",
        ),
        (
            lambda event: Answer(service(event)),
            {"users": {"ann": "a-password-of-ann"}},
            "The secret has no 'username'",
        ),
        (lambda _: Answer.error("KMSAccessDeniedException"), USER, "KMSAccessDenied"),
    ]:
        result = report(invoke, secret)

        assert result["reported"] == "Failed", reason
        assert re.search(reason, result["reason"]), result["reason"]


def test_version_that_never_responds_is_reported_before_the_hook_times_out_on_a_stand_in(
    report: Callable[..., Json],
) -> None:
    end = threading.Event()

    def hang(_: Json) -> Answer:
        end.wait(20)
        return Answer({})

    timer = threading.Timer(3, end.set)  # so that the stand-in ends
    timer.start()
    start = time.monotonic()
    result = report(hang, remaining_s=1 + hook.REPORT_S)
    timer.cancel()

    assert result["reported"] == "Failed"
    assert "did not respond" in result["reason"]
    assert time.monotonic() - start < hook.REPORT_S


def test_hook_runs_before_traffic_and_ends_long_before_codedeploy_gives_up(
    default: Assembly,
) -> None:
    template = default.service
    (alias,) = template.find_resources("AWS::Lambda::Alias").values()
    (version,) = template.find_resources("AWS::Lambda::Version")
    name = alias["UpdatePolicy"]["CodeDeployLambdaAliasUpdate"]["BeforeAllowTrafficHook"]["Ref"]
    function = template.find_resources("AWS::Lambda::Function")[name]["Properties"]
    policies = template.find_resources("AWS::IAM::Policy")
    (of_codedeploy,) = (policy for policy in policies if policy.startswith("ReleaseGroup"))

    assert function["Environment"]["Variables"]["NEW_VERSION"] == {"Ref": version}
    assert function["Timeout"] == TIMEOUT.to_seconds()
    # Two responses at the service's limit, and the time to report them.
    assert 2 * hook.CALL_S + hook.REPORT_S < TIMEOUT.to_seconds() < 900
    assert of_codedeploy in alias["DependsOn"]


def test_hook_can_only_call_the_service_read_its_secret_and_report(default: Assembly) -> None:
    template = default.service
    (policy,) = (
        policy["Properties"]["PolicyDocument"]["Statement"]
        for name, policy in template.find_resources("AWS::IAM::Policy").items()
        if name.startswith("PreTraffic")
    )

    assert {statement["Effect"] for statement in policy} == {"Allow"}
    assert [statement["Action"] for statement in policy] == [
        ["logs:CreateLogStream", "logs:PutLogEvents"],
        "secretsmanager:GetSecretValue",
        "lambda:InvokeFunction",
        "codedeploy:PutLifecycleEventHookExecutionStatus",
    ]
    assert "*" not in [statement["Resource"] for statement in policy]


def test_asset_of_the_hook_is_the_handler_and_the_picture(default: Assembly) -> None:
    (asset,) = {file.parent for file in default.folder.glob("asset.*/sea.jpg")}

    assert {file.name for file in asset.iterdir()} == {"handler.py", "sea.jpg"}
