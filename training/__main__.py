"""`python -m training`: the command line of training."""

import argparse
import sys
from collections.abc import Sequence
from io import TextIOWrapper

from training.audit import command as audit
from training.collected import command as collected
from training.native_stderr import filter_native_stderr
from training.networks import command as networks
from training.run import command as run


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command.

    Returns:
        The exit code: 0 success, 2 unusable input, 130 interrupted.
    """
    parsed = _parser().parse_args(arguments)
    from pydantic import ValidationError

    from training.errors import TrainingError

    if isinstance(sys.stdout, TextIOWrapper):  # file names may not be valid in the terminal's code
        sys.stdout.reconfigure(errors="backslashreplace")
    try:
        return int(parsed.command(parsed))
    except (TrainingError, ValidationError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("\nInterrupted.", file=sys.stderr)
        return 130


def _parser() -> argparse.ArgumentParser:
    """The parser; commands import TensorFlow only when they run, because that takes seconds."""
    parser = argparse.ArgumentParser(
        prog="python -m training",
        description="Train an image classifier on a folder of labeled pictures.",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog="""\
DATA contains one folder per class, or `train/` (and optionally `valid/` and `test/`) with one
folder per class:
    DATA/train/forest/1.jpg   DATA/train/sea/2.jpg   DATA/test/forest/3.jpg …
""",
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    for part in (run, audit, collected, networks):
        part.add_commands(commands)
    return parser


if __name__ == "__main__":
    filter_native_stderr()
    sys.exit(main())
