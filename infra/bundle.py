"""The bundle that is baked in: is it there, and is it whole?"""

import hashlib
import json
from pathlib import Path

from infra.errors import InfraError


class BundleError(InfraError):
    """The bundle is not what its manifest says; the message names the file and what to do."""


def check_bundle(folder: Path) -> str:
    """Compare the model file with the SHA-256 in the manifest, before anything is deployed.

    The service checks the same at its start, and much more of the manifest.

    Returns:
        The model's name.

    Raises:
        BundleError: a file is missing, the manifest is not one, or the hash differs.
    """
    manifest_file, model_file = folder / "manifest.json", folder / "model.tflite"
    try:
        manifest = json.loads(manifest_file.read_bytes())
        name, expected = str(manifest["name"]), manifest["model"]["sha256"]
        found = hashlib.sha256(model_file.read_bytes()).hexdigest()
    except OSError as error:
        raise BundleError(
            f"{error.filename}: {error.strerror}. A bundle holds manifest.json and model.tflite; "
            "name one by -c bundle=models/NAME."
        ) from error
    except (ValueError, KeyError, TypeError) as error:
        raise BundleError(
            f"{manifest_file}: not a bundle's manifest. Make it by `python -m convert bundle`."
        ) from error
    if found != expected:
        raise BundleError(
            f"{model_file}: its SHA-256 is {found}, but the manifest says {expected}. "
            "Check the bundle out again, or make it anew by `python -m convert bundle`."
        )
    return name
