"""Bundles: convert a run, check it, measure it, describe it, and write the folder."""

import hashlib
import re
import tempfile
from collections.abc import Callable
from dataclasses import replace as replace_fields
from datetime import datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any, Literal

import tensorflow as tf

from convert.candidate import Candidate, Measured, make_candidates
from convert.card import write_card
from convert.compare import candidates_table, latencies_ms
from convert.debug import write_layer_errors
from convert.errors import ConvertError, GateError
from convert.evaluate import Comparison, side_by_side
from convert.progress import Progress
from convert.quantize import exported
from convert.reference import Reference, Reliance, make_reference
from convert.schemes import CALIBRATION_PICTURES, INTEGER, POLICY
from convert.source import ConversionSource, open_source
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
from lambda_api.profile import KNOWN_FILE, Refit, Teacher
from training.atomic import replace_folder
from training.config import TrainingConfig
from training.run.folder import Run, Split


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
    reliance: Reliance = Reliance(),  # noqa: B008 - it is frozen
) -> Manifest:
    """Convert a finished run, check it against the gate, and write a bundle to `destination`.

    The gate compares the converted model with the Keras model on the validation pictures. The
    temperature is that of the run. The thresholds for confidence and for unknown pictures are
    chosen for the converted model on the validation pictures. The manifest's evaluation uses the
    test pictures of `data`, or the validation pictures if there are no test pictures.

    Args:
        run: finished run.
        data: folder of the pictures the run was trained on.
        destination: the bundle's folder; its name becomes the model's name.
        scheme: quantization scheme; "auto" tries every scheme of the architecture's policy and
            uses the fastest that passes; None uses the first of the policy.
        thresholds: limits of the gate.
        calibration_pictures: number of training pictures that calibrate the activation ranges.
        debug: folder for the int8 quantization error of each layer, written even if the gate
            rejects the model.
        replace: overwrite an existing bundle.
        history: Markdown file for the model card: how the model was chosen.
        reliance: targets of the thresholds.

    Raises:
        ConvertError: `destination` already exists, or run and data do not belong together.
        GateError: the model lost more than `thresholds` allow.
        RunError: `run` is not finished.
        DataError: some pictures cannot be read.
        OSError: `destination` cannot be written.
    """
    name = destination.resolve().name
    if not re.fullmatch(NAME_PATTERN, name):
        raise ConvertError(
            f"{name!r} is not a valid bundle name. Use lower-case letters, digits and hyphens."
        )
    if destination.exists() and not (replace and (destination / MANIFEST_FILE).is_file()):
        raise ConvertError(f"{destination} already exists. Use --replace to overwrite a bundle.")
    for folder in (destination.parent, *([debug] if debug else [])):
        folder.mkdir(parents=True, exist_ok=True)
        tempfile.TemporaryFile(dir=folder).close()  # fails now, not after all the work
    history_text = history.read_text(encoding="utf-8") if history else ""
    progress = Progress()
    progress("checking that these are the pictures of the run")
    source = open_source(run, data)
    candidate = _choose(source, scheme, thresholds, calibration_pictures, debug, progress)
    measured = candidate.measured
    if candidate.failed or measured is None:
        raise GateError(f"{name}: {candidate.rejection()}")
    progress("fitting the detector of unknown pictures")
    reference = make_reference(source, measured, reliance)
    if failure := reference.failure(measured.gate.thresholds):
        raise GateError(f"{name}: {replace_fields(candidate, failed=[failure]).rejection()}")

    part: Literal["test", "validation"] = "validation" if source.test is None else "test"
    pictures, comparison = source.validation, measured.comparison
    if source.test is not None:
        pictures = source.test
        progress(f"measuring on {len(pictures)} test pictures")
        comparison = side_by_side(source, measured.network, pictures)
    evaluation = _evaluation(part, comparison)
    manifest = _manifest(name, source, candidate, measured, evaluation, reference)
    progress(f"writing {destination}")
    _write(
        destination,
        manifest,
        {MODEL_FILE: candidate.file, KNOWN_FILE: reference.detector.parameters},
        lambda folder: write_card(
            folder,
            manifest,
            softmax(comparison.logits, manifest.temperature),
            pictures.labels,
            reference.detector.accepts(comparison.features),
            split=source.split,
            test_folder=source.test.root.relative_to(data).as_posix() if source.test else "",
            history=history_text,
        ),
    )
    return manifest


