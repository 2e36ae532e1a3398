"""Versions of a model: published completely or not at all, and never changed."""

import tempfile
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from convert.registry.errors import ConflictError, RegistryError
from convert.registry.store import Store
from lambda_api.manifest import (
    MANIFEST_FILE,
    MODEL_FILE,
    BundleError,
    Manifest,
    read_bundle,
    read_manifest,
)
from lambda_api.profile import KNOWN_FILE

_TYPES = {".json": "application/json", ".md": "text/markdown; charset=utf-8", ".png": "image/png"}


@dataclass(frozen=True)
class Published:
    """Result of publishing. `new` is false if the version was already published."""

    manifest: Manifest
    new: bool


def publish(bundle: Path, store: Store) -> Published:
    """Upload a bundle as `<name>/<version>/`. The manifest is last and makes the version complete.

    Files of this version that already exist are kept. They may differ in what the version does not
    cover: the time of the training, the model card and its figures.

    Raises:
        BundleError: the folder is not a usable bundle.
        ConflictError: this version already exists with another model or manifest.
        RegistryError: a request to S3 failed. Publishing again continues with the missing files.
    """
    try:
        manifest, _ = read_bundle(bundle)
    except BundleError as error:
        raise BundleError(f"{bundle}: {error}") from error
    prefix = f"{manifest.name}/{manifest.version}"
    files = sorted(path for path in bundle.iterdir() if path.is_file())
    new = False
    for path in [p for p in files if p.name != MANIFEST_FILE] + [bundle / MANIFEST_FILE]:
        new = _create(store, f"{prefix}/{path.name}", path)
    return Published(manifest, new)


def _create(store: Store, key: str, path: Path) -> bool:
    """Upload a file unless it exists. Return whether it was uploaded."""
    content = path.read_bytes()
    try:
        store.create(key, content, _TYPES.get(path.suffix, "application/octet-stream"))
    except ConflictError as error:
        stored = store.read(key)
        if stored is None or not _same_version(path.name, stored[0], content):
            raise ConflictError(
                f"{store.address(key)} differs from {path}, and a published version is never "
                "changed. Publish under another name, or delete that version."
            ) from error
        return False
    return True


def _same_version(file: str, stored: bytes, content: bytes) -> bool:
    """Return whether a stored file belongs to the same version as `content`, the new one.

    Model and detector have to be identical, the manifest has to have the same version, and other
    files may differ.
    """
    if file != MANIFEST_FILE:
        return file not in (MODEL_FILE, KNOWN_FILE) or stored == content
    try:
        old, new = (Manifest.model_validate_json(text) for text in (stored, content))
    except ValidationError:
        return False
    return old.version == old.content_version() == new.version


def check_version(store: Store, name: str, version: str) -> Manifest:
    """Check that a version is complete and unaltered, and return its manifest.

    Raises:
        RegistryError: the version is missing, incomplete or damaged, or a request to S3 failed.
    """
    with tempfile.TemporaryDirectory() as folder:
        return _fetch(store, name, version, Path(folder))


def pull(store: Store, name: str, version: str, destination: Path) -> Manifest:
    """Download and check a version. `destination` is only created if the version is usable.

    Raises:
        RegistryError: same as `check_version`, or `destination` already exists.
        OSError: `destination` cannot be written.
    """
    if destination.exists():
        raise RegistryError(f"{destination} already exists. Choose a new folder.")
    destination.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".pull-", dir=destination.parent) as workshop:
        folder = Path(workshop, "new")
        folder.mkdir()
        manifest = _fetch(store, name, version, folder, *store.files(f"{name}/{version}/"))
        folder.rename(destination)
    return manifest


def _fetch(store: Store, name: str, version: str, folder: Path, *more: str) -> Manifest:
    """Download what serving needs and `more` files of a version, and check them."""
    address = store.address(f"{name}/{version}")

    def fetch(file: str) -> None:
        stored = store.read(f"{name}/{version}/{file}")
        if stored is None:
            raise RegistryError(
                f"{address}: the version is missing or incomplete: there is no {file}. "
                "Publish the bundle again."
            )
        (folder / file).write_bytes(stored[0])

    fetch(MANIFEST_FILE)
    try:
        for file in dict.fromkeys((*read_manifest(folder).files(), *more)):
            fetch(file)
        manifest, _ = read_bundle(folder)
    except BundleError as error:
        raise RegistryError(f"{address} is damaged: {error}") from error
    if (manifest.name, manifest.version) != (name, version):
        raise RegistryError(
            f"{address} is damaged: it contains {manifest.name} {manifest.version}."
        )
    return manifest


def versions(store: Store, name: str) -> dict[str, Manifest | None]:
    """Complete versions with their manifests, ordered by the time of their training.

    The value is None if the manifest is unreadable, because it is damaged or has another schema.
    """
    found: dict[str, Manifest | None] = {}
    for version in store.folders(f"{name}/"):
        stored = store.read(f"{name}/{version}/{MANIFEST_FILE}")
        if stored is not None:
            try:
                found[version] = Manifest.model_validate_json(stored[0])
            except ValidationError:
                found[version] = None
    return dict(sorted(found.items(), key=lambda item: str(item[1] and item[1].created)))
