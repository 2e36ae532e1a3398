"""The commands of the registry in `python -m convert`."""

import argparse
import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lambda_api.manifest import NAME_PATTERN, Manifest

if TYPE_CHECKING:
    from convert.registry.store import Store

VARIABLE = "MODEL_REGISTRY"


def add_commands(commands: Any) -> None:
    """Add publish, list, promote, rollback and pull to the subparsers of argparse."""
    publish = commands.add_parser(
        "publish",
        help="upload a bundle as a version of its model",
        description="Upload a bundle to REGISTRY/<name>/<version>/. It does not serve until it is "
        "promoted. A published version is never changed.",
    )
    publish.add_argument("bundle", type=Path, metavar="BUNDLE", help="folder of a bundle")
    _add_registry(publish, positional=True)
    publish.set_defaults(command=_publish)

    list_ = commands.add_parser("list", help="list models and their versions")
    _add_registry(list_, positional=True)
    list_.add_argument("--name", type=_name, help="only the versions of this model")
    list_.set_defaults(command=_list)

    promote = commands.add_parser(
        "promote", help="promote a version: services load it from REGISTRY/NAME/current"
    )
    promote.add_argument("name", type=_name, metavar="NAME", help="name of a model")
    promote.add_argument("version", type=_version, metavar="VERSION", help="see `list`")
    _add_registry(promote)
    promote.set_defaults(command=_promote)

    rollback = commands.add_parser("rollback", help="promote the previous version again")
    rollback.add_argument("name", type=_name, metavar="NAME", help="name of a model")
    _add_registry(rollback)
    rollback.set_defaults(command=_rollback)

    pull = commands.add_parser("pull", help="download a version (default: the promoted one)")
    pull.add_argument("name", type=_name, metavar="NAME", help="name of a model")
    pull.add_argument("version", type=_version, nargs="?", metavar="VERSION", help="see `list`")
    pull.add_argument(
        "--out", type=Path, required=True, metavar="BUNDLE", help="new folder for the bundle"
    )
    _add_registry(pull)
    pull.set_defaults(command=_pull)


def _publish(parsed: argparse.Namespace) -> int:
    from convert.registry.versions import publish

    store = _store(parsed)
    published = publish(parsed.bundle, store)
    name, version = published.manifest.name, published.manifest.version
    outcome = "was published" if published.new else "was already published, and is unchanged"
    print(f"{store.address(f'{name}/{version}')} {outcome}")
    return 0


def _list(parsed: argparse.Namespace) -> int:
    from convert.registry.promotion import current
    from convert.registry.versions import versions

    store = _store(parsed)
    for name in [parsed.name] if parsed.name else store.folders(""):
        pointer = current(store, name)
        for version, manifest in versions(store, name).items():
            promoted = pointer is not None and pointer.version == version
            print(f"{name}  {version}  {_row(manifest)}{'  current' if promoted else ''}")
    return 0


def _row(manifest: Manifest | None) -> str:
    if manifest is None:
        return "unreadable: damaged, or written by another version of the project"
    evaluation = manifest.evaluation
    return (
        f"{manifest.created:%Y-%m-%d}  {manifest.architecture} {manifest.quantization}  "
        f"{evaluation.pictures} {evaluation.bundle.accuracy:.4f}"
    )


def _promote(parsed: argparse.Namespace) -> int:
    from convert.registry.promotion import promote

    pointer = promote(_store(parsed), parsed.name, parsed.version)
    print(f"{parsed.name}: {pointer.version} is current")
    return 0


def _rollback(parsed: argparse.Namespace) -> int:
    from convert.registry.promotion import rollback

    pointer = rollback(_store(parsed), parsed.name)
    print(f"{parsed.name}: {pointer.version} is current again")
    return 0


def _pull(parsed: argparse.Namespace) -> int:
    from convert.registry.errors import RegistryError
    from convert.registry.promotion import current
    from convert.registry.versions import pull

    store, version = _store(parsed), parsed.version
    if version is None:
        pointer = current(store, parsed.name)
        if pointer is None:
            raise RegistryError(
                f"{store.address(parsed.name)}: no version is promoted. Name one of those that "
                "`list` shows."
            )
        version = pointer.version
    manifest = pull(store, parsed.name, version, parsed.out)
    print(f"{parsed.out}: {manifest.name} {manifest.version}")
    return 0


def _store(parsed: argparse.Namespace) -> "Store":
    from convert.registry.errors import RegistryError
    from convert.registry.store import Store

    if not parsed.registry:
        raise RegistryError(f"No registry: pass an s3:// address or set {VARIABLE}.")
    return Store.at(parsed.registry)


def _add_registry(parser: argparse.ArgumentParser, *, positional: bool = False) -> None:
    options: dict[str, Any] = {
        "metavar": "REGISTRY",
        "default": os.environ.get(VARIABLE),
        "help": f"s3://bucket/prefix (default: {VARIABLE})",
    }
    if positional:
        parser.add_argument("registry", nargs="?", **options)
    else:
        parser.add_argument("--registry", **options)


def _name(text: str) -> str:
    if not re.fullmatch(NAME_PATTERN, text):
        raise argparse.ArgumentTypeError(
            f"{text!r} is not a model name: use lower-case letters, digits and hyphens"
        )
    return text


def _version(text: str) -> str:
    if not re.fullmatch("[0-9a-f]{12}", text):
        raise argparse.ArgumentTypeError(
            f"{text!r} is not a version (12 hex digits); `list` shows them"
        )
    return text
