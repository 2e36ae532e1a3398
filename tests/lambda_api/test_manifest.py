"""Bundles and their manifests."""

import json
import shutil
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from lambda_api.__main__ import main
from lambda_api.manifest import (
    MANIFEST_FILE,
    MODEL_FILE,
    SCHEMA_VERSION,
    BundleError,
    Manifest,
    read_bundle,
)
from tests.conftest import ROOT
from tests.lambda_api.pictures import sha256


def test_project_bundle_matches_its_manifest(bundle: Path) -> None:
    manifest, model = read_bundle(bundle)

    assert manifest.name == bundle.name
    assert len(model) == manifest.model.bytes
    assert sha256(model) == manifest.model.sha256
    assert set(manifest.evaluation.bundle.per_class) == set(manifest.classes)


def test_a_manifest_read_back_is_the_same(bundle: Path) -> None:
    manifest, _ = read_bundle(bundle)
    assert Manifest.model_validate_json(manifest.model_dump_json()) == manifest


def test_the_version_follows_the_content_and_not_the_clock(bundle: Path) -> None:
    manifest, _ = read_bundle(bundle)
    later = manifest.model_copy(update={"created": datetime(2030, 1, 1, tzinfo=UTC)})

    other = manifest.model_copy(update={"temperature": manifest.temperature * 2})

    assert later.content_version() == manifest.version
    assert other.content_version() != manifest.version


def _edit(**fields: Any) -> Callable[[Path], None]:
    def edit(folder: Path) -> None:
        path = folder / MANIFEST_FILE
        path.write_text(json.dumps(json.loads(path.read_bytes()) | fields))

    return edit


def _write(text: str | bytes) -> Callable[[Path], None]:
    data = text.encode() if isinstance(text, str) else text
    return lambda folder: (folder / MANIFEST_FILE).write_bytes(data) and None


def _change_a_byte_of_the_model(folder: Path) -> None:
    data = bytearray((folder / MODEL_FILE).read_bytes())
    data[len(data) // 2] ^= 1
    (folder / MODEL_FILE).write_bytes(data)


def _cut_the_model(folder: Path) -> None:
    data = (folder / MODEL_FILE).read_bytes()
    (folder / MODEL_FILE).write_bytes(data[:-1])


def _manifest_is_a_folder(folder: Path) -> None:
    (folder / MANIFEST_FILE).unlink()
    (folder / MANIFEST_FILE).mkdir()


UNUSABLE: dict[str, tuple[Callable[[Path], object], str]] = {
    "no folder": (shutil.rmtree, "No bundle found: manifest.json cannot be read"),
    "no manifest": (lambda f: (f / MANIFEST_FILE).unlink(), "No bundle found"),
    "manifest is a folder": (_manifest_is_a_folder, "Is a directory"),
    "no model file": (lambda f: (f / MODEL_FILE).unlink(), "model.tflite cannot be read"),
    "empty manifest": (_write(""), "is not JSON"),
    "manifest cut off": (_write('{"schema_version": 1, "na'), "is not JSON"),
    "manifest not UTF-8": (_write(b'{"name": "\xff\xfe"}'), "is not JSON"),
    "manifest is a list": (_write("[1]"), "is not a bundle's manifest"),
    "foreign JSON": (_write('{"name": "page", "version": "1.0.0"}'), "is not a bundle's manifest"),
    "schema is text": (_edit(schema_version="1"), "is not a bundle's manifest"),
    "newer schema": (
        _edit(schema_version=SCHEMA_VERSION + 1, news=[]),
        f"has schema version {SCHEMA_VERSION + 1}, but this service reads 2 and {SCHEMA_VERSION}",
    ),
    "schema 0": (_edit(schema_version=0), "has schema version 0, but this service reads"),
    "only a schema": (_write('{"schema_version": 2}'), "is not valid .name: Field required"),
    "unknown field": (_edit(notes="mine"), "is not valid .notes"),
    "one class": (_edit(classes=["sea"]), "is not valid .classes"),
    "a class twice": (_edit(classes=["sea", "sea"]), "class names must be unique"),
    "temperature 0": (_edit(temperature=0), "is not valid .temperature"),
    "another dtype": (
        _edit(input={"height": 150, "width": 150, "dtype": "int8"}),
        "is not valid .input.dtype",
    ),
    "altered temperature": (_edit(temperature=0.123), "was altered"),
    "altered classes": (_edit(classes=list("abcdef")), "was altered"),
    "altered version": (_edit(version="0" * 12), "was altered"),
    "cut model file": (_cut_the_model, r"has \d+ bytes, but the manifest declares \d+"),
    "altered model file": (_change_a_byte_of_the_model, "SHA-256 of model.tflite does not match"),
}


@pytest.mark.parametrize("case", UNUSABLE)
def test_unusable_bundle_is_rejected_with_a_reason(case: str, bundle: Path, tmp_path: Path) -> None:
    spoil, reason = UNUSABLE[case]
    folder = tmp_path / "bundle"
    shutil.copytree(bundle, folder)
    spoil(folder)

    with pytest.raises(BundleError, match=reason) as caught:
        read_bundle(folder)

    assert str(tmp_path) not in str(caught.value)  # /health shows the message to everyone


SCHEMA = ROOT / "docs" / "manifest.schema.json"


def test_committed_schema_is_current(capsys: pytest.CaptureFixture[str]) -> None:
    """Run `make schema` if this fails."""
    assert main(["manifest-schema"]) == 0
    assert SCHEMA.read_text(encoding="utf-8") == capsys.readouterr().out


def test_committed_schema_rejects_other_documents(bundle: Path) -> None:
    validator = Draft202012Validator(json.loads(SCHEMA.read_bytes()))

    document = json.loads((bundle / MANIFEST_FILE).read_bytes())

    assert validator.is_valid(document)
    for field in ("gate", "version", "classes", "quantization"):
        assert not validator.is_valid({k: v for k, v in document.items() if k != field})
    assert not validator.is_valid(document | {"quantization": "int4"})
    assert not validator.is_valid(document | {"notes": "mine"})
