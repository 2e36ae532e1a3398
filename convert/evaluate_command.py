"""The command `evaluate` of `python -m convert`."""

import argparse
from pathlib import Path
from typing import Any


def add_commands(commands: Any) -> None:
    """Add `evaluate` to the subparsers of argparse."""
    evaluate = commands.add_parser(
        "evaluate",
        help="measure a bundle on a folder of labeled pictures",
        description="Classify PICTURES/<class>/... with the serving code and print accuracy, "
        "macro F1, calibration error and the figures of each class.",
    )
    evaluate.add_argument("bundle", type=Path, metavar="BUNDLE", help="folder of a bundle")
    evaluate.add_argument(
        "pictures", type=Path, metavar="PICTURES", help="folder with one folder for each class"
    )
    evaluate.add_argument("--json", action="store_true", help="print JSON")
    evaluate.set_defaults(command=_evaluate)


def _evaluate(parsed: argparse.Namespace) -> int:
    from convert.evaluate import evaluate_bundle

    metrics = evaluate_bundle(parsed.bundle, parsed.pictures)
    if parsed.json:
        print(metrics.model_dump_json())
        return 0
    count = sum(figures.support for figures in metrics.per_class.values())
    print(
        f"{count} pictures: accuracy {metrics.accuracy:.4f}, "
        f"macro F1 {metrics.macro_f1:.4f}, calibration error {metrics.calibration_error:.4f}"
    )
    for name, figures in metrics.per_class.items():
        print(
            f"  {name:<20} precision {figures.precision:.3f}  recall {figures.recall:.3f}  "
            f"F1 {figures.f1:.3f}  of {figures.support}"
        )
    return 0
