"""Command-line arguments that several commands share."""

import argparse

from convert.schemes import CALIBRATION_PICTURES
from lambda_api.arguments import positive
from lambda_api.evaluation import Thresholds

LIMITS = Thresholds()


def add_calibration_pictures(parser: argparse.ArgumentParser) -> None:
    """Add `--calibration-pictures`."""
    parser.add_argument(
        "--calibration-pictures",
        type=positive,
        default=CALIBRATION_PICTURES,
        metavar="N",
        help="training pictures used to calibrate the activation ranges (default: %(default)s)",
    )


def add_thresholds(parser: argparse.ArgumentParser) -> None:
    """Add the limits of the gate."""
    group = parser.add_argument_group(
        "gate", "limits on the loss compared with the Keras model, on the run's validation pictures"
    )
    for name, help_ in (
        ("max_accuracy_drop", "largest drop in accuracy; 0.005 is half a percentage point"),
        ("max_recall_drop", "largest drop in the recall of any class"),
        ("min_agreement", "smallest share of pictures with the same predicted class"),
        ("max_calibration_error_rise", "largest rise of the expected calibration error"),
        ("max_acceptance_drop", "largest difference to --known-acceptance, beyond chance"),
    ):
        group.add_argument(
            f"--{name.replace('_', '-')}",
            type=share,
            default=getattr(LIMITS, name),
            metavar="SHARE",
            help=f"{help_} (default: %(default)s)",
        )
    group.add_argument(
        "--max-megabytes",
        type=_megabytes,
        default=LIMITS.max_bytes / 1e6,
        metavar="MB",
        help="largest size of the model file (default: %(default)s)",
    )


def read_thresholds(parsed: argparse.Namespace) -> Thresholds:
    """Return the limits of the options that `add_thresholds` added."""
    return Thresholds(
        max_accuracy_drop=parsed.max_accuracy_drop,
        max_recall_drop=parsed.max_recall_drop,
        min_agreement=parsed.min_agreement,
        max_calibration_error_rise=parsed.max_calibration_error_rise,
        max_bytes=round(parsed.max_megabytes * 1e6),
        max_acceptance_drop=parsed.max_acceptance_drop,
    )


def share(text: str) -> float:
    """Parse a number from 0 to 1. Raises `argparse.ArgumentTypeError`."""
    value = _number(text)
    if not 0 <= value <= 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number from 0 to 1")
    return value


def _megabytes(text: str) -> float:
    value = _number(text)
    if not 0 < value < 1e6:
        raise argparse.ArgumentTypeError(f"{text!r} is not a size in megabytes")
    return value


def _number(text: str) -> float:
    """Parse a number; NaN, which no range contains, if the text is not one."""
    try:
        return float(text)
    except ValueError:
        return float("nan")
