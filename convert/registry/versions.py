"""Versions of a model: published once, complete or not there, and never changed."""

import tempfile
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from convert.registry.errors import ConflictError, RegistryError
from convert.registry.store import Store
from lambda_api.manifest import MANIFEST_FILE, MODEL_FILE, BundleError, Manifest, read_bundle

_TYPES = {".json": "application/json", ".md": "text/markdown; charset=utf-8", ".png": "image/png"}


@dataclass(frozen=True)
class Published:
    """What became of publishing: `new` is false where the version was there already."""

    manifest: Manifest
    new: bool


def publish(bundle: Path, store: Store) -> Published:
    """Upload a bundle as `<name>/<version>/`; the manifest last, which makes it complete.

    What is there of this version stays, and may differ in what the version does not cover: the time
    of the training, the card and its figures.

    Raises:
        BundleError: the folder holds no usable bundle.
        ConflictError: another model or manifest is there under this version.
        RegistryError: S3 did not do it. What it did is used when the bundle is published again.
    """
    try:
        manifest, _ = read_bundle(bundle)
    except BundleError as error:
        raise BundleError(f"{bundle}: {error}") from error
    where = f"{manifest.name}/{manifest.version}"
    files = sorted(path for path in bundle.iterdir() if path.is_file())
    new = False
    for path in [p for p in files if p.name != MANIFEST_FILE] + [bundle / MANIFEST_FILE]:
        new = _create(store, f"{where}/{path.name}", path)
    return Published(manifest, new)


def _create(store: Store, key: str, path: Path) -> bool:
    """Whether the file was written; false where it was there."""
    content = path.read_bytes()
    try:
        store.create(key, content, _TYPES.get(path.suffix, "application/octet-stream"))
    except ConflictError as error:
        there = store.read(key)
        if there is None or not _same_version(path.name, there[0], content):
            raise ConflictError(
                f"{store.address(key)} holds something else than {path}, and a version is never "
                "changed. Publish under another name, or remove that version."
            ) from error
        return False
    return True


def _same_version(file: str, there: bytes, content: bytes) -> bool:
    """Whether a file that is there is what it has to be of the version that `content` is of."""
    if file != MANIFEST_FILE:
        return file != MODEL_FILE or there == content
    try:
        stored, made = (Manifest.model_validate_json(text) for text in (there, content))
    except ValidationError:
        return False
    return stored.version == stored.content_version() == made.version


def check_version(store: Store, name: str, version: str) -> Manifest:
    """The manifest of a version that is complete and of which nothing was altered.

    Raises:
        RegistryError: it is not there, not complete, or not what its manifest says.
    """
    with tempfile.TemporaryDirectory() as folder:
        return _fetch(store, name, version, Path(folder))


def pull(store: Store, name: str, version: str, destination: Path) -> Manifest:
    """Download a version into the new folder `destination`, checked, or leave nothing there.

    Raises:
        RegistryError: as `check_version`, or `destination` is there.
        OSError: it cannot be written.
    """
    if destination.exists():
        raise RegistryError(f"{destination}: is there already; name a new folder.")
    destination.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".pull-", dir=destination.parent) as workshop:
        made = Path(workshop, "new")
        made.mkdir()
        manifest = _fetch(store, name, version, made, *store.files(f"{name}/{version}/"))
        made.rename(destination)
    return manifest


def _fetch(store: Store, name: str, version: str, folder: Path, *more: str) -> Manifest:
    """Download what makes a version complete, and `more` of its files."""
    address = store.address(f"{name}/{version}")
    for file in {MANIFEST_FILE: None, MODEL_FILE: None} | dict.fromkeys(more):
        found = store.read(f"{name}/{version}/{file}")
        if found is None:
            raise RegistryError(
                f"{address}: is not complete, or is not there: {file} is missing. "
                "Publish it (again)."
            )
        (folder / file).write_bytes(found[0])
    try:
        manifest, _ = read_bundle(folder)
    except BundleError as error:
        raise RegistryError(f"{address}: is damaged. {error}") from error
    if (manifest.name, manifest.version) != (name, version):
        raise RegistryError(
            f"{address}: is damaged. It holds {manifest.name} {manifest.version} instead."
        )
    return manifest


def versions(store: Store, name: str) -> dict[str, Manifest | None]:
    """The complete versions with their manifests, by the time of their training.

    None stands for a manifest that cannot be read: a damaged one, or one of another schema.
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
