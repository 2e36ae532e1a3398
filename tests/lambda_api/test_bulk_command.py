"""`python -m lambda_api bulk`: refusals, the question, list and results.

moto's executions never run, so the progress of a real run is not covered here.
"""

import json
from collections.abc import Callable
from typing import Any

import pytest

from lambda_api.__main__ import main

ROLE = "arn:aws:iam::123456789012:role/states"
STATES = '{"StartAt": "a", "States": {"a": {"Type": "Pass", "End": true}}}'


@pytest.fixture
def machine(aws_client: Callable[[str], Any], bucket: str) -> str:
    """The ARN of the state machine of the stage `dev`."""
    created = aws_client("stepfunctions").create_state_machine(
        name="bulk", definition=STATES, roleArn=ROLE
    )
    arn = str(created["stateMachineArn"])
    outputs = {"BulkStateMachineArn": {"Value": arn}, "BucketName": {"Value": bucket}}
    template = {"Resources": {"T": {"Type": "AWS::SNS::Topic"}}, "Outputs": outputs}
    aws_client("cloudformation").create_stack(
        StackName="landscape-classifier-dev", TemplateBody=json.dumps(template)
    )
    return arn


@pytest.fixture
def pictures(aws_client: Callable[[str], Any], machine: str) -> Any:
    """S3 with two objects below in/."""
    s3 = aws_client("s3")
    for name in "ab":
        s3.put_object(Bucket="pictures", Key=f"in/{name}.jpg", Body=b"x")
    return s3


def bulk(*arguments: str) -> int:
    return main(["bulk", *arguments])


def test_the_count_and_the_estimate_come_before_the_question(
    pictures: Any,
    machine: str,
    aws_client: Callable[[str], Any],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr("builtins.input", lambda _: "n")

    assert bulk("start", "s3://pictures/in/") == 2

    assert capsys.readouterr().out == "2 objects, about 0 minutes and $0.00\n"
    found = aws_client("stepfunctions").list_executions(stateMachineArn=machine)
    assert found["executions"] == []


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["start", "s3://pictures/none/", "--yes"], "No objects found in s3://pictures/none/"),
        (["start", "s3://no-such-bucket/", "--yes"], "NoSuchBucket"),
        (["start", "in/", "--yes"], "'in/' is not an S3 address"),
        (["start", "s3://pictures/in/", "--run", "a b"], "'a b' is not a valid name"),
        (["start", "s3://pictures/in/", "--run", "done", "--yes"], "Run 'done' exists"),
        (["resume", "none"], "There is no run 'none'"),
        (["status", "none"], "There is no run 'none'"),
        (["results", "none"], "Run 'none' has no results yet"),
        (["--stage", "other", "list"], "ValidationError"),
    ],
)
def test_a_refused_command_is_exit_code_2(
    pictures: Any, capsys: pytest.CaptureFixture[str], arguments: list[str], reason: str
) -> None:
    pictures.put_object(Bucket="pictures", Key="runs/done/run.json", Body=b"{}")

    assert bulk(*arguments) == 2

    assert f"error: {reason}" in capsys.readouterr().err


def test_a_second_run_is_refused_while_one_is_running(
    pictures: Any,
    machine: str,
    aws_client: Callable[[str], Any],
    capsys: pytest.CaptureFixture[str],
) -> None:
    aws_client("stepfunctions").start_execution(stateMachineArn=machine, name="first")

    assert bulk("start", "s3://pictures/in/", "--yes") == 2
    assert bulk("list") == 0

    printed = capsys.readouterr()
    assert "first is running" in printed.err
    assert printed.out.splitlines()[-1].startswith("first ")


def test_results_print_the_summary_and_the_address_of_the_table(
    pictures: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    pictures.put_object(Bucket="pictures", Key="runs/done/summary.json", Body=b'{"pictures": 2}')

    assert bulk("results", "done") == 0

    printed = capsys.readouterr().out.splitlines()
    assert printed == ['{"pictures": 2}', "s3://pictures/runs/done/answers.csv"]
