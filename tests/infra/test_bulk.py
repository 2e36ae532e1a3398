"""Template of bulk classification: state machine, permissions by prefix, alarms and settings."""

import json
from typing import Any

import pytest
from aws_cdk.assertions import Template

from infra.settings import SettingsError, read_settings
from tests.infra.conftest import Assembly
from tests.infra.templates import properties


@pytest.fixture(scope="module")
def template(synthesize: Any) -> Template:
    return synthesized(synthesize).service


@pytest.fixture(scope="module")
def states(template: Template) -> dict[str, Any]:
    (machine,) = properties(template, "AWS::StepFunctions::StateMachine")
    pieces = machine["DefinitionString"]["Fn::Join"][1]
    text = "".join(piece if isinstance(piece, str) else "REFERENCE" for piece in pieces)
    return json.loads(text)["States"]


def synthesized(synthesize: Any) -> Assembly:
    return synthesize(bulk_inputs="s3://photos/2024/ s3://archive/", bulk_reserved="8")


def as_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def permissions(template: Template, role: str) -> list[tuple[str, Any, Any]]:
    """Each (action, resource, condition) of a function's role."""
    return [
        (action, resource, statement.get("Condition"))
        for name, policy in template.find_resources("AWS::IAM::Policy").items()
        if name.startswith(f"Bulk{role}RoleDefaultPolicy")
        for statement in policy["Properties"]["PolicyDocument"]["Statement"]
        for action in as_list(statement["Action"])
        for resource in as_list(statement["Resource"])
    ]


def test_the_map_reads_the_manifest_of_the_run(states: dict[str, Any]) -> None:
    state = states["ClassifyBatches"]

    assert state["ItemProcessor"]["ProcessorConfig"] == {
        "Mode": "DISTRIBUTED",
        "ExecutionType": "EXPRESS",
    }
    assert state["ItemReader"]["ReaderConfig"] == {"InputType": "JSONL"}
    assert state["ItemReader"]["Parameters"] == {
        "Bucket.$": "$.manifest.bucket",
        "Key.$": "$.manifest.key",
    }
    assert state["MaxConcurrencyPath"] == "$.concurrency"
    assert state["ToleratedFailurePercentage"] == 5
    assert state["ResultPath"] is None
    assert state["ResultWriter"]["WriterConfig"]["OutputType"] == "JSONL"
    assert state["Next"] == state["Catch"][0]["Next"] == "SummarizeRun"


def test_throttled_and_inactive_functions_are_retried_with_jitter(states: dict[str, Any]) -> None:
    worker = states["ClassifyBatches"]["ItemProcessor"]["States"]["ClassifyBatch"]

    for retry in [*worker["Retry"], *states["PlanBatches"]["Retry"]]:
        assert (retry["JitterStrategy"], retry["MaxDelaySeconds"]) == ("FULL", 60)
    assert "Lambda.TooManyRequestsException" in worker["Retry"][0]["ErrorEquals"]
    assert "Lambda.CodeArtifactUserPendingException" in worker["Retry"][0]["ErrorEquals"]
    assert "NotDone" in worker["Retry"][1]["ErrorEquals"]


@pytest.mark.parametrize("role", ["Plan", "Worker"])
def test_pictures_are_read_only_below_the_inputs(template: Template, role: str) -> None:
    found = [each for each in permissions(template, role) if isinstance(each[1], str)]

    assert sorted((action, resource) for action, resource, _ in found) == [
        ("s3:GetObject", "arn:aws:s3:::archive/*"),
        ("s3:GetObject", "arn:aws:s3:::photos/2024/*"),
        ("s3:ListBucket", "arn:aws:s3:::archive"),
        ("s3:ListBucket", "arn:aws:s3:::photos"),
    ]
    assert {resource: condition for _, resource, condition in found if condition} == {
        "arn:aws:s3:::archive": {"StringLike": {"s3:prefix": "*"}},
        "arn:aws:s3:::photos": {"StringLike": {"s3:prefix": "2024/*"}},
    }


def test_results_are_written_only_below_runs(template: Template) -> None:
    for role in ("Plan", "Worker", "Summarize"):
        found = permissions(template, role)
        (written,) = (resource for action, resource, _ in found if action == "s3:PutObject")
        assert written["Fn::Join"][1][-1] == "/runs/*"
    assert not any(isinstance(each[1], str) for each in permissions(template, "Summarize"))


def test_the_functions_run_the_image_with_a_handler_of_their_own(template: Template) -> None:
    functions = {
        function["ImageConfig"]["Command"][0]: function
        for function in properties(template, "AWS::Lambda::Function")
        if "ImageConfig" in function
    }

    modules = ["plan", "summarize", "worker"]
    assert sorted(functions) == [f"lambda_api.bulk.{module}.handler" for module in modules]
    worker = functions["lambda_api.bulk.worker.handler"]
    assert worker["ReservedConcurrentExecutions"] == 8
    assert worker["Timeout"] < 300
    assert worker["LoggingConfig"]["SystemLogLevel"] == "WARN"


def test_a_failed_run_is_an_alarm(template: Template) -> None:
    alarms = {
        alarm["MetricName"]
        for alarm in properties(template, "AWS::CloudWatch::Alarm")
        if "MetricName" in alarm
    }

    assert {"ExecutionsFailed", "ExecutionsTimedOut"} <= alarms


def test_bulk_is_not_deployed_without_inputs(default: Assembly) -> None:
    assert properties(default.service, "AWS::StepFunctions::StateMachine") == []


def test_there_are_no_findings_of_the_checks(synthesize: Any) -> None:
    violations = synthesized(synthesize).report()["violations"]
    assert [(each["ruleName"], each["violatingConstructs"]) for each in violations] == []


@pytest.mark.parametrize("value", ["photos/2024", "s3://photos", "s3://photos/*", "s3://P/x"])
def test_an_invalid_input_is_refused(value: str) -> None:
    with pytest.raises(SettingsError, match="bulk_inputs"):
        read_settings({"bulk_inputs": value}, None)


def test_reserved_concurrency_needs_inputs() -> None:
    with pytest.raises(SettingsError, match="bulk_reserved: needs bulk_inputs"):
        read_settings({"bulk_reserved": "3"}, None)
