"""Comparison of two bundles: whether the new one should replace the old one."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from convert.errors import ConvertError
from convert.evaluate import bundle_probabilities, compute_metrics
from convert.gate import Failure, compare_metrics, failed_checks
from convert.progress import Progress
from lambda_api.classifier import Classifier
from lambda_api.evaluation import Metrics, Thresholds
from lambda_api.manifest import MANIFEST_FILE, Manifest
from training.calibration import Floats
from training.data import Dataset, LabelledPictures, file_hashes, is_collected, open_dataset, split
from training.layout import composed
from training.metrics import rounded


@dataclass(frozen=True)
class Comparison:
    """Two bundles on the same pictures.

    Attributes:
        old: metrics of the old bundle on the validation pictures.
        new: metrics of the new bundle on the same pictures.
        failed: checks of the gate that the new bundle fails against the old one.
        corrections: number of collected pictures.
        old_right: number of them that the old bundle classifies as corrected.
        new_right: number of them that the new bundle classifies as corrected.
    """

    old: Metrics
    new: Metrics
    failed: list[Failure]
    corrections: int
    old_right: int
    new_right: int

    def rejection(self) -> str:
        """Message with the reasons why the new bundle is not better; empty if it is."""
        lines = [f"  {check} {reason}" for check, reason in self.failed]
        if self.new_right < self.old_right:
            lines.append(f"  corrections: {self.new_right} are right, {self.old_right} were before")
        gains = (self.new_right - self.old_right, self.new.accuracy - self.old.accuracy)
        if not lines and max(gains) <= 0:
            lines.append("  neither the corrections nor the accuracy improve")
        return "\n".join(["the new bundle is not better:", *lines]) if lines else ""


def are_bundles(folders: list[Path]) -> bool:
    """Whether all folders are bundles. Raises `ConvertError` if only some are."""
    found = [(folder / MANIFEST_FILE).is_file() for folder in folders]
    if any(found) and not all(found):
        raise ConvertError("Compare either runs or bundles, not both.")
    return all(found)


def compare_bundles(
    old: Path, new: Path, data: Path, thresholds: Thresholds, progress: Progress
) -> Comparison:
    """Measure two bundles on the validation part of a data set, and on its corrections.

    Corrections are the pictures of the training part that `python -m training collect` added.
    The gate is that of a conversion, with the old bundle in place of the Keras model. Its check of
    the agreement does not apply: the new bundle is meant to differ.

    Raises:
        BundleError: a folder is not a usable bundle.
        ConvertError: the classes differ, or the bundles have other validation pictures.
        DataError: the pictures cannot be read.
    """
    before, after = Classifier(old), Classifier(new)
    dataset = open_dataset(data)
    classes = before.manifest.classes
    for name, other in (
        (str(new), after.manifest.classes),
        (str(data), dataset.train.classes),
    ):
        if composed(sorted(other)) != composed(sorted(classes)):
            raise ConvertError(
                f"{name} has the classes {', '.join(other)}, but {old} has {', '.join(classes)}. "
                "Only models and data with the same classes can be compared."
            )
    if after.manifest.classes != classes:
        raise ConvertError(f"{new} has its classes in another order than {old}.")
    pictures = _validation(before.manifest, after.manifest, dataset)
    corrections = dataset.train.subset(
        i for i, path in enumerate(dataset.train.paths) if is_collected(path)
    )
    for each in (pictures, corrections):
        file_hashes(each)  # reports every unreadable picture at once
    progress(
        f"classifying {len(pictures):,} validation pictures and {len(corrections):,} corrections"
    )
    probabilities = [bundle_probabilities(model, pictures) for model in (before, after)]
    old_metrics, new_metrics = (
        compute_metrics(each, pictures.labels, classes) for each in probabilities
    )
    agreeing = probabilities[0].argmax(axis=1) == probabilities[1].argmax(axis=1)
    limits = thresholds.model_copy(update={"min_agreement": 0.0})
    gate = compare_metrics(old_metrics, new_metrics, rounded(agreeing.mean()), limits, ())
    old_right, new_right = (_right(model, corrections) for model in (before, after))
    return Comparison(
        old_metrics,
        new_metrics,
        failed_checks(gate, after.manifest.model.bytes, old_metrics, new_metrics),
        len(corrections),
        old_right,
        new_right,
    )


def _validation(old: Manifest, new: Manifest, dataset: Dataset) -> LabelledPictures:
    """Return the validation pictures of both runs.

    Raises:
        ConvertError: the runs had other ones, so a model may have been trained on them.
    """
    if refit := next((each.refit for each in (old, new) if each.refit), None):
        raise ConvertError(
            "A refit was trained on the validation pictures, so they cannot decide. Compare the "
            f"bundle of the run {refit.run!r} instead."
        )
    fraction, other = (each.training.get("validation_fraction") for each in (old, new))
    if dataset.validation is not None and fraction is None and other is None:
        return dataset.validation
    seed, count = old.training.get("seed"), old.dataset.validation
    same = (other, new.training.get("seed"), new.dataset.validation) == (fraction, seed, count)
    if dataset.validation is None and fraction is not None and seed is not None and same:
        _, pictures = split(dataset.train, fraction, seed)
        if count <= len(pictures):  # an audit may have excluded some
            return pictures
    raise ConvertError(
        f"{dataset.train.root} does not have the validation pictures of both bundles, or they were "
        "not the same: a model may have been trained on them. Train both with the same --seed and "
        "--validation-fraction, and change the pictures only with `python -m training collect`."
    )


def _right(model: Classifier, corrections: LabelledPictures) -> int:
    if not len(corrections):
        return 0
    probabilities: Floats = bundle_probabilities(model, corrections)
    return int(np.count_nonzero(probabilities.argmax(axis=1) == corrections.labels))


def table(comparison: Comparison) -> str:
    """Markdown table of both bundles."""

    def row(name: str, metrics: Metrics, right: int) -> str:
        lowest = min(figures.recall for figures in metrics.per_class.values())
        return (
            f"| {name} | {metrics.accuracy:.4f} | {lowest:.4f} | {metrics.calibration_error:.4f} "
            f"| {right} of {comparison.corrections} |"
        )

    count = sum(figures.support for figures in comparison.old.per_class.values())
    lines = [
        f"On {count:,} validation pictures, and on the corrections:",
        "",
        "| bundle | accuracy | lowest recall | calibration error | corrections right |",
        "|---|---|---|---|---|",
        row("old", comparison.old, comparison.old_right),
        row("new", comparison.new, comparison.new_right),
    ]
    if comparison.corrections:
        lines += [
            "",
            "If the new model was trained on the corrections, their share is higher than for "
            "pictures that it has not seen.",
        ]
    return "\n".join(lines)
