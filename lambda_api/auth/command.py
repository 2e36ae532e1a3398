"""The command `hash-password`."""

import argparse
import getpass
import sys
from typing import Any

from lambda_api.auth.passwords import hash_password


def add_commands(commands: Any) -> None:
    """Add `hash-password` to the subparsers of argparse."""
    parser = commands.add_parser(
        "hash-password",
        help="hash a password for the settings",
        description="Read a password from the terminal, or from the first line of stdin, and print "
        "its scrypt hash. Use the hash instead of the password in API_PASSWORD, API_USERS or the "
        "secret of AUTH_SECRET_ARN.",
    )
    parser.set_defaults(command=_hash_password)


def _hash_password(_: argparse.Namespace) -> int:
    password = getpass.getpass() if sys.stdin.isatty() else sys.stdin.readline().rstrip("\r\n")
    try:
        print(hash_password(password))
    except ValueError as error:
        print(f"error: the password {error}.", file=sys.stderr)
        return 2
    return 0
