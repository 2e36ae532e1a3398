"""The bundle: a folder with a model file, `manifest.json`, `MODEL_CARD.md` and its figures.

`convert` writes bundles. Everything else reads them with `read_bundle`.
"""

import hashlib
import json
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import (
    Field,
    NonNegativeInt,
    PositiveFloat,
    PositiveInt,
    ValidationError,
    model_validator,
)

from lambda_api.evaluation import Evaluation, Gate, ManifestSection, Share
from lambda_api.profile import ConfidenceThreshold, Known, Refit, Sha256, Teacher, Validation

MANIFEST_FILE = "manifest.json"
MODEL_FILE = "model.tflite"
SCHEMA_VERSION = 3  # of new bundles
READABLE_SCHEMAS = (2, 3)
SINCE_3 = ("known", "confidence", "validation", "refit", "teachers")
_SINCE_3: dict[str, Any] = {
    **dict.fromkeys(SINCE_3, True),
    "gate": {"known_acceptance": True, "thresholds": {"max_acceptance_drop": True}},
}
NAME_PATTERN = r"^[a-z0-9][a-z0-9-]*$"

Scheme = Literal["float32", "float16", "dynamic", "int8", "int16x8"]

Version = Annotated[str, Field(pattern=r"^[0-9a-f]{12}$")]


class BundleError(RuntimeError):
    """A bundle that cannot be served. The message does not contain the path of its folder."""


class InputSpec(ManifestSection):
    """The model's input: RGB, shape (1, height, width, 3), values 0..255 for both dtypes."""

    height: PositiveInt
    width: PositiveInt
    dtype: Literal["uint8", "float32"]


class ModelFile(ManifestSection):
    """Hash and size of the model file."""

    sha256: Sha256
    bytes: PositiveInt


class Dataset(ManifestSection):
    """The dataset. `train`, `validation` and `test` are numbers of pictures.

    Attributes:
        sha256: hash of the names and contents of the training and validation pictures.
    """

    name: str
    sha256: Sha256
    train: PositiveInt
    validation: PositiveInt
    test: NonNegativeInt


class Manifest(ManifestSection):
    """Description of a model: input, classes, evaluation and origin.

    Attributes:
        version: first 12 hex digits of the SHA-256 of all other fields except `created`. The same
            content always has the same version.
        created: end of the training run.
        classes: names in the order of the model's outputs.
        calibration_pictures: number of training pictures used to calibrate the range of the
            activations; 0 if activations are not quantized.
        temperature: divisor of the logits before the softmax (Guo et al. 2017), fitted on
            validation pictures.
        confidence_threshold: a prediction is `confident` if its confidence is at least this;
            chosen on validation pictures.
        gate: results of the conversion gate.
        known: detector of pictures that are unlike the training pictures; None if the model has
            none, as before schema version 3.
        confidence: origin of the confidence threshold; None before schema version 3.
        validation: the bundle on the validation pictures; None before schema version 3.
        refit: the run that was repeated; None if the model is not a refit.
        teachers: the runs whose predictions the model learned.
    """

    schema_version: Literal[2, 3] = 3
    name: Annotated[str, Field(pattern=NAME_PATTERN)]
    version: Version
    created: datetime
    classes: Annotated[tuple[str, ...], Field(min_length=2)]
    architecture: str
    input: InputSpec
    quantization: Scheme
    calibration_pictures: NonNegativeInt
    model: ModelFile
    temperature: PositiveFloat
    confidence_threshold: Share
    evaluation: Evaluation
    gate: Gate
    dataset: Dataset
    toolchain: dict[str, str]
    training: dict[str, Any]
    known: Known | None = None
    confidence: ConfidenceThreshold | None = None
    validation: Validation | None = None
    refit: Refit | None = None
    teachers: tuple[Teacher, ...] = ()

    @model_validator(mode="after")
    def _classes_are_unique(self) -> Self:
        if len(set(self.classes)) != len(self.classes):
            raise ValueError("class names must be unique")
        return self

    @model_validator(mode="after")
    def _schema_has_the_fields(self) -> Self:
        if self.schema_version < SCHEMA_VERSION:
            for name in SINCE_3:
                if getattr(self, name):
                    raise ValueError(f"schema version {self.schema_version} has no field {name!r}")
        return self

    def files(self) -> tuple[str, ...]:
        """Return the names of the files, besides the manifest, that serving needs."""
        return (MODEL_FILE, self.known.file) if self.known else (MODEL_FILE,)

    def content_version(self) -> str:
        """Return the version that belongs to this content."""
        newer = _SINCE_3 if self.schema_version < SCHEMA_VERSION else {}
        content = self.model_dump(mode="json", exclude={"version": True, "created": True, **newer})
        canonical = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        return hashlib.sha256(canonical.encode()).hexdigest()[:12]


def read_bundle(folder: Path) -> tuple[Manifest, bytes]:
    """Read the manifest and the model file of a bundle, and check all files that serving needs.

    Raises:
        BundleError: the folder has no bundle, the manifest is unreadable, altered or of another
            schema version, or a file does not match the manifest.
    """
    manifest = read_manifest(folder)
    try:
        model = (folder / MODEL_FILE).read_bytes()
    except OSError as error:
        raise BundleError(f"{MODEL_FILE} cannot be read ({error.strerror}).") from error
    if len(model) != manifest.model.bytes:
        raise BundleError(
            f"{MODEL_FILE} has {len(model)} bytes, but the manifest declares "
            f"{manifest.model.bytes}."
        )
    if hashlib.sha256(model).hexdigest() != manifest.model.sha256:
        raise BundleError(f"The SHA-256 of {MODEL_FILE} does not match the manifest.")
    if manifest.known:
        _check_parameters(folder, manifest.known)
    return manifest, model


def _check_parameters(folder: Path, known: Known) -> None:
    try:
        content = (folder / known.file).read_bytes()
    except OSError as error:
        raise BundleError(f"{known.file} cannot be read ({error.strerror}).") from error
    if hashlib.sha256(content).hexdigest() != known.sha256:
        raise BundleError(f"The SHA-256 of {known.file} does not match the manifest.")


def read_manifest(folder: Path) -> Manifest:
    """Read the manifest of a bundle.

    Raises:
        BundleError: the manifest is missing, unreadable, altered or of another schema version.
    """
    try:
        document = json.loads((folder / MANIFEST_FILE).read_bytes())
    except OSError as error:
        raise BundleError(
            f"No bundle found: {MANIFEST_FILE} cannot be read ({error.strerror})."
        ) from error
    except ValueError as error:
        raise BundleError(f"{MANIFEST_FILE} is not JSON ({error}).") from error
    schema = document.get("schema_version") if isinstance(document, dict) else None
    if not isinstance(schema, int):
        raise BundleError(f"{MANIFEST_FILE} is not a bundle's manifest: it has no schema_version.")
    if schema not in READABLE_SCHEMAS:
        readable = " and ".join(map(str, READABLE_SCHEMAS))
        raise BundleError(
            f"{MANIFEST_FILE} has schema version {schema}, but this service reads {readable}. "
            "Convert and serve with the same version of the project."
        )
    try:
        manifest = Manifest.model_validate(document)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise BundleError(f"{MANIFEST_FILE} is not valid ({where}: {first['msg']}).") from error
    if manifest.version != manifest.content_version():
        raise BundleError(f"{MANIFEST_FILE} was altered: its version does not match its content.")
    return manifest
