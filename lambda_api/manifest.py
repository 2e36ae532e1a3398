"""The bundle: a folder with `model.tflite`, `manifest.json`, `MODEL_CARD.md` and its figures.

`convert` writes the manifest, everyone else reads it through `read_bundle`.
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

from lambda_api.evaluation import Evaluation, Gate, Part, Share

MANIFEST_FILE = "manifest.json"
MODEL_FILE = "model.tflite"
SCHEMA_VERSION = 2
NAME_PATTERN = r"^[a-z0-9][a-z0-9-]*$"

Scheme = Literal["float32", "float16", "dynamic", "int8", "int16x8"]

Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
Version = Annotated[str, Field(pattern=r"^[0-9a-f]{12}$")]


class BundleError(RuntimeError):
    """A bundle that cannot be served; the message says why, without the path of its folder."""


class InputSpec(Part):
    """The model's input: RGB of shape (1, height, width, 3), values 0..255 whatever the dtype."""

    height: PositiveInt
    width: PositiveInt
    dtype: Literal["uint8", "float32"]


class ModelFile(Part):
    """The model file by content."""

    sha256: Sha256
    bytes: PositiveInt


class Dataset(Part):
    """The pictures by content; counts are pictures.

    Attributes:
        sha256: of the training and validation pictures, names and contents.
    """

    name: str
    sha256: Sha256
    train: PositiveInt
    validation: PositiveInt
    test: NonNegativeInt


class Manifest(Part):
    """All that is known of a model.

    Attributes:
        version: first 12 hex digits of the SHA-256 of everything else but `created`: the same
            content always has the same version.
        classes: names in the order of the model's outputs.
        calibration_pictures: training pictures that showed the range of the activations; 0 where
            these are not quantised.
        temperature: what logits are divided by before the softmax (Guo et al. 2017), fitted on
            validation pictures.
        confidence_threshold: an answer is `confident` at this confidence or above; chosen on
            validation pictures.
        gate: what the bundle had to keep of the Keras model before it was written.
        created: when the training run ended.
    """

    schema_version: Literal[2] = 2
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
    if schema != SCHEMA_VERSION:
        raise BundleError(
            f"{MANIFEST_FILE} has schema {schema}; this service reads {SCHEMA_VERSION}. "
            "Convert and serve with the same version of the project."
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
