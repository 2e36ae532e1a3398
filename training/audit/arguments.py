"""The arguments of `python -m training audit`, apart from what it does: that imports TensorFlow."""

import argparse
from pathlib import Path


def add_audit_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what `command.run_audit` reads."""
    parser.description = "Look for broken, leaking, contradictory and double pictures."
    parser.add_argument("data", type=Path, metavar="DATA", help="folder of pictures")
    parser.add_argument(
        "--out",
        type=Path,
        metavar="FOLDER",
        help="where audit.json and audit.html go (runs/audit- and the name of DATA)",
    )
    parser.add_argument("--json", action="store_true", help="print the audit as JSON")
