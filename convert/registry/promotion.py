"""Promotion: the pointer `<name>/current` to the version that serves. Updates are atomic."""

from convert.registry.errors import ConflictError, RegistryError
from convert.registry.store import Store
from convert.registry.versions import check_version
from lambda_api.manifest import BundleError
from lambda_api.promotion import CURRENT, PromotedVersion, read_promoted_version


def current(store: Store, name: str) -> PromotedVersion | None:
    """Promoted version; None if no version is promoted. Raises `RegistryError`."""
    found = _read(store, name)
    return found[0] if found else None


def promote(store: Store, name: str, version: str) -> PromotedVersion:
    """Promote a version, after checking that it is complete and unaltered.

    Raises:
        ConflictError: another client promoted a version at the same time.
        RegistryError: the version is unusable, or the request to S3 failed.
    """
    check_version(store, name, version)
    found = _read(store, name)
    if found is None:
        return _write(store, name, PromotedVersion(version=version), etag=None)
    pointer, etag = found
    if pointer.version == version:
        return pointer
    return _write(store, name, pointer.promoted(version), etag)


def rollback(store: Store, name: str) -> PromotedVersion:
    """Promote the previous version again. Raises the same errors as `promote`."""
    found = _read(store, name)
    if found is None or not found[0].previous:
        raise RegistryError(f"{store.address(name)}: there is no previous version to roll back to.")
    pointer, etag = found
    check_version(store, name, pointer.previous[0])
    return _write(store, name, pointer.rolled_back(), etag)


def _read(store: Store, name: str) -> tuple[PromotedVersion, str] | None:
    stored = store.read(f"{name}/{CURRENT}")
    if stored is None:
        return None
    try:
        return read_promoted_version(stored[0]), stored[1]
    except BundleError as error:
        raise RegistryError(f"{store.address(f'{name}/{CURRENT}')}: {error}") from error


def _write(store: Store, name: str, pointer: PromotedVersion, etag: str | None) -> PromotedVersion:
    key, content = f"{name}/{CURRENT}", f"{pointer.model_dump_json()}\n".encode()
    try:
        if etag is None:
            store.create(key, content, "application/json")
        else:
            store.replace(key, content, "application/json", etag)
    except ConflictError as error:
        if current(store, name) == pointer:  # the write succeeded, but its response was lost
            return pointer
        raise ConflictError(
            f"{store.address(key)}: another client promoted another version at the same time. "
            "Run `list` to see which, then promote again if yours should serve."
        ) from error
    return pointer
