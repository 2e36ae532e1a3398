"""The bundle: a folder with `model.tflite`, `manifest.json`, `MODEL_CARD.md` and its figures.

`convert` writes the manifest, everyone else reads it through `read_bundle`.
"""

import hashlib
import json
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    NonNegativeInt,
    PositiveFloat,
    PositiveInt,
    ValidationError,
    model_validator,
)

MANIFEST_FILE = "manifest.json"
MODEL_FILE = "model.tflite"
SCHEMA_VERSION = 1
NAME_PATTERN = r"^[a-z0-9][a-z0-9-]*$"

Share = Annotated[float, Field(ge=0, le=1)]
Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class BundleError(RuntimeError):
    """A bundle that cannot be served; the message says why, without the path of its folder."""


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class InputSpec(_Part):
    """The model's input: uint8 RGB of shape (1, height, width, 3), values 0..255."""

    height: PositiveInt
    width: PositiveInt
    dtype: Literal["uint8"] = "uint8"


class ModelFile(_Part):
    """The model file by content."""

    sha256: Sha256
    bytes: PositiveInt


class ClassMetrics(_Part):
    """One class's figures, each 0..1, on `support` pictures."""

    precision: Share
    recall: Share
    f1: Share
    support: NonNegativeInt


class Metrics(_Part):
    """Figures of one model on one set of pictures, each 0..1.

    Attributes:
        calibration_error: expected calibration error (Guo et al. 2017, arXiv:1706.04599), 15 bins
            of equal width.
        confusion: pictures by true class (row) and predicted class (column).
    """

    accuracy: Share
    macro_f1: Share
    calibration_error: Share
    per_class: dict[str, ClassMetrics]
    confusion: tuple[tuple[NonNegativeInt, ...], ...]


class Evaluation(_Part):
    """The Keras model and the bundle side by side on the same pictures.

    Attributes:
        pictures: "test", or "validation" where the data has no test part.
        agreement: share of pictures that both give the same label.
    """

    pictures: Literal["test", "validation"]
    count: PositiveInt
    keras: Metrics
    bundle: Metrics
    agreement: Share


class Dataset(_Part):
    """The pictures by content; counts are pictures.

    Attributes:
        sha256: of the training and validation pictures, names and contents.
    """

    name: str
    sha256: Sha256
    train: PositiveInt
    validation: PositiveInt
    test: NonNegativeInt


class Manifest(_Part):
    """All that is known of a model.

    Attributes:
        version: first 12 hex digits of the SHA-256 of everything else but `created`: the same
            content always has the same version.
        classes: names in the order of the model's outputs.
        temperature: what logits are divided by before the softmax (Guo et al. 2017), fitted on
            validation pictures.
        confidence_threshold: an answer is `confident` at this confidence or above; chosen on
            validation pictures.
        created: when the training run ended.
    """

    schema_version: Literal[1] = 1
    name: Annotated[str, Field(pattern=NAME_PATTERN)]
    version: Annotated[str, Field(pattern=r"^[0-9a-f]{12}$")]
    created: datetime
    classes: Annotated[tuple[str, ...], Field(min_length=2)]
    architecture: str
    input: InputSpec
    quantization: Literal["int8"]
    model: ModelFile
    temperature: PositiveFloat
    confidence_threshold: Share
    evaluation: Evaluation
    dataset: Dataset
    toolchain: dict[str, str]
    training: dict[str, Any]

    @model_validator(mode="after")
    def _classes_are_unique(self) -> Self:
        if len(set(self.classes)) != len(self.classes):
            raise ValueError("a class is named twice")
        return self

    def content_version(self) -> str:
        """The version that this content should have."""
        content = self.model_dump(mode="json", exclude={"version", "created"})
        canonical = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        return hashlib.sha256(canonical.encode()).hexdigest()[:12]


def read_bundle(folder: Path) -> tuple[Manifest, bytes]:
    """The manifest and the model file of a bundle, checked against each other.

    Raises:
        BundleError: no bundle, an unreadable or altered manifest, one of a newer schema, or a model
            file that is not the one the manifest describes.
    """
    manifest = _read_manifest(folder / MANIFEST_FILE)
    try:
        model = (folder / MODEL_FILE).read_bytes()
    except OSError as error:
        raise BundleError(f"{MODEL_FILE} cannot be read ({error.strerror}).") from error
    if len(model) != manifest.model.bytes:
        raise BundleError(
            f"{MODEL_FILE} has {len(model)} bytes; the manifest says {manifest.model.bytes}."
        )
    if hashlib.sha256(model).hexdigest() != manifest.model.sha256:
        raise BundleError(f"{MODEL_FILE} is not the file that the manifest describes (SHA-256).")
    return manifest, model


def _read_manifest(path: Path) -> Manifest:
    try:
        document = json.loads(path.read_bytes())
    except OSError as error:
        raise BundleError(
            f"There is no bundle: {MANIFEST_FILE} cannot be read ({error.strerror})."
        ) from error
    except ValueError as error:
        raise BundleError(f"{MANIFEST_FILE} is not JSON ({error}).") from error
    schema = document.get("schema_version") if isinstance(document, dict) else None
    if not isinstance(schema, int):
        raise BundleError(f"{MANIFEST_FILE} is not a bundle's manifest (no schema_version).")
    if schema > SCHEMA_VERSION:
        raise BundleError(
            f"{MANIFEST_FILE} has schema {schema}; this service reads up to {SCHEMA_VERSION}."
        )
    try:
        manifest = Manifest.model_validate(document)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise BundleError(f"{MANIFEST_FILE} is not valid ({where}: {first['msg']}).") from error
    if manifest.version != manifest.content_version():
        raise BundleError(f"{MANIFEST_FILE} was altered: its content does not have its version.")
    return manifest
