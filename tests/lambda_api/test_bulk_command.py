"""`python -m lambda_api bulk`: refusals, the question, list and results.

moto's executions never run, so the progress of a real run is not covered here.
"""

import io
import json
from collections.abc import Callable
from typing import Any

import pytest

from infra.cost.bulk_rates import rates_json
from lambda_api.__main__ import main
from lambda_api.bulk.cost import Rates
from lambda_api.bulk.runs import Run

ROLE = "arn:aws:iam::123456789012:role/states"
STATES = '{"StartAt": "a", "States": {"a": {"Type": "Pass", "End": true}}}'


@pytest.fixture
def machine(aws_client: Callable[[str], Any], bucket: str) -> str:
    """The ARN of the state machine of the stage `dev`."""
    created = aws_client("stepfunctions").create_state_machine(
        name="bulk", definition=STATES, roleArn=ROLE
    )
    arn = str(created["stateMachineArn"])
    outputs = {
        "BulkStateMachineArn": {"Value": arn},
        "BucketName": {"Value": bucket},
        "BulkRates": {"Value": rates_json(None, 1769, "x86_64")},
    }
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

    assert bulk("s3://pictures/in/") == 2

    assert capsys.readouterr().out == (
        "2 objects in 1 batches: about 1 minutes and $0.00 (list prices of eu-central-1)\n"
    )
    found = aws_client("stepfunctions").list_executions(stateMachineArn=machine)
    assert found["executions"] == []


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["s3://pictures/none/", "--yes"], "No objects found in s3://pictures/none/"),
        (["s3://no-such-bucket/", "--yes"], "NoSuchBucket"),
        (["in/", "--yes"], "'in/' is neither an address such as s3://bucket/prefix, nor one of"),
        (["s3://", "--yes"], "'s3://' is not an S3 address"),
        (["s3://pictures/in/"], "There is no terminal to ask. Add --yes"),
        (["s3://pictures/in/", "run"], "Unexpected argument 'run'. Name the run with --run"),
        (["status"], "`bulk status` needs the name of a run"),
        (["list", "done"], "`bulk list` lists all runs"),
        (["s3://pictures/in/", "--run", "a b"], "'a b' is not a valid name"),
        (["s3://pictures/in/", "--run", "done", "--yes"], "Run 'done' exists"),
        (["resume", "none"], "There is no run 'none'"),
        (["status", "none"], "There is no run 'none'"),
        (["results", "none"], "Run 'none' has no results yet"),
        (["--stage", "other", "list"], "ValidationError"),
    ],
)
def test_a_refused_command_is_exit_code_2(
    pictures: Any,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    arguments: list[str],
    reason: str,
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO())
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

    assert bulk("s3://pictures/in/", "--yes") == 2
    assert bulk("list") == 0

    printed = capsys.readouterr()
    assert "first is running" in printed.err
    assert printed.out.splitlines()[-1].startswith("first ")


def test_a_resumed_run_gets_a_name_that_is_not_used(
    pictures: Any, machine: str, aws_client: Callable[[str], Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lambda_api.bulk.command.watch", lambda *_: False)
    pictures.put_object(Bucket="pictures", Key="runs/done/run.json", Body=b"{}")
    states = aws_client("stepfunctions")
    started = states.start_execution(stateMachineArn=machine, name="done")
    for _ in range(2):  # the plan of the first one fails
        states.stop_execution(executionArn=started["executionArn"])
        assert bulk("resume", "done", "--concurrency", "7") == 1
        (running,) = states.list_executions(stateMachineArn=machine, statusFilter="RUNNING")[
            "executions"
        ]
        started = running

    names = {each["name"] for each in states.list_executions(stateMachineArn=machine)["executions"]}
    assert names == {"done", "done--r1", "done--r2"}
    given = json.loads(states.describe_execution(executionArn=started["executionArn"])["input"])
    assert given == {"run": "done", "resume": True, "concurrency": 7}


def test_results_print_the_summary_and_the_address_of_the_table(
    pictures: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    pictures.put_object(Bucket="pictures", Key="runs/done/summary.json", Body=b'{"pictures": 2}')

    assert bulk("results", "done") == 0

    printed = capsys.readouterr().out.splitlines()
    assert printed == ['{"pictures": 2}', "s3://pictures/runs/done/answers.csv"]


def test_an_argument_that_is_no_number_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        bulk("s3://pictures/in/", "--concurrency", "0")

    assert "argument --concurrency: '0' is not a whole number of 1 or more" in (
        capsys.readouterr().err
    )


def test_counts_of_retries_and_repetitions_are_told_apart(pictures: Any) -> None:
    run = Run("pictures", "holiday")
    run.write_counts(part=1, begun=0, pictures=300, failed=2, duration_ms=2000)
    run.write_counts(part=1, begun=300, pictures=200, failed=1, duration_ms=1000)
    run.write_counts(part=2, begun=0, pictures=500, failed=0, duration_ms=3000)
    run.write_counts(part=2, begun=0, pictures=500, failed=0, duration_ms=3001)

    counts = run.read_counts()

    assert (counts.pictures, counts.failed) == (1000, 3)
    assert (counts.paid_pictures, counts.invocations, counts.seconds) == (1500, 4, 9.001)


def test_cost_grows_with_pictures_batches_and_seconds() -> None:
    rates = Rates.from_json(rates_json("us-east-1", 1769, "x86_64"))
    on_arm = Rates.from_json(rates_json("us-east-1", 1769, "arm64"))

    a_picture, a_batch, a_second = (
        rates.cost(*given) for given in [(1, 0, 0), (0, 1, 0), (0, 0, 1)]
    )
    assert rates.cost(7, 3, 5) == pytest.approx(7 * a_picture + 3 * a_batch + 5 * a_second)
    assert on_arm.worker_second == pytest.approx(0.8 * rates.worker_second)
    assert rates.seconds(1000, 100_000_000) > rates.seconds(1000, 8_000_000) > 1
