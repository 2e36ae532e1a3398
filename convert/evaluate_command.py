"""The command `evaluate` of `python -m convert`."""

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from convert.rejection import OtherShares

LISTED = 20  # accepted pictures that are printed


def add_commands(commands: Any) -> None:
    """Add `evaluate` to the subparsers of argparse."""
    evaluate = commands.add_parser(
        "evaluate",
        help="measure a bundle on a folder of labeled pictures",
        description="Classify PICTURES/<class>/... with the serving code and print accuracy, "
        "macro F1, calibration error, the figures of each class, and the shares of known pictures "
        "and confident predictions. With --others, also the shares for pictures that show none of "
        "the classes.",
    )
    evaluate.add_argument("bundle", type=Path, metavar="BUNDLE", help="folder of a bundle")
    evaluate.add_argument(
        "pictures", type=Path, metavar="PICTURES", help="folder with one folder for each class"
    )
    evaluate.add_argument(
        "--others",
        type=Path,
        metavar="FOLDER",
        help="folder of pictures that show none of the classes",
    )
    evaluate.add_argument(
        "--relabeled",
        type=Path,
        metavar="FILE",
        help="CSV with the classes that a second labeler accepts for some of PICTURES",
    )
    evaluate.add_argument("--json", action="store_true", help="print JSON")
    evaluate.set_defaults(command=_evaluate)


def _evaluate(parsed: argparse.Namespace) -> int:
    from convert.evaluate import compute_metrics, predict, probabilities_of, read_labeled
    from convert.rejection import labeled_shares, other_shares
    from convert.relabeled import read_relabeled, relabeled_figures
    from lambda_api.classifier import Classifier

    classifier = Classifier(parsed.bundle)
    classes = classifier.manifest.classes
    pictures = read_labeled(classes, parsed.pictures)
    defensible = read_relabeled(parsed.relabeled, classes) if parsed.relabeled else None
    others = other_shares(classifier, parsed.others) if parsed.others else None
    predictions = predict(classifier, pictures)
    metrics = compute_metrics(probabilities_of(predictions, classes), pictures.labels, classes)
    labeled = labeled_shares(predictions, pictures, classes)
    relabeled = relabeled_figures(predictions, pictures, defensible) if defensible else None
    if parsed.json:
        document = metrics.model_dump(mode="json") | {
            "labeled": labeled.model_dump(mode="json"),
            "others": others and others.model_dump(mode="json"),
            "relabeled": relabeled and relabeled.model_dump(mode="json"),
        }
        print(json.dumps(document, ensure_ascii=False))
        return 0
    print(
        f"{len(pictures)} pictures: accuracy {metrics.accuracy:.4f}, "
        f"macro F1 {metrics.macro_f1:.4f}, calibration error {metrics.calibration_error:.4f}"
    )
    for name, figures in metrics.per_class.items():
        shares = labeled.per_class[name]
        print(
            f"  {name:<20} precision {figures.precision:.3f}  recall {figures.recall:.3f}  "
            f"F1 {figures.f1:.3f}  of {figures.support}; {shares.unknown} unknown, "
            f"{shares.confident} confident, {shares.confident_correct} of these correct"
        )
    accuracy = labeled.confident_accuracy
    print(
        f"{_known(labeled.known)}{labeled.confident:.1%} confident"
        + (f", {accuracy:.1%} of these correct" if accuracy is not None else "")
    )
    if others:
        _print_others(others)
    if relabeled:
        print(
            f"{relabeled.pictures} pictures labeled again: {relabeled.accuracy:.1%} of the "
            f"predictions are the label of the data set, {relabeled.defensible_accuracy:.1%} are "
            f"defensible. {relabeled.labels_defensible:.1%} of the labels are defensible; "
            f"{relabeled.ambiguous} pictures show several classes"
        )
    return 0


def _print_others(others: "OtherShares") -> None:
    print(
        f"{others.pictures} other pictures: {_known(others.known)}{others.confident:.1%} confident"
    )
    if others.unreadable:
        print(f"  {others.unreadable} files could not be read and are left out")
    if others.known is None:
        return
    for each in others.accepted[:LISTED]:
        remark = "confident" if each.confident else "not confident"
        print(
            f"  accepted: {each.file}: {each.label} {each.confidence:.1%}, {remark}, familiarity "
            f"{each.familiarity:.3f}"
        )
    if len(others.accepted) > LISTED:
        print(f"  … and {len(others.accepted) - LISTED} more; --json lists all")


def _known(share: float | None) -> str:
    return "" if share is None else f"{share:.1%} known, "
