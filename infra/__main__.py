"""Synthesize the CDK app (without a command, as `cdk` calls it), or run a command."""

import argparse
import os
import sys
from collections.abc import Sequence

from infra import preflight_command
from infra.cost import command as cost_command
from infra.errors import InfraError


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command.

    Returns:
        The exit code: 0 success, 1 an error, reported on stderr.
    """
    parsed = _parser().parse_args(arguments)
    try:
        return int(parsed.command(parsed))
    except InfraError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1


def _synthesize(_: argparse.Namespace) -> int:
    # CDK takes seconds to import. The other commands must not wait for it.
    from aws_cdk import App

    from infra.app import build
    from infra.summary import summary

    app = App()
    build(app)
    assembly = app.synth()
    stacks = {stack.stack_name: stack.template for stack in assembly.stacks}
    # On stderr: `cdk synth` may print a template on stdout.
    for line in summary(stacks, os.environ.get("CDK_DEFAULT_REGION"), assembly.directory):
        print(line, file=sys.stderr)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m infra", description=__doc__)
    parser.set_defaults(command=_synthesize)
    commands = parser.add_subparsers(metavar="[COMMAND]")
    preflight_command.add_commands(commands)
    cost_command.add_commands(commands)
    return parser


if __name__ == "__main__":
    sys.exit(main())
