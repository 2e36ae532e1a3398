"""Template of bulk classification: state machine, permissions by prefix, alarms and settings."""

import json
from typing import Any

import pytest
from aws_cdk.assertions import Template

from infra.bulk_machine import FINAL
from infra.settings import SettingsError, read_settings
from lambda_api import manifest
from lambda_api.bulk import runs, worker
from lambda_api.bulk.cost import Rates
from tests.infra.conftest import Assembly
from tests.infra.templates import properties

EXPRESS_LIMIT_S = 300  # https://docs.aws.amazon.com/step-functions/latest/dg/service-quotas.html


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
    assert state["ItemReader"]["Parameters"] == {"Bucket": "REFERENCE", "Key.$": "$.manifest"}
    assert state["MaxConcurrencyPath"] == "$.concurrency"
    assert state["ToleratedFailurePercentage"] == 5
    assert state["ResultPath"] is None
    assert state["ResultWriter"]["WriterConfig"]["OutputType"] == "JSONL"
    assert state["Next"] == state["Catch"][0]["Next"] == "SummarizeRun"


def test_throttled_and_inactive_functions_are_retried_with_jitter(states: dict[str, Any]) -> None:
    batch = states["ClassifyBatches"]["ItemProcessor"]["States"]["ClassifyBatch"]

    for state in (batch, states["PlanBatches"], states["SummarizeRun"]):
        throttled, final, other = state["Retry"]
        for retry in (throttled, other):
            assert (retry["JitterStrategy"], retry["MaxDelaySeconds"]) == ("FULL", 60)
        assert "Lambda.TooManyRequestsException" in throttled["ErrorEquals"]
        assert "Lambda.CodeArtifactUserPendingException" in throttled["ErrorEquals"]
        assert throttled["MaxAttempts"] == 6
        assert final["MaxAttempts"] == 0
        assert {"RunError", "ModelChanged"} <= set(final["ErrorEquals"])
        assert (other["ErrorEquals"], other["MaxAttempts"]) == (["States.ALL"], 2)


def test_final_errors_are_exceptions_of_the_functions() -> None:
    for name in FINAL:
        assert any(hasattr(module, name) for module in (runs, worker, manifest)), name


def test_a_child_has_time_for_a_retry_of_its_worker(template: Template) -> None:
    (function,) = (
        each
        for each in properties(template, "AWS::Lambda::Function")
        if each.get("ImageConfig", {}).get("Command") == ["lambda_api.bulk.worker.handler"]
    )

    assert 2 * function["Timeout"] < EXPRESS_LIMIT_S
    assert function["Timeout"] * 1000 / 4 > worker.RESERVE_MS


def test_a_run_without_missing_parts_is_only_summarized(states: dict[str, Any]) -> None:
    choice = states["HasBatches"]

    assert states["PlanBatches"]["Next"] == "HasBatches"
    assert choice["Choices"] == [
        {"Variable": "$.batches", "NumericGreaterThan": 0, "Next": "ClassifyBatches"}
    ]
    assert choice["Default"] == "SummarizeRun"


def test_the_state_machine_may_only_do_what_a_run_needs(template: Template) -> None:
    found = permissions(template, "Machine")

    by_action: dict[str, list[Any]] = {}
    for action, resource, _ in found:
        by_action.setdefault(action, []).append(resource)
    assert len(by_action.pop("lambda:InvokeFunction")) == 3
    assert [each["Fn::Join"][1][-1] for each in by_action.pop("s3:GetObject")] == [
        "/runs/*",
        "/runs/map/*",
    ]
    for action in ("s3:PutObject", "s3:ListMultipartUploadParts", "s3:AbortMultipartUpload"):
        (resource,) = by_action.pop(action)
        assert resource["Fn::Join"][1][-1] == "/runs/map/*"
    assert {action.partition(":")[0] for action in by_action} == {"logs", "xray"}


def test_the_state_machine_may_run_only_its_own_children(template: Template) -> None:
    (policy,) = (
        policy["Properties"]
        for name, policy in template.find_resources("AWS::IAM::Policy").items()
        if "DistributedMapPolicy" in name
    )
    (machine,) = template.find_resources("AWS::StepFunctions::StateMachine").items()
    name, machine_properties = machine[0], machine[1]["Properties"]

    (role,) = policy["Roles"]
    assert machine_properties["RoleArn"]["Fn::GetAtt"][0] == role["Ref"]
    statements = policy["PolicyDocument"]["Statement"]
    actions = {action for each in statements for action in as_list(each["Action"])}
    assert {"states:StartExecution", "states:DescribeExecution", "states:StopExecution"} <= actions
    for each in statements:
        for resource in as_list(each["Resource"]):
            assert name in json.dumps(resource)


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
    function = functions["lambda_api.bulk.worker.handler"]
    assert function["ReservedConcurrentExecutions"] == 8
    assert function["LoggingConfig"]["SystemLogLevel"] == "WARN"


def test_command_and_summary_get_the_same_rates(template: Template) -> None:
    (output,) = (each["Value"] for each in template.find_outputs("BulkRates").values())
    (summarize,) = (
        function
        for function in properties(template, "AWS::Lambda::Function")
        if function.get("ImageConfig", {}).get("Command") == ["lambda_api.bulk.summarize.handler"]
    )
    rates = Rates.from_json(output)

    assert summarize["Environment"]["Variables"]["BULK_RATES"] == output
    # The design's figure for 6 ms a picture, in batches of 500: 0.68 dollars.
    assert rates.cost(1_000_000, 2000, 6000) == pytest.approx(0.68, abs=0.05)


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
