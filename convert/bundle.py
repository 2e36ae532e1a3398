"""From a run to a bundle: convert, prove, measure, describe, put in place."""

import hashlib
import re
import tempfile
from collections.abc import Callable
from datetime import datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any, Literal

import tensorflow as tf

from convert.candidate import Candidate, Measured, make_candidate
from convert.card import write_card
from convert.debug import write_layer_errors
from convert.errors import ConvertError, GateError
from convert.evaluate import agreement, keras_logits, measure, network_logits
from convert.progress import Progress
from convert.quantize import exported
from convert.schemes import CALIBRATION_PICTURES, INTEGER, POLICY
from convert.source import Source, open_source
from convert.table import table, timed
from lambda_api.classifier import Classifier, softmax
from lambda_api.evaluation import Evaluation, Thresholds
from lambda_api.manifest import (
    MANIFEST_FILE,
    MODEL_FILE,
    NAME_PATTERN,
    Dataset,
    InputSpec,
    Manifest,
    ModelFile,
    Scheme,
)
from training.atomic import replace_folder
from training.calibration import Floats
from training.config import TrainingConfig
from training.data import LabelledPictures
from training.run.folder import Run


def make_bundle(
    run: Run,
    data: Path,
    destination: Path,
    *,
    scheme: Scheme | Literal["auto"] | None = None,
    thresholds: Thresholds = Thresholds(),  # noqa: B008 - it is frozen
    calibration_pictures: int = CALIBRATION_PICTURES,
    debug: Path | None = None,
    replace: bool = False,
    history: Path | None = None,
) -> Manifest:
    """Convert a finished run, see that it lost nothing, and write the bundle to `destination`.

    It is compared with the Keras model on the validation pictures. Temperature and threshold are
    the run's; the figures of the manifest come from the test pictures of `data`, or from the
    validation pictures where it has none.

    Args:
        run: finished.
        data: the folder of pictures the run was trained on.
        destination: the bundle's folder; its name is the model's.
        scheme: to convert to; "auto" tries those of the architecture's policy and takes the
            fastest that passes; None is the first of the policy.
        thresholds: what it must keep of the Keras model.
        calibration_pictures: how many training pictures show the range of the activations.
        debug: folder for the quantisation error of each layer in int8; also where it is refused.
        replace: whether a bundle that is there may be replaced.
        history: Markdown for the card, on how the model was chosen.

    Raises:
        ConvertError: `destination` is in the way, or run and `data` do not belong together.
        GateError: it lost more than `thresholds` allow.
        RunError: `run` is not finished.
        DataError: pictures that cannot be used.
        OSError: `destination` cannot be written.
    """
    name = destination.resolve().name
    if not re.fullmatch(NAME_PATTERN, name):
        raise ConvertError(f"{name!r} names no bundle: lower-case letters, digits and hyphens do.")
    if destination.exists() and not (replace and (destination / MANIFEST_FILE).is_file()):
        raise ConvertError(f"{destination}: is there already; --replace replaces a bundle.")
    for folder in (destination.parent, *([debug] if debug else [])):
        folder.mkdir(parents=True, exist_ok=True)
        tempfile.TemporaryFile(dir=folder).close()  # fails now, not after all the work
    chosen = history.read_text(encoding="utf-8") if history else ""
    progress = Progress()
    progress("checking that these are the pictures of the run")
    source = open_source(run, data)
    candidate = _chosen(source, scheme, thresholds, calibration_pictures, debug, progress)
    made = candidate.measured
    if candidate.failed or made is None:
        raise GateError(f"{name}: {candidate.refusal()}")

    pictures = source.validation if source.test is None else source.test
    part: Literal["test", "validation"] = "validation" if source.test is None else "test"
    progress(f"measuring on {len(pictures)} {part} pictures")
    floats, logits = _logits(source, made, pictures)
    evaluation = _evaluation(source, part, pictures, floats, logits)
    manifest = _manifest(name, source, candidate, made, evaluation)
    progress(f"writing {destination}")
    _write(
        destination,
        manifest,
        candidate.file,
        lambda to: write_card(
            to,
            manifest,
            softmax(logits, manifest.temperature),
            pictures.labels,
            target_accuracy=source.result.calibration.target_accuracy,
            split=source.split,
            history=chosen,
        ),
    )
    return manifest


