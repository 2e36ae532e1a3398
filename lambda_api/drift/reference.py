"""The predictions that drift is measured against, from the manifest of a bundle."""

from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Literal

from lambda_api.manifest import MANIFEST_FILE, Manifest, read_manifest
from lambda_api.s3_bundle import S3, download, locate

# Bounds of the bins of the confidence; wide ones, as the index of empty bins depends on chance.
EDGES = (0.0, 0.5, 0.7, 0.8, 0.9, 0.95, 1.0)


@dataclass(frozen=True)
class Reference:
    """Predictions of a model for the pictures that it was evaluated on.

    Attributes:
        model: name and version of the model.
        part: the pictures: "validation" or "test".
        classes: number of pictures by predicted class.
        edges: bounds of the bins of the confidence, ascending from 0 to 1; empty if the manifest
            has no reference for the confidence.
        confidences: number of pictures in each bin, without its lower bound and with its upper.
        unknown: number of pictures that are not known; None if the model does not tell.
    """

    model: str
    part: Literal["validation", "test"]
    classes: dict[str, int]
    edges: tuple[float, ...] = ()
    confidences: tuple[int, ...] = ()
    unknown: int | None = None


def reference_of(manifest: Manifest) -> Reference:
    """Return the reference in a manifest.

    A manifest before schema 3 has only the classes, of the pictures of its evaluation.
    """
    model, evaluation = f"{manifest.name} {manifest.version}", manifest.evaluation
    if validation := manifest.validation:
        unknown, histogram = validation.unknown, validation.confidence_histogram
        bounds = [round(edge * len(histogram)) for edge in EDGES]
        return Reference(
            model=model,
            part="validation",
            classes={label: validation.predicted.get(label, 0) for label in manifest.classes},
            edges=EDGES,
            confidences=tuple(sum(histogram[low:high]) for low, high in pairwise(bounds)),
            unknown=None if unknown is None else round(unknown * validation.pictures),
        )
    columns = zip(*evaluation.bundle.confusion, strict=True)
    return Reference(
        model=model,
        part=evaluation.pictures,
        classes=dict(zip(manifest.classes, map(sum, columns), strict=True)),
    )


def manifest_at(uri: str) -> Manifest:
    """Read the manifest of a bundle at a value of MODEL_URI.

    Args:
        uri: a folder, s3://bucket/prefix, or s3://bucket/registry/name/current.

    Raises:
        BundleError: the manifest cannot be read or is not valid.
    """
    if not uri.startswith(S3):
        return read_manifest(Path(uri))
    bucket, prefix = locate(uri)
    with TemporaryDirectory() as folder:
        download(bucket, prefix, MANIFEST_FILE, Path(folder))
        return read_manifest(Path(folder))
