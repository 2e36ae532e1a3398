"""`python -m infra`: the CDK app, which `cdk` calls; `check` and `cost` are for people."""

import argparse
import sys
from collections.abc import Sequence

from infra.cost.command import add_arguments, cost
from infra.errors import InfraError


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; the exit code: 0 done, 1 something is wrong, which stderr tells."""
    parser = argparse.ArgumentParser(prog="python -m infra", description=__doc__)
    commands = parser.add_subparsers(dest="command")
    commands.add_parser("check", help="whether this machine can deploy")
    add_arguments(commands.add_parser("cost", help="dollars a month, and of what else could serve"))
    wanted = parser.parse_args(arguments)
    try:
        if wanted.command == "check":
            from infra.preflight import check

            check()
        elif wanted.command == "cost":
            print(cost(wanted), end="")
        else:  # CDK takes seconds to import: what does without it is not kept waiting
            from aws_cdk import App

            from infra.app import build

            app = App()
            build(app)
            app.synth()
    except InfraError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
