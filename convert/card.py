"""The model card: what a bundle is for, what it was made from, how well it does."""

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from matplotlib.figure import Figure

from convert.calibrate import TARGET_ACCURACY, calibration_bins
from lambda_api.manifest import Manifest, Metrics
from training.config import TrainingConfig

CARD_FILE = "MODEL_CARD.md"
CONFUSION_FILE = "confusion.png"
RELIABILITY_FILE = "reliability.png"


def write_card(
    folder: Path,
    manifest: Manifest,
    probabilities: npt.NDArray[np.floating],
    labels: npt.NDArray[np.int64],
) -> None:
    """Write the card and its figures.

    Args:
        folder: the bundle's.
        manifest: the bundle's.
        probabilities: calibrated, (n, classes), of the pictures the bundle was measured on.
        labels: (n,), of the same pictures.
    """
    _draw_confusion(folder / CONFUSION_FILE, manifest)
    _draw_reliability(folder / RELIABILITY_FILE, probabilities, labels)
    confident = probabilities.max(axis=1) >= manifest.confidence_threshold
    right = probabilities.argmax(axis=1) == labels
    accuracy = f"{right[confident].mean():.1%}" if confident.any() else "none"
    card = _card(manifest, f"{confident.mean():.1%}", accuracy)
    (folder / CARD_FILE).write_text(card, encoding="utf-8")


def _card(manifest: Manifest, coverage: str, confident_accuracy: str) -> str:
    evaluation, data = manifest.evaluation, manifest.dataset
    figures = [
        ("accuracy", evaluation.keras.accuracy, evaluation.bundle.accuracy),
        ("macro F1", evaluation.keras.macro_f1, evaluation.bundle.macro_f1),
        (
            "expected calibration error",
            evaluation.keras.calibration_error,
            evaluation.bundle.calibration_error,
        ),
    ]
    # Which pictures are for validation is known to the run alone: there is no folder to name.
    again = f"    python -m convert evaluate models/{manifest.name} DATA/test\n\n"
    recipe = "\n".join(f"| `{key}` | `{value}` |" for key, value in manifest.training.items())
    tools = ", ".join(f"{name} {version}" for name, version in manifest.toolchain.items())
    return f"""# {manifest.name}

{manifest.architecture}, {manifest.quantization}, {manifest.model.bytes / 1e6:.1f} MB, version `{manifest.version}`.
Tells apart: {", ".join(manifest.classes)}.

## Use
For pictures of the kind it was trained on. It knows these {len(manifest.classes)} classes and no other: a picture of
something else gets one of them too, often, but not always, with a low confidence. Not for decisions about people.
The whole picture is scaled to {manifest.input.width}x{manifest.input.height} pixels; what is small in a large photo is lost.

## Figures
On the {evaluation.count:,} {evaluation.pictures} pictures, measured by the code that serves. The Keras model and this bundle side by side:

| | Keras, float32 | this bundle, {manifest.quantization} |
|---|---|---|
{_rows(figures)}
They give the same label to {evaluation.agreement:.1%} of the pictures.

{again if evaluation.pictures == "test" else ""}{_per_class(evaluation.bundle)}
![Confusion matrix]({CONFUSION_FILE})

## Confidence
Logits are divided by the temperature {manifest.temperature} before the softmax. An answer is called confident from
{manifest.confidence_threshold:.3f} on: the threshold above which {TARGET_ACCURACY:.0%} of the answers on validation were right. On the
{evaluation.pictures} pictures {coverage} of the answers are confident, and {confident_accuracy} of those are right. Both numbers were
fitted on validation pictures{"" if evaluation.pictures == "test" else ", the same as the figures above"}.

![Reliability]({RELIABILITY_FILE})

## Data
`{data.name}`: {data.train:,} pictures to train on, {data.validation:,} for validation, {data.test:,} to test on.
SHA-256 of the first two, names and contents: `{data.sha256}`.

## How it was made
    python -m training DATA RUN{_options(manifest.training)}
    python -m convert bundle RUN --data DATA --out models/{manifest.name}

| setting | value |
|---|---|
{recipe}

With {tools}.
"""


def _options(recipe: dict[str, Any]) -> str:
    """What has to be said on the command line: the settings that are not the defaults."""
    defaults = TrainingConfig().model_dump()
    changed = {k: v for k, v in recipe.items() if k in defaults and v != defaults[k]}
    return "".join(
        f" --no-{k}" if v is False else f" --{k.replace('_', '-')} {v}" for k, v in changed.items()
    )


def _rows(figures: list[tuple[str, float, float]]) -> str:
    return "".join(f"| {name} | {keras:.4f} | {bundle:.4f} |\n" for name, keras, bundle in figures)


def _per_class(metrics: Metrics) -> str:
    rows = "".join(
        f"| {name} | {m.precision:.3f} | {m.recall:.3f} | {m.f1:.3f} | {m.support} |\n"
        for name, m in metrics.per_class.items()
    )
    return f"| class | precision | recall | F1 | pictures |\n|---|---|---|---|---|\n{rows}"


def _draw_confusion(path: Path, manifest: Manifest) -> None:
    counts = np.array(manifest.evaluation.bundle.confusion)
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    side = 2.5 + 0.6 * len(counts)
    figure = Figure(figsize=(side, side), layout="constrained")
    axes = figure.subplots()
    axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    ticks = range(len(manifest.classes))
    axes.set_xticks(ticks, manifest.classes, rotation=45, ha="right")
    axes.set_yticks(ticks, manifest.classes)
    axes.set_xlabel("answered")
    axes.set_ylabel("true")
    axes.set_title(f"Counts on the {manifest.evaluation.pictures} pictures, shaded by row")
    for (row, column), count in np.ndenumerate(counts):
        color = "white" if shares[row, column] > 0.5 else "black"
        axes.text(column, row, str(count), ha="center", va="center", color=color)
    figure.savefig(path, dpi=110)


def _draw_reliability(
    path: Path, probabilities: npt.NDArray[np.floating], labels: npt.NDArray[np.int64]
) -> None:
    confidence, accuracy, counts = zip(*calibration_bins(probabilities, labels), strict=True)
    figure = Figure(figsize=(5.5, 5.5), layout="constrained")
    axes = figure.subplots()
    axes.plot([0, 1], [0, 1], color="grey", linestyle="--", label="perfect")
    axes.plot(confidence, accuracy, marker="o", label="this bundle")
    for x, y, n in zip(confidence, accuracy, counts, strict=True):
        axes.annotate(str(n), (x, y), xytext=(6, -12), textcoords="offset points", fontsize=8)
    axes.set(xlim=(0, 1.02), ylim=(0, 1.02), xlabel="mean confidence", ylabel="share that is right")
    axes.set_title("Confidence against accuracy, with the pictures of each bin")
    axes.legend(loc="upper left")
    figure.savefig(path, dpi=110)