def _chosen(
    source: Source,
    scheme: Scheme | Literal["auto"] | None,
    thresholds: Thresholds,
    calibration_pictures: int,
    debug: Path | None,
    progress: Progress,
) -> Candidate:
    """The candidate of the scheme that was asked for, whether it passes or not."""
    policy = POLICY.get(source.config.architecture, INTEGER)
    schemes = policy if scheme == "auto" else (scheme or policy[0],)
    progress(f"asking the Keras model about {len(source.validation)} validation pictures")
    _ = source.validation_logits
    candidates = []
    with exported(source.model) as saved:
        for each in schemes:
            progress(f"converting to {each}, and comparing")
            candidates.append(make_candidate(source, saved, each, calibration_pictures, thresholds))
        if debug:
            progress(f"measuring the error of each layer, into {debug}")
            sample = source.calibration_sample(calibration_pictures)
            write_layer_errors(debug, saved, source.pixels(sample))
    if scheme != "auto":
        return candidates[0]
    progress("timing them")
    milliseconds = timed(source, candidates)
    print(f"\n{table(candidates, milliseconds)}\n")
    passing = [candidate for candidate in candidates if not candidate.failed]
    return min(passing or candidates[:1], key=lambda c: milliseconds.get(c.scheme, 0))


def _logits(source: Source, made: Measured, pictures: LabelledPictures) -> tuple[Floats, Floats]:
    """Of the Keras model and of the model file, each (n, classes)."""
    if pictures is source.validation:
        return source.validation_logits, made.logits
    size = source.config.image_size
    return keras_logits(source.model, pictures, size), network_logits(made.network, pictures)


def _evaluation(
    source: Source,
    part: Literal["test", "validation"],
    pictures: LabelledPictures,
    floats: Floats,
    logits: Floats,
) -> Evaluation:
    """What the logits of `_logits` are worth on the pictures of one part."""
    temperature, classes = source.result.calibration.temperature, source.split.classes
    return Evaluation(
        pictures=part,
        count=len(pictures),
        keras=measure(softmax(floats, temperature), pictures.labels, classes),
        bundle=measure(softmax(logits, temperature), pictures.labels, classes),
        agreement=agreement(floats, logits),
    )


def _manifest(
    name: str, source: Source, candidate: Candidate, made: Measured, evaluation: Evaluation
) -> Manifest:
    config, split, calibration = source.config, source.split, source.result.calibration
    manifest = Manifest(
        name=name,
        version="0" * 12,
        created=datetime.fromisoformat(source.result.finished),
        classes=split.classes,
        architecture=config.architecture,
        input=InputSpec(
            height=config.image_size, width=config.image_size, dtype=made.network.dtype
        ),
        quantization=candidate.scheme,
        calibration_pictures=candidate.calibration_pictures,
        model=ModelFile(
            sha256=hashlib.sha256(candidate.file).hexdigest(), bytes=len(candidate.file)
        ),
        temperature=calibration.temperature,
        confidence_threshold=calibration.threshold,
        evaluation=evaluation,
        gate=made.gate,
        dataset=Dataset(
            name=split.dataset,
            sha256=split.dataset_sha256,
            train=len(split.train),
            validation=len(split.validation),
            test=0 if source.test is None else len(source.test),
        ),
        toolchain=source.result.toolchain
        | {"tensorflow-convert": tf.__version__, "ai-edge-litert": version("ai-edge-litert")},
        training=_recipe(config, source.result.weights_sha256),
    )
    return manifest.model_copy(update={"version": manifest.content_version()})


def _recipe(config: TrainingConfig, weights_sha256: str | None) -> dict[str, Any]:
    """The configuration without the place where this machine keeps its weights."""
    recipe = config.model_dump()
    if weights_sha256:
        recipe |= {"weights": Path(config.weights).name, "weights_sha256": weights_sha256}
    return recipe


def _write(
    destination: Path, manifest: Manifest, model: bytes, card: Callable[[Path], None]
) -> None:
    """Write the whole bundle beside `destination`, see that it loads, then move it there."""
    with tempfile.TemporaryDirectory(prefix=".bundle-", dir=destination.parent) as workshop:
        made = Path(workshop, "new")
        made.mkdir()
        (made / MODEL_FILE).write_bytes(model)
        (made / MANIFEST_FILE).write_text(
            manifest.model_dump_json(indent=1) + "\n", encoding="utf-8"
        )
        card(made)
        Classifier(made)
        replace_folder(made, destination, Path(workshop, "old"))