def _choose(
    source: ConversionSource,
    scheme: Scheme | Literal["auto"] | None,
    thresholds: Thresholds,
    calibration_pictures: int,
    debug: Path | None,
    progress: Progress,
) -> Candidate:
    """Candidate of the requested scheme, whether it passes the gate or not."""
    policy = POLICY.get(source.config.architecture, INTEGER)
    schemes = policy if scheme == "auto" else (scheme or policy[0],)
    with exported(source.model) as saved:
        candidates = make_candidates(
            source, saved, schemes, calibration_pictures, thresholds, progress
        )
        if debug:
            progress(f"measuring the error of each layer, into {debug}")
            sample = source.calibration_sample(calibration_pictures)
            write_layer_errors(debug, saved, source.pixels(sample))
    if scheme != "auto":
        return candidates[0]
    progress("measuring latencies")
    milliseconds = latencies_ms(source, candidates)
    print(f"\n{candidates_table(candidates, milliseconds)}\n")
    passing = [candidate for candidate in candidates if not candidate.failed]
    return min(passing or candidates[:1], key=lambda c: milliseconds.get(c.scheme, 0))


def _evaluation(part: Literal["test", "validation"], comparison: Comparison) -> Evaluation:
    return Evaluation(
        pictures=part,
        count=len(comparison.logits),
        keras=comparison.keras,
        bundle=comparison.converted,
        agreement=comparison.agreement,
    )


def _manifest(
    name: str,
    source: ConversionSource,
    candidate: Candidate,
    measured: Measured,
    evaluation: Evaluation,
    reference: Reference,
) -> Manifest:
    config, split = source.config, source.split
    manifest = Manifest(
        name=name,
        version="0" * 12,
        created=datetime.fromisoformat(source.result.finished),
        classes=split.classes,
        architecture=config.architecture,
        input=InputSpec(
            height=config.image_size, width=config.image_size, dtype=measured.network.dtype
        ),
        quantization=candidate.scheme,
        calibration_pictures=candidate.calibration_pictures,
        model=ModelFile(
            sha256=hashlib.sha256(candidate.file).hexdigest(), bytes=len(candidate.file)
        ),
        temperature=source.result.calibration.temperature,
        confidence_threshold=reference.confidence_threshold,
        evaluation=evaluation,
        gate=measured.gate.model_copy(
            update={"known_acceptance": reference.detector.cross_acceptance}
        ),
        dataset=Dataset(
            name=split.dataset,
            sha256=split.dataset_sha256,
            train=len(split.train) + len(split.refitted),
            validation=len(split.validation),
            test=0 if source.test is None else len(source.test),
        ),
        toolchain=source.result.toolchain
        | {"tensorflow-convert": tf.__version__, "ai-edge-litert": version("ai-edge-litert")},
        training=_recipe(config, split, source.result.weights_sha256),
        known=reference.detector.section,
        confidence=reference.confidence,
        validation=reference.validation,
        refit=source.result.refit and Refit(**source.result.refit.model_dump()),
        teachers=tuple(Teacher(**teacher.model_dump()) for teacher in split.teachers),
    )
    return manifest.model_copy(update={"version": manifest.content_version()})


def _recipe(config: TrainingConfig, split: Split, weights_sha256: str | None) -> dict[str, Any]:
    """Training configuration without what was not used or differs by machine."""
    recipe = config.model_dump(exclude_none=True)
    if split.validation_part:
        del recipe["validation_fraction"]
    if weights_sha256:
        recipe |= {"weights": Path(config.weights).name, "weights_sha256": weights_sha256}
    if split.teachers:
        recipe["teachers"] = [teacher.run for teacher in split.teachers]
        recipe["teachers_sha256"] = [teacher.model_sha256 for teacher in split.teachers]
    else:
        for name in ("teachers", "teacher_share", "teacher_temperature"):
            del recipe[name]
    for name in ("refit", "unlabeled"):
        if name in recipe:
            recipe[name] = Path(recipe[name]).name
    return recipe


def _write(
    destination: Path, manifest: Manifest, files: dict[str, bytes], card: Callable[[Path], None]
) -> None:
    """Write the bundle beside `destination`, load it as a check, then move it there."""
    with tempfile.TemporaryDirectory(prefix=".bundle-", dir=destination.parent) as workshop:
        folder = Path(workshop, "new")
        folder.mkdir()
        for name, content in files.items():
            (folder / name).write_bytes(content)
        (folder / MANIFEST_FILE).write_text(
            manifest.model_dump_json(indent=1) + "\n", encoding="utf-8"
        )
        card(folder)
        Classifier(folder)
        replace_folder(folder, destination, Path(workshop, "old"))
