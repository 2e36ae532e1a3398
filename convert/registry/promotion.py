"""Which version serves: the pointer `<name>/current`, moved at once or not at all."""

from convert.registry.errors import ConflictError, RegistryError
from convert.registry.store import Store
from convert.registry.versions import check_version
from lambda_api.manifest import BundleError
from lambda_api.promotion import CURRENT, PromotedVersion, read_promoted_version


def current(store: Store, name: str) -> PromotedVersion | None:
    """What is promoted; None where nothing is. Raises `RegistryError`."""
    found = _read(store, name)
    return found[0] if found else None


def promote(store: Store, name: str, version: str) -> PromotedVersion:
    """Let a version serve, after checking that it is complete and as it was published.

    Raises:
        ConflictError: somebody else moved the pointer in the meantime.
        RegistryError: the version cannot serve, or S3 did not do it.
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
    """Let the version serve that did before. Raises as `promote`."""
    found = _read(store, name)
    if found is None or not found[0].previous:
        raise RegistryError(f"{store.address(name)}: no version served before.")
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
        if current(store, name) == pointer:  # written, but the answer was lost and it was retried
            return pointer
        raise ConflictError(
            f"{store.address(key)}: somebody else promoted another version at the same time. "
            "See by `list` which, and promote again if it should be yours."
        ) from error
    return pointer
