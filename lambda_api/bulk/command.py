"""The command `bulk`: start, watch and resume bulk classification in AWS."""

import argparse
import json
import re
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from lambda_api.arguments import positive
from lambda_api.bulk.cost import Rates
from lambda_api.bulk.runs import DEFAULT_CONCURRENCY, RUN_NAME, S3, Run, RunError
from lambda_api.bulk.watch import watch

DESCRIPTION = """\
Classify pictures in S3 with Step Functions.

  bulk s3://bucket/prefix    start a run and watch it
  bulk s3://bucket/list.txt  the same for a list of keys
  bulk status NAME           watch a run until it ends
  bulk resume NAME           classify the missing parts of a run
  bulk results NAME          print the summary of a run
  bulk list                  list the runs

Exit code: 0 if the run succeeded, 1 if it failed, 2 for a wrong argument or a
refused start, 130 if interrupted; the run then goes on."""


@dataclass(frozen=True)
class Stack:
    """Outputs of the stack of a stage.

    Attributes:
        machine: ARN of the state machine.
        bucket: bucket of the runs.
        rates: prices in its region.
    """

    machine: str
    bucket: str
    rates: Rates

    @classmethod
    def of_stage(cls, stage: str) -> "Stack":
        """Read the outputs. Raises `RunError` if bulk classification is not deployed."""
        from lambda_api import aws

        name = f"landscape-classifier-{stage}"
        (stack,) = aws.client("cloudformation").describe_stacks(StackName=name)["Stacks"]
        outputs = {each["OutputKey"]: each["OutputValue"] for each in stack.get("Outputs", [])}
        if "BulkStateMachineArn" not in outputs:
            raise RunError(
                f"{name} has no bulk classification. Deploy it with -c bulk_inputs=s3://…"
            )
        return cls(
            outputs["BulkStateMachineArn"],
            outputs["BucketName"],
            Rates.from_json(outputs["BulkRates"]),
        )

    def executions(self, **filters: str) -> list[dict[str, Any]]:
        """Return the executions, as boto3 does, the newest first."""
        from lambda_api import aws

        pages = aws.client("stepfunctions").get_paginator("list_executions")
        found = pages.paginate(stateMachineArn=self.machine, **filters)
        return [each for page in found for each in page["executions"]]

    def executions_of(self, run: str) -> list[dict[str, Any]]:
        """Return the executions that started or resumed a run."""
        name = re.compile(rf"{re.escape(run)}(--r\d+)?")
        return [each for each in self.executions() if name.fullmatch(each["name"])]


