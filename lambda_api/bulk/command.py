"""The command `bulk`: start, watch and resume bulk classification in AWS."""

import argparse
import json
import re
import sys
import time
from collections.abc import Callable
from typing import Any

from lambda_api.bulk.cost import estimate
from lambda_api.bulk.runs import DEFAULT_CONCURRENCY, RUN_NAME, Run, RunError

POLL_S = 5


def add_commands(commands: Any) -> None:
    """Add `bulk` to the subparsers of argparse."""
    bulk = commands.add_parser(
        "bulk",
        help="classify many pictures in S3",
        description="Classify pictures in S3 with Step Functions. Exit code: 0 if the run "
        "succeeded, 1 if it failed, 2 for a wrong argument or a refused start, 130 if interrupted; "
        "the run then goes on.",
    )
    bulk.add_argument("--stage", default="dev", help="stage of the stack (default: dev)")
    actions = bulk.add_subparsers(required=True, metavar="ACTION")
    start = actions.add_parser("start", help="start a run and watch it")
    start.add_argument("source", help="s3://bucket/prefix, or a list of keys s3://bucket/list.txt")
    start.add_argument("--run", help="name of the run (default: the time)")
    start.add_argument("--top-k", type=int, default=1, metavar="N")
    start.add_argument("--concurrency", type=int, default=DEFAULT_CONCURRENCY, metavar="N")
    start.add_argument("--yes", action="store_true", help="start without a question")
    start.set_defaults(command=_guarded(_start))
    for name, action, about in (
        ("status", _status, "watch a run until it ends"),
        ("resume", _resume, "classify the missing parts of a run"),
        ("results", _results, "print the summary of a run"),
    ):
        parser = actions.add_parser(name, help=about)
        parser.add_argument("run", metavar="NAME")
        parser.set_defaults(command=_guarded(action))
    actions.add_parser("list", help="list the runs").set_defaults(command=_guarded(_list))


def _guarded(action: Callable[[argparse.Namespace], int]) -> Callable[[argparse.Namespace], int]:
    def command(parsed: argparse.Namespace) -> int:
        from lambda_api.aws import AwsError, translate_errors

        try:
            with translate_errors():
                return action(parsed)
        except (RunError, AwsError) as error:
            print(f"error: {error}", file=sys.stderr)
            return 2
        except KeyboardInterrupt:
            print("Stopped watching. The run goes on: see `bulk status`.", file=sys.stderr)
            return 130

    return command


def _stack(stage: str) -> tuple[str, str]:
    """Return the ARN of the state machine and the bucket of a stage."""
    from lambda_api import aws

    name = f"landscape-classifier-{stage}"
    (stack,) = aws.client("cloudformation").describe_stacks(StackName=name)["Stacks"]
    outputs = {each["OutputKey"]: each["OutputValue"] for each in stack.get("Outputs", [])}
    if "BulkStateMachineArn" not in outputs:
        raise RunError(f"{name} has no bulk classification. Deploy it with -c bulk_inputs=s3://…")
    return outputs["BulkStateMachineArn"], outputs["BucketName"]


def _executions(machine: str, **filters: str) -> list[dict[str, Any]]:
    from lambda_api import aws

    pages = aws.client("stepfunctions").get_paginator("list_executions")
    found = pages.paginate(stateMachineArn=machine, **filters)
    return [each for page in found for each in page["executions"]]


def _start(parsed: argparse.Namespace) -> int:
    from lambda_api.bulk.batches import find_items

    machine, bucket = _stack(parsed.stage)
    run = Run(bucket, parsed.run or time.strftime("run-%Y%m%d-%H%M%S", time.gmtime()))
    if run.read_settings() is not None:
        raise RunError(f"Run {run.name!r} exists. Choose another name, or use `bulk resume`.")
    pictures = sum(1 for _ in find_items(parsed.source))
    if not pictures:
        raise RunError(f"No objects found in {parsed.source}. Check the prefix.")
    minutes, dollars = estimate(pictures, parsed.concurrency)
    print(f"{pictures:,} objects, about {minutes:.0f} minutes and ${dollars:.2f}")
    if not parsed.yes and input("Start? [y/N] ").strip().lower() not in {"y", "yes"}:
        return 2
    given = {
        "run": run.name,
        "source": parsed.source,
        "top_k": parsed.top_k,
        "concurrency": parsed.concurrency,
    }
    return _execute(machine, run, run.name, given)


def _resume(parsed: argparse.Namespace) -> int:
    machine, bucket = _stack(parsed.stage)
    run = Run(bucket, parsed.run)
    if run.read_settings() is None:
        raise RunError(f"There is no run {run.name!r}. See `bulk list`.")
    earlier = len(_of_run(_executions(machine), run.name))
    name = f"{run.name}--r{earlier}"
    return _execute(machine, run, name, {"run": run.name, "resume": True})


def _execute(machine: str, run: Run, name: str, given: dict[str, Any]) -> int:
    from lambda_api import aws

    # The concurrency is limited per run, so two runs could starve the API.
    if running := _executions(machine, statusFilter="RUNNING"):
        raise RunError(f"{running[0]['name']} is running. Wait for its end: `bulk status`.")
    arn = aws.client("stepfunctions").start_execution(
        stateMachineArn=machine, name=name, input=json.dumps(given)
    )["executionArn"]
    return _watch(run, arn)


def _status(parsed: argparse.Namespace) -> int:
    machine, bucket = _stack(parsed.stage)
    found = _of_run(_executions(machine), parsed.run)
    if not found:
        raise RunError(f"There is no run {parsed.run!r}. See `bulk list`.")
    newest = max(found, key=lambda each: each["startDate"])
    return _watch(Run(bucket, parsed.run), newest["executionArn"])


def _of_run(executions: list[dict[str, Any]], run: str) -> list[dict[str, Any]]:
    name = re.compile(rf"{re.escape(run)}(--r\d+)?")
    return [each for each in executions if name.fullmatch(each["name"])]


def _watch(run: Run, arn: str) -> int:
    """Print the progress until the execution ends. Returns 0 if it succeeded."""
    from lambda_api import aws

    begun, first = time.monotonic(), None
    while True:
        execution = aws.client("stepfunctions").describe_execution(executionArn=arn)
        settings = run.read_settings()
        if settings:
            parts = len(run.finished_parts())
            first = parts if first is None else first
            a_part = settings["pictures"] / settings["batches"]
            rate = (parts - first) * a_part / max(time.monotonic() - begun, 1)
            print(
                f"{execution['status']}: {parts:,} of {settings['batches']:,} parts, "
                f"{rate:.0f} pictures/s",
                file=sys.stderr,
            )
        if execution["status"] != "RUNNING":
            break
        time.sleep(POLL_S)
    if execution["status"] != "SUCCEEDED":
        print(f"error: {execution['status']}: {execution.get('cause', '')}", file=sys.stderr)
        return 1
    return _print_summary(run)


def _results(parsed: argparse.Namespace) -> int:
    return _print_summary(Run(_stack(parsed.stage)[1], parsed.run))


def _print_summary(run: Run) -> int:
    summary = run.read(run.key("summary.json"))
    if summary is None:
        raise RunError(f"Run {run.name!r} has no results yet. See `bulk status {run.name}`.")
    print(summary.decode())
    print(f"s3://{run.bucket}/{run.key('answers.csv')}")
    return 0


def _list(parsed: argparse.Namespace) -> int:
    for each in _executions(_stack(parsed.stage)[0]):
        if RUN_NAME.match(each["name"]):
            print(f"{each['name']:<40} {each['status']:<10} {each['startDate']:%Y-%m-%d %H:%M}")
    return 0
