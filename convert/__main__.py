"""Convert training runs into bundles, compare them, and publish them to a registry."""

import argparse
import sys
from collections.abc import Sequence

from convert import bundle_command, compare_command, evaluate_command, thresholds_command
from convert.registry import command as registry_command
from convert.registry.errors import RegistryError
from training.native_stderr import filter_native_stderr


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command.

    Returns:
        The exit code: 0 success, 2 unusable input, 3 rejected by the gate, 4 registry error,
        130 interrupted.
    """
    parsed = _parser().parse_args(arguments)
    # TensorFlow takes seconds to import. `--help` and usage errors must not wait for it.
    from convert.errors import ConvertError, GateError
    from lambda_api.manifest import BundleError
    from training.errors import DataError, RunError

    try:
        return int(parsed.command(parsed))
    except (ConvertError, BundleError, DataError, RunError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except GateError as error:
        print(f"rejected: {error}", file=sys.stderr)
        return 3
    except RegistryError as error:
        print(f"error: {error}", file=sys.stderr)
        return 4
    except KeyboardInterrupt:
        print("\nInterrupted. Nothing was written.", file=sys.stderr)
        return 130


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m convert", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    bundle_command.add_commands(commands)
    compare_command.add_commands(commands)
    evaluate_command.add_commands(commands)
    thresholds_command.add_commands(commands)
    registry_command.add_commands(commands)
    return parser


if __name__ == "__main__":
    filter_native_stderr()
    sys.exit(main())
