"""Model card: intended use, figures, data and training recipe of a bundle."""

import shlex
from pathlib import Path
from typing import Any

from convert.gate import calibration_error_limit
from convert.limits import Flags
from convert.unknown_card import guarantee, unknown_section
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
    known: Flags,
    *,
    split: Split,
    test_folder: str,
    history: str,
) -> None:
    """Write the model card and its figures.

    Args:
        folder: folder of the bundle.
        manifest: manifest of the bundle.
        probabilities: calibrated probabilities, (pictures, classes), of the pictures in the
            manifest's evaluation.
        labels: class indices, (pictures,), of the same pictures.
        known: whether each of them is accepted as known, bool (pictures,).
        split: split of the run.
        test_folder: folder of the test pictures, relative to the data; not used if the manifest's
            evaluation has none.
        history: Markdown about how the model was chosen; may be empty.
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
    confident = (probabilities.max(axis=1) >= manifest.confidence_threshold) & known
    correct = probabilities.argmax(axis=1) == labels
    accuracy = f"{correct[confident].mean():.1%}" if confident.any() else "none"
    card = _card(
        manifest,
        split,
        test_folder,
        f"{confident.mean():.1%}",
        accuracy,
        unknown_section(manifest, probabilities, labels, known),
    )
    choice = f"\n## How the model was chosen\n{history.strip()}\n" if history else ""
    (folder / CARD_FILE).write_text(card + choice, encoding="utf-8")


def _card(
    manifest: Manifest,
    split: Split,
    test_folder: str,
    coverage: str,
    confident_accuracy: str,
    unknown: str,
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
    # Validation pictures often have no folder of their own: the run sets them aside.
    tested = shlex.quote(f"DATA/{test_folder}")
    evaluate = (
        f"To measure the bundle again:\n\n    python -m convert evaluate models/{manifest.name} {tested}\n\n"
        if evaluation.pictures == "test"
        else ""
    )
    recipe = "\n".join(f"| `{key}` | `{value}` |" for key, value in manifest.training.items())
    count = manifest.calibration_pictures
    calibrated = f" --calibration-pictures {count}" if count else ""
    audit = exclude = excluded = refit = again = ""
    run = "RUN"
    if name := manifest.training.get("refit"):
        run = "REFIT"
        refit = "    python -m training train DATA REFIT --refit RUN\n"
        again = (
            f" The network was then trained once more (run `{name}` repeated) on the training pictures and {len(split.refitted):,} of the\n"
            f"validation pictures. The other {data.validation:,} validation pictures were held back for the gate."
        )
    if split.audit_sha256:
        audit = "    python -m training audit DATA --out AUDIT\n"
        exclude = " --exclude AUDIT/audit.json"
        excluded = f"\nThe {split.excluded:,} pictures listed by the audit were excluded. SHA-256 of `audit.json`: `{split.audit_sha256}`.\n"
    fitted_on = (
        "" if evaluation.pictures == "test" else ", which are also those of the figures above"
    )
    if again:
        fitted_on = ", before they were learned"
    part = " The validation pictures have a folder of their own." if split.validation_part else ""
    tools = ", ".join(f"{name} {version}" for name, version in manifest.toolchain.items())
    return f"""# {manifest.name}

{manifest.architecture}, {manifest.quantization}, {manifest.model.bytes / 1e6:.1f} MB, version `{manifest.version}`.
Classes: {", ".join(manifest.classes)}.

## Use
Use it for pictures like those it was trained on. The model always predicts one of these {len(manifest.classes)} classes. It
recognizes most pictures that show none of them ([Unknown pictures](#unknown-pictures)). Do not use it for decisions about people.
The whole picture is scaled to {manifest.input.width}x{manifest.input.height} pixels, so small objects in a large photo are lost.

## Figures
The Keras model and this bundle on the {evaluation.count:,} {evaluation.pictures} pictures, measured with the serving code:

| | Keras, float32 | this bundle, {manifest.quantization} |
|---|---|---|
{_rows(figures)}
Both predict the same class for {evaluation.agreement:.1%} of the pictures.

{evaluate}{_per_class(evaluation.bundle)}
![Confusion matrix]({CONFUSION_FILE})

## Conversion gate
The bundle passed the conversion gate on the {manifest.gate.pictures:,} validation pictures of the run:

| change from the Keras model to this bundle | measured | limit |
|---|---|---|
{_gate(manifest.gate)}
Operators (all are built into TensorFlow Lite): {", ".join(manifest.gate.operators)}.

## Confidence
Logits are divided by the temperature {manifest.temperature} before the softmax. A prediction is confident if its confidence is at least
{manifest.confidence_threshold:.3f} and the picture is not unknown (below). {guarantee(manifest)}
On the {evaluation.pictures} pictures, {coverage} of the predictions are confident, and {confident_accuracy} of those are correct. The threshold
was chosen on the validation pictures, the temperature was fitted in training, on the validation pictures{fitted_on}.{again}

![Reliability diagram]({RELIABILITY_FILE})

{unknown}
## Data
`{data.name}`: {data.train:,} training pictures, {data.validation:,} validation pictures, {data.test:,} test pictures.{part}
SHA-256 of the training and validation pictures, names and contents: `{data.sha256}`.

## How to reproduce it
{audit}    python -m training train DATA RUN{_options(manifest.training)}{exclude}
{refit}    python -m convert bundle {run} --data DATA --out models/{manifest.name} --scheme {manifest.quantization}{calibrated}
{excluded}
| setting | value |
|---|---|
{recipe}

Versions: {tools}.
"""


def _gate(gate: Gate) -> str:
    limits = gate.thresholds
    rows = [
        ("accuracy drop", gate.accuracy_drop, limits.max_accuracy_drop),
        ("largest recall drop of a class", gate.recall_drop, limits.max_recall_drop),
        ("agreement (minimum)", gate.agreement, limits.min_agreement),
        (
            "rise of the expected calibration error",
            gate.calibration_error_rise,
            calibration_error_limit(gate),
        ),
    ]
    accepted = "" if gate.known_acceptance is None else f"{gate.known_acceptance:.4f}"
    return _rows(rows) + (
        f"| share accepted as known, with a threshold from other pictures | {accepted} | target - {limits.max_acceptance_drop:.4f} |\n"
    )


def _options(recipe: dict[str, Any]) -> str:
    """Command-line options for the settings that differ from the defaults, except `refit`."""
    defaults = TrainingConfig().model_dump(exclude={"refit"})
    changed = {k: v for k, v in recipe.items() if k in defaults and v != defaults[k]}
    return "".join(_option(name, value) for name, value in changed.items())


def _option(name: str, value: Any) -> str:
    if value is False:
        return f" --no-{name}"
    if name == "teachers":
        return f" --teacher {shlex.join(value)}"
    option = f" --{name.replace('_', '-')}"
    return option if value is True else f"{option} {shlex.quote(str(value))}"


def _rows(figures: list[tuple[str, float, float]]) -> str:
    return "".join(f"| {name} | {keras:.4f} | {bundle:.4f} |\n" for name, keras, bundle in figures)


def _per_class(metrics: Metrics) -> str:
    rows = "".join(
        f"| {name} | {m.precision:.3f} | {m.recall:.3f} | {m.f1:.3f} | {m.support} |\n"
        for name, m in metrics.per_class.items()
    )
    return f"| class | precision | recall | F1 | pictures |\n|---|---|---|---|---|\n{rows}"
