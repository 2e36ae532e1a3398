"""The command `check` of `python -m infra`."""

import argparse
from typing import Any


def add_commands(commands: Any) -> None:
    """Add `check` to the subparsers of argparse."""
    check = commands.add_parser(
        "check",
        help="check that this machine and the account are ready to deploy",
        description="Check docker, the region, the credentials, the CDK bootstrap, the settings, "
        "and the limits of the account.",
    )
    check.add_argument(
        "arguments", nargs="*", help="after --: arguments of cdk, of which only -c is read"
    )
    check.set_defaults(command=_check)


def _check(parsed: argparse.Namespace) -> int:
    # boto3 and CDK take a second to import. The other commands must not wait for them.
    from infra.context import read_context
    from infra.preflight import check

    check(read_context(parsed.arguments))
    return 0
