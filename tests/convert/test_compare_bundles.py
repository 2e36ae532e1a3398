"""Comparison of two bundles. tests/e2e/test_round.py has a better and a worse one."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from convert.__main__ import main
from lambda_api.manifest import MANIFEST_FILE, Manifest


@pytest.fixture
def changed(small_bundle: Path, tmp_path: Path) -> Callable[..., Path]:
    """Return a function that copies the small bundle with other options of its training."""

    def copy(**options: Any) -> Path:
        folder = tmp_path / "changed"
        shutil.copytree(small_bundle, folder)
        manifest = Manifest.model_validate_json((folder / MANIFEST_FILE).read_bytes())
        manifest = manifest.model_copy(update={"training": manifest.training | options})
        manifest = manifest.model_copy(update={"version": manifest.content_version()})
        (folder / MANIFEST_FILE).write_text(manifest.model_dump_json(), encoding="utf-8")
        return folder

    return copy


def compare(*folders: Path, data: Path) -> int:
    return main(["compare", *map(str, folders), "--data", str(data)])


def test_a_bundle_is_not_better_than_itself(
    small_bundle: Path, crops: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert compare(small_bundle, small_bundle, data=crops) == 3

    printed = capsys.readouterr()
    assert "On 15 validation pictures, and on the corrections" in printed.out
    assert "neither the corrections nor the accuracy improve" in printed.err


@pytest.mark.parametrize("options", [{"seed": 1}, {"validation_fraction": 0.25}])
def test_bundles_with_other_validation_pictures_are_rejected(
    small_bundle: Path,
    changed: Callable[..., Path],
    crops: Path,
    options: dict[str, float],
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert compare(small_bundle, changed(**options), data=crops) == 2
    assert "Train both with the same --seed and --validation-fraction" in capsys.readouterr().err


def test_validation_part_that_the_bundles_may_have_been_trained_on_is_rejected(
    small_bundle: Path, crops: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copytree(crops / "train", tmp_path / "data" / "train")
    shutil.copytree(crops / "train", tmp_path / "data" / "validation")

    assert compare(small_bundle, small_bundle, data=tmp_path / "data") == 2
    assert "a model may have been trained on them" in capsys.readouterr().err


def test_other_classes_are_rejected(
    small_bundle: Path, bundle: Path, crops: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert compare(small_bundle, bundle, data=crops) == 2
    assert "Only models and data with the same classes can be compared" in capsys.readouterr().err


def test_wrong_folders_are_rejected(
    small_bundle: Path, crops: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert compare(small_bundle, tmp_path, data=crops) == 2
    assert "Compare either runs or bundles, not both" in capsys.readouterr().err
    assert compare(small_bundle, small_bundle, small_bundle, data=crops) == 2
    assert "Pass two bundles, OLD and NEW, not 3" in capsys.readouterr().err
