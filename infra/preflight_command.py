"""The command `check` of `python -m infra`."""

import argparse
from typing import Any


def add_commands(commands: Any) -> None:
    """Add `check` to the subparsers of argparse."""
    check = commands.add_parser(
        "check",
        help="check that this machine and the account are ready to deploy",
        description="Check docker, the region, the credentials and the CDK bootstrap.",
    )
    check.set_defaults(command=_check)


def _check(_: argparse.Namespace) -> int:
    from infra.preflight import check

    check()
    return 0