def add_commands(commands: Any) -> None:
    """Add `bulk` to the subparsers of argparse."""
    bulk = commands.add_parser(
        "bulk",
        help="classify many pictures in S3",
        description=DESCRIPTION,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    bulk.add_argument("what", metavar="ADDRESS|ACTION", help="s3:// address, or an action")
    bulk.add_argument("name", nargs="?", metavar="NAME", help="name of the run of an action")
    bulk.add_argument("--stage", default="dev", help="stage of the stack (default: dev)")
    bulk.add_argument("--run", metavar="NAME", help="name of a new run (default: the time)")
    bulk.add_argument(
        "--top-k", type=positive, default=1, metavar="N", help="also store the N best classes"
    )
    bulk.add_argument(
        "--concurrency",
        type=positive,
        metavar="N",
        help=f"batches at the same time (default: {DEFAULT_CONCURRENCY})",
    )
    bulk.add_argument(
        "--batch", type=positive, metavar="N", help="pictures in a batch (default: up to 500)"
    )
    bulk.add_argument("--yes", action="store_true", help="start without a question")
    bulk.set_defaults(command=_run)


def _run(parsed: argparse.Namespace) -> int:
    from lambda_api.aws import AwsError, translate_errors

    try:
        action = _action(parsed)
        with translate_errors():
            return action(Stack.of_stage(parsed.stage), parsed)
    except (RunError, AwsError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("\nStopped watching. A started run goes on: see `bulk list`.", file=sys.stderr)
        return 130


def _action(parsed: argparse.Namespace) -> Callable[[Stack, argparse.Namespace], int]:
    if parsed.what.startswith(S3):
        if parsed.name:
            raise RunError(f"Unexpected argument {parsed.name!r}. Name the run with --run.")
        return _start
    if parsed.what not in ACTIONS:
        raise RunError(
            f"{parsed.what!r} is neither an address such as s3://bucket/prefix, nor one of "
            f"{', '.join(ACTIONS)}."
        )
    if (parsed.name is None) != (parsed.what == "list"):
        needs = "lists all runs" if parsed.name else "needs the name of a run: see `bulk list`"
        raise RunError(f"`bulk {parsed.what}` {needs}.")
    return ACTIONS[parsed.what]


def _start(stack: Stack, parsed: argparse.Namespace) -> int:
    from lambda_api.bulk.batches import find_items, to_batches

    run = Run(stack.bucket, parsed.run or time.strftime("run-%Y%m%d-%H%M%S", time.gmtime()))
    if run.read_settings() is not None:
        raise RunError(f"Run {run.name!r} exists. Choose another name, or use `bulk resume`.")
    concurrency = parsed.concurrency or DEFAULT_CONCURRENCY
    pictures = total = count = 0
    for batch in to_batches(find_items(parsed.what), *filter(None, [parsed.batch])):
        count += 1
        pictures += len(batch)
        total += sum(item["bytes"] for item in batch)
    if not pictures:
        raise RunError(f"No objects found in {parsed.what}. Check the prefix.")
    seconds = stack.rates.seconds(pictures, total)
    dollars = stack.rates.cost(pictures, count, seconds)
    minutes = seconds / min(concurrency, count) / 60
    print(
        f"{pictures:,} objects in {count:,} batches: about {max(minutes, 1):,.0f} minutes and "
        f"${dollars:,.2f} (list prices of {stack.rates.prices_of})"
    )
    if not parsed.yes and not _agreed():
        return 2
    given = {
        "run": run.name,
        "source": parsed.what,
        "top_k": parsed.top_k,
        "concurrency": concurrency,
        **({"batch": parsed.batch} if parsed.batch else {}),
    }
    return _execute(stack, run, run.name, given)


def _agreed() -> bool:
    try:
        return input("Start? [y/N] ").strip().lower() in {"y", "yes"}
    except EOFError:
        raise RunError("There is no terminal to ask. Add --yes to start the run.") from None


def _resume(stack: Stack, parsed: argparse.Namespace) -> int:
    run = Run(stack.bucket, parsed.name)
    if run.read_settings() is None:
        raise RunError(f"There is no run {run.name!r}. See `bulk list`.")
    given = {"run": run.name, "resume": True}
    if parsed.concurrency:
        given["concurrency"] = parsed.concurrency
    # Step Functions forgets executions after 90 days, and a failed plan has written no manifest.
    earlier = max(run.resumed(), len(stack.executions_of(run.name)) - 1)
    return _execute(stack, run, f"{run.name}--r{earlier + 1}", given)


def _execute(stack: Stack, run: Run, name: str, given: dict[str, Any]) -> int:
    from lambda_api import aws

    # The concurrency is limited per run, so two runs could starve the API.
    if running := stack.executions(statusFilter="RUNNING"):
        raise RunError(f"{running[0]['name']} is running. Wait for its end: `bulk status`.")
    try:
        with aws.translate_errors():
            arn = aws.client("stepfunctions").start_execution(
                stateMachineArn=stack.machine, name=name, input=json.dumps(given)
            )["executionArn"]
    except aws.AwsError as error:
        if error.code != "ExecutionAlreadyExists":
            raise
        raise RunError(
            f"Execution {name!r} exists: see `bulk status {run.name}`. Choose another name."
        ) from error
    return _watch(stack, run, arn)


def _status(stack: Stack, parsed: argparse.Namespace) -> int:
    found = stack.executions_of(parsed.name)
    if not found:
        raise RunError(f"There is no run {parsed.name!r}. See `bulk list`.")
    newest = max(found, key=lambda each: each["startDate"])
    return _watch(stack, Run(stack.bucket, parsed.name), newest["executionArn"])


def _watch(stack: Stack, run: Run, arn: str) -> int:
    if not watch(run, arn, stack.rates):
        return 1
    return _print_summary(run)


def _results(stack: Stack, parsed: argparse.Namespace) -> int:
    return _print_summary(Run(stack.bucket, parsed.name))


def _print_summary(run: Run) -> int:
    summary = run.read(run.key("summary.json"))
    if summary is None:
        raise RunError(f"Run {run.name!r} has no results yet. See `bulk status {run.name}`.")
    print(summary.decode())
    print(f"s3://{run.bucket}/{run.key('answers.csv')}")
    return 0


def _list(stack: Stack, _parsed: argparse.Namespace) -> int:
    for each in stack.executions():
        if RUN_NAME.match(each["name"]):
            print(f"{each['name']:<40} {each['status']:<10} {each['startDate']:%Y-%m-%d %H:%M}")
    return 0


ACTIONS = {"status": _status, "resume": _resume, "results": _results, "list": _list}
