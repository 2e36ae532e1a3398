"""The model card: what a bundle is for, what it was made from, how well it does."""

from pathlib import Path
from typing import Any

from lambda_api.evaluation import Gate, Metrics
from lambda_api.manifest import Manifest
from training.calibration import Floats, Labels, calibration_bins
from training.config import TrainingConfig
from training.report.figures import draw_confusion, draw_reliability
from training.run.folder import Split

CARD_FILE = "MODEL_CARD.md"
CONFUSION_FILE = "confusion.png"
RELIABILITY_FILE = "reliability.png"


def write_card(
    folder: Path,
    manifest: Manifest,
    probabilities: Floats,
    labels: Labels,
    *,
    target_accuracy: float,
    split: Split,
    history: str,
) -> None:
    """Write the card and its figures.

    Args:
        folder: the bundle's.
        manifest: the bundle's.
        probabilities: calibrated, (n, classes), of the pictures the bundle was measured on.
        labels: (n,), of the same pictures.
        target_accuracy: 0..1, for which the threshold was chosen.
        split: of the run.
        history: Markdown on how the model was chosen, or nothing.
    """
    evaluation = manifest.evaluation
    draw_confusion(
        folder / CONFUSION_FILE,
        evaluation.bundle.confusion,
        manifest.classes,
        f"Counts on the {evaluation.pictures} pictures, shaded by row",
        shares=False,
    )
    draw_reliability(
        folder / RELIABILITY_FILE, {"this bundle": calibration_bins(probabilities, labels)}
    )
    confident = probabilities.max(axis=1) >= manifest.confidence_threshold
    right = probabilities.argmax(axis=1) == labels
    accuracy = f"{right[confident].mean():.1%}" if confident.any() else "none"
    card = _card(manifest, split, f"{confident.mean():.1%}", accuracy, f"{target_accuracy:.0%}")
    chosen = f"\n## How it was chosen\n{history.strip()}\n" if history else ""
    (folder / CARD_FILE).write_text(card + chosen, encoding="utf-8")


def _card(
    manifest: Manifest, split: Split, coverage: str, confident_accuracy: str, target: str
) -> str:
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
    count = manifest.calibration_pictures
    calibrated = f" --calibration-pictures {count}" if count else ""
    audit = exclude = left_out = ""
    if split.audit_sha256:
        audit = "    python -m training audit DATA --out AUDIT\n"
        exclude = " --exclude AUDIT/audit.json"
        left_out = f"\nThe audit listed {split.excluded:,} pictures, which were left out. SHA-256 of its `audit.json`: `{split.audit_sha256}`.\n"
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

## What the conversion cost
The bundle was written because it lost no more than it may, on the {manifest.gate.pictures:,} validation pictures of the run:

| the Keras model against this bundle | measured | allowed |
|---|---|---|
{_gate(manifest.gate)}
Operators, all built into TensorFlow Lite: {", ".join(manifest.gate.operators)}.

## Confidence
Logits are divided by the temperature {manifest.temperature} before the softmax. An answer is called confident from
{manifest.confidence_threshold:.3f} on: the threshold above which {target} of the Keras model's answers on validation were right. On the
{evaluation.pictures} pictures {coverage} of the answers are confident, and {confident_accuracy} of those are right. Both numbers were
fitted in training, on validation pictures{"" if evaluation.pictures == "test" else ", the same as the figures above"}.

![Reliability]({RELIABILITY_FILE})

## Data
`{data.name}`: {data.train:,} pictures to train on, {data.validation:,} for validation, {data.test:,} to test on.
SHA-256 of the first two, names and contents: `{data.sha256}`.

## How it was made
{audit}    python -m training train DATA RUN{_options(manifest.training)}{exclude}
    python -m convert bundle RUN --data DATA --out models/{manifest.name} --scheme {manifest.quantization}{calibrated}
{left_out}
| setting | value |
|---|---|
{recipe}

With {tools}.
"""


def _gate(gate: Gate) -> str:
    limits = gate.thresholds
    rows = [
        ("accuracy falls by", gate.accuracy_drop, limits.max_accuracy_drop),
        ("recall of the class that loses most falls by", gate.recall_drop, limits.max_recall_drop),
        ("agreement, the allowed being the least", gate.agreement, limits.min_agreement),
        (
            "expected calibration error rises by",
            gate.calibration_error_rise,
            limits.max_calibration_error_rise,
        ),
    ]
    return _rows(rows)


def _options(recipe: dict[str, Any]) -> str:
    """What has to be said on the command line: the settings that are not the defaults."""
    defaults = TrainingConfig().model_dump()
    changed = {k: v for k, v in recipe.items() if k in defaults and v != defaults[k]}
    return "".join(
        f" --no-{k}" if v is False else f" --{k.replace('_', '-')}{'' if v is True else f' {v}'}"
        for k, v in changed.items()
    )


def _rows(figures: list[tuple[str, float, float]]) -> str:
    return "".join(f"| {name} | {keras:.4f} | {bundle:.4f} |\n" for name, keras, bundle in figures)


def _per_class(metrics: Metrics) -> str:
    rows = "".join(
        f"| {name} | {m.precision:.3f} | {m.recall:.3f} | {m.f1:.3f} | {m.support} |\n"
        for name, m in metrics.per_class.items()
    )
    return f"| class | precision | recall | F1 | pictures |\n|---|---|---|---|---|\n{rows}"
