"""`python -m lambda_api`: the command line of the service."""

import argparse
import sys
from collections.abc import Sequence

from lambda_api import call, classify, server
from lambda_api.auth import command as auth
from lambda_api.drift import command as drift
from lambda_api.openapi import command as openapi


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command and return its exit code."""
    parser = argparse.ArgumentParser(prog="python -m lambda_api")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    for module in (classify, call, drift, server, auth, openapi):
        module.add_commands(commands)
    parsed = parser.parse_args(arguments)
    code: int = parsed.command(parsed)
    return code


if __name__ == "__main__":
    sys.exit(main())
