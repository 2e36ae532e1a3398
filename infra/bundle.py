"""Check of the bundle that is built into the image."""

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from infra.errors import InfraError


class BundleCheckError(InfraError):
    """The bundle is incomplete or damaged. The message names the file and what to do."""


@dataclass(frozen=True)
class BundleFacts:
    """Parts of a manifest that the stack uses.

    Attributes:
        name: name of the model.
        class_mix: number of validation pictures by predicted class; before manifest schema 3, of
            the pictures of the evaluation.
        confidences: number of validation pictures by confidence, in bins of equal width; empty
            before manifest schema 3.
    """

    name: str
    class_mix: dict[str, int]
    confidences: tuple[int, ...] = ()


def check_bundle(folder: Path) -> BundleFacts:
    """Compare the files with the SHA-256 in the manifest, before the deployment.

    The service checks the SHA-256 and the rest of the manifest when it starts.

    Raises:
        BundleCheckError: a file is missing, the manifest is not valid, or the SHA-256 differs.
    """
    manifest_file = folder / "manifest.json"
    try:
        manifest = json.loads(manifest_file.read_bytes())
        validation = manifest.get("validation") or {}
        facts = BundleFacts(
            str(manifest["name"]),
            _class_mix(manifest),
            tuple(validation.get("confidence_histogram", ())),
        )
        files = {"model.tflite": manifest["model"]["sha256"]}
        if known := manifest.get("known"):  # the detector of unknown pictures
            files[known["file"]] = known["sha256"]
        actual = {file: hashlib.sha256((folder / file).read_bytes()).hexdigest() for file in files}
    except OSError as error:
        raise BundleCheckError(
            f"{error.filename}: {error.strerror}. A bundle has manifest.json and the files that it "
            "names. Choose one with -c bundle=models/NAME."
        ) from error
    except (ValueError, KeyError, TypeError) as error:
        raise BundleCheckError(
            f"{manifest_file} is not a bundle's manifest. Create a bundle with `python -m convert "
            "bundle`."
        ) from error
    for file, expected in files.items():
        if actual[file] != expected:
            raise BundleCheckError(
                f"{folder / file}: the SHA-256 is {actual[file]}, but the manifest declares "
                f"{expected}. Check the bundle out again, or create it again with "
                "`python -m convert bundle`."
            )
    return facts


def _class_mix(manifest: dict[str, Any]) -> dict[str, int]:
    if validation := manifest.get("validation"):
        return {label: validation["predicted"].get(label, 0) for label in manifest["classes"]}
    columns = zip(*manifest["evaluation"]["bundle"]["confusion"], strict=True)
    return dict(zip(manifest["classes"], map(sum, columns), strict=True))
