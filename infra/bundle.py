"""Check of the bundle that is built into the image."""

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path

from infra.errors import InfraError


class BundleCheckError(InfraError):
    """The bundle is incomplete or damaged. The message names the file and what to do."""


@dataclass(frozen=True)
class BundleFacts:
    """Parts of a manifest that the stack uses.

    Attributes:
        name: name of the model.
        class_mix: number of pictures of the evaluation that were classified as each class.
    """

    name: str
    class_mix: dict[str, int]


def check_bundle(folder: Path) -> BundleFacts:
    """Compare the model file with the SHA-256 in the manifest, before the deployment.

    The service checks the SHA-256 and the rest of the manifest when it starts.

    Raises:
        BundleCheckError: a file is missing, the manifest is not valid, or the SHA-256 differs.
    """
    manifest_file, model_file = folder / "manifest.json", folder / "model.tflite"
    try:
        manifest = json.loads(manifest_file.read_bytes())
        expected = manifest["model"]["sha256"]
        columns = zip(*manifest["evaluation"]["bundle"]["confusion"], strict=True)
        class_mix = dict(zip(manifest["classes"], map(sum, columns), strict=True))
        facts = BundleFacts(str(manifest["name"]), class_mix)
        actual = hashlib.sha256(model_file.read_bytes()).hexdigest()
    except OSError as error:
        raise BundleCheckError(
            f"{error.filename}: {error.strerror}. A bundle has manifest.json and model.tflite. "
            "Choose one with -c bundle=models/NAME."
        ) from error
    except (ValueError, KeyError, TypeError) as error:
        raise BundleCheckError(
            f"{manifest_file} is not a bundle's manifest. Create a bundle with `python -m convert "
            "bundle`."
        ) from error
    if actual != expected:
        raise BundleCheckError(
            f"{model_file}: the SHA-256 is {actual}, but the manifest declares {expected}. "
            "Check the bundle out again, or create it again with `python -m convert bundle`."
        )
    return facts
