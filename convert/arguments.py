"""Command-line arguments that several commands share."""

import argparse

from convert.schemes import CALIBRATION_PICTURES


def positive_integer(text: str) -> int:
    """Parse an integer of 1 or more. Raises `argparse.ArgumentTypeError`."""
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not an integer of 1 or more")
    return int(text)


def add_calibration_pictures(parser: argparse.ArgumentParser) -> None:
    """Add `--calibration-pictures`."""
    parser.add_argument(
        "--calibration-pictures",
        type=positive_integer,
        default=CALIBRATION_PICTURES,
        metavar="N",
        help="training pictures used to calibrate the activation ranges (default: %(default)s)",
    )
