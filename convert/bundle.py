"""From a run to a bundle: quantise, measure, describe, put in place."""

import hashlib
import re
import shutil
import tempfile
from collections.abc import Callable
from datetime import datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any, Literal

import keras
import numpy as np
import tensorflow as tf

from convert.card import write_card
from convert.evaluate import agreement, keras_logits, measure, network_logits
from convert.quantize import quantize_int8
from lambda_api.classifier import Classifier, Network, softmax
from lambda_api.manifest import (
    MANIFEST_FILE,
    MODEL_FILE,
    NAME_PATTERN,
    Dataset,
    Evaluation,
    InputSpec,
    Manifest,
    ModelFile,
)
from training.config import TrainingConfig
from training.data import LabelledPictures, content_hash, open_dataset, read_picture
from training.network import logits_model
from training.run import Run, resolve


class ConvertError(ValueError):
    """The bundle cannot be made; the message says why. Nothing was written."""


def make_bundle(
    run: Run,
    data: Path,
    destination: Path,
    *,
    calibration_pictures: int = 200,
    replace: bool = False,
    history: Path | None = None,
) -> Manifest:
    """Quantise a finished run to int8, measure it and write the bundle to `destination`.

    Temperature and threshold are the run's; the figures come from the test pictures of `data`, or
    from the validation pictures where it has none.

    Args:
        run: finished.
        data: the folder of pictures the run was trained on.
        destination: the bundle's folder; its name is the model's.
        calibration_pictures: how many training pictures show the range of the activations.
        replace: whether a bundle that is there may be replaced.
        history: Markdown for the card, on how the model was chosen.

    Raises:
        ConvertError: `destination` is in the way, or `data` is not what the run was trained on.
        RunError: `run` is not finished.
        DataError: pictures that cannot be used.
        OSError: `destination` cannot be written.
    """
    name = destination.resolve().name
    if not re.fullmatch(NAME_PATTERN, name):
        raise ConvertError(f"{name!r} names no bundle: lower-case letters, digits and hyphens do.")
    if destination.exists() and not (replace and (destination / MANIFEST_FILE).is_file()):
        raise ConvertError(f"{destination}: is there already; --replace replaces a bundle.")
    destination.parent.mkdir(parents=True, exist_ok=True)
    tempfile.TemporaryFile(dir=destination.parent).close()  # fails now, not after all the work
    chosen = history.read_text(encoding="utf-8") if history else ""
    config, split, result, calibration = run.config(), run.split(), run.result(), run.calibration()
    pictures, test = open_dataset(data)
    print("checking that these are the pictures of the run")
    used = {*split.train, *split.validation}
    others = {path.as_posix() for path in pictures.paths} - used  # what an audit left out
    if content_hash(pictures.without(others)) != split.dataset_sha256:
        raise ConvertError(f"{data}: holds other pictures than the run was trained on.")
    fitting, validation = resolve(pictures, split.train), resolve(pictures, split.validation)
    model = logits_model(load(run.model_path))

    print(f"quantising with {calibration_pictures} pictures")
    sample = calibration_sample(fitting, calibration_pictures, config.seed)
    size = config.image_size
    file = quantize_int8(model, (read_picture(sample.root / path, size) for path in sample.paths))
    network = Network(file)

    measured = validation if test is None else test
    part: Literal["test", "validation"] = "validation" if test is None else "test"
    print(f"measuring on {len(measured)} {part} pictures")
    float_logits = keras_logits(model, measured, size)
    int8_logits = network_logits(network, measured)
    probabilities = softmax(int8_logits, calibration.temperature)
    manifest = Manifest(
        name=name,
        version="0" * 12,
        created=datetime.fromisoformat(result.finished),
        classes=split.classes,
        architecture=config.architecture,
        input=InputSpec(height=size, width=size),
        quantization="int8",
        model=ModelFile(sha256=hashlib.sha256(file).hexdigest(), bytes=len(file)),
        temperature=calibration.temperature,
        confidence_threshold=calibration.threshold,
        evaluation=Evaluation(
            pictures=part,
            count=len(measured),
            keras=measure(
                softmax(float_logits, calibration.temperature), measured.labels, split.classes
            ),
            bundle=measure(probabilities, measured.labels, split.classes),
            agreement=agreement(float_logits, int8_logits),
        ),
        dataset=Dataset(
            name=split.dataset,
            sha256=split.dataset_sha256,
            train=len(split.train),
            validation=len(split.validation),
            test=0 if test is None else len(test),
        ),
        toolchain=result.toolchain
        | {"tensorflow-convert": tf.__version__, "ai-edge-litert": version("ai-edge-litert")},
        training=_recipe(config, result.weights_sha256),
    )
    manifest = manifest.model_copy(update={"version": manifest.content_version()})
    print(f"writing {destination}")
    _write(
        destination,
        manifest,
        file,
        lambda to: write_card(
            to,
            manifest,
            probabilities,
            measured.labels,
            target_accuracy=calibration.target_accuracy,
            history=chosen,
        ),
    )
    return manifest


def load(path: Path) -> Any:
    """A Keras model. Raises `ConvertError` where it is none that this Keras can read."""
    try:
        return keras.models.load_model(path, compile=False)
    except (OSError, ValueError, TypeError) as error:
        raise ConvertError(
            f"{path}: is not a model that Keras {keras.__version__} can read ({error})."
        ) from error


def calibration_sample(pictures: LabelledPictures, count: int, seed: int) -> LabelledPictures:
    """`count` pictures, or all where there are fewer, drawn at random."""
    chosen = np.random.default_rng(seed).permutation(len(pictures))[:count]
    return pictures.subset(chosen.tolist())


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
        made, old = Path(workshop, "new"), Path(workshop, "old")
        made.mkdir()
        (made / MODEL_FILE).write_bytes(model)
        (made / MANIFEST_FILE).write_text(
            manifest.model_dump_json(indent=1) + "\n", encoding="utf-8"
        )
        card(made)
        Classifier(made)
        if destination.exists():
            destination.rename(old)
        shutil.move(made, destination)
