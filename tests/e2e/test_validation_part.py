"""A data set with a validation part, from training to the bundle."""

import json
import shutil
from pathlib import Path

import pytest

from convert.__main__ import main as convert
from tests.small_line import SMALL_NETWORK
from training.__main__ import main as training
from training.run.folder import Run


@pytest.fixture(scope="module")
def data(crops: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Training, Valid and Testing in a wrapping folder; Valid has 8 of the 24 pictures a class."""
    root = tmp_path_factory.mktemp("photos")
    shutil.copytree(crops / "train", root / "photos" / "Training")
    shutil.copytree(crops / "test", root / "photos" / "Testing")
    for path in sorted((root / "photos" / "Training").rglob("*.jpg"))[::3]:
        target = root / "photos" / "Valid" / path.parent.name / path.name
        target.parent.mkdir(parents=True, exist_ok=True)
        path.rename(target)
    shutil.copytree(crops / "test" / "coffee", root / "__MACOSX" / "coffee")
    return root


def test_a_validation_part_is_used_from_training_to_the_bundle(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = Run(tmp_path / "run")
    command = ["train", str(data), str(run.folder), *SMALL_NETWORK, "--epochs", "1"]

    assert training(command) == 0
    printed = capsys.readouterr().out
    assert "left out: 1 hidden" in printed
    assert f"Validation: 24 pictures of {data}/photos/Valid. The validation frac" in printed
    assert "No training picture has an exact copy in the validation set." in printed
    split = run.split()
    assert (len(split.train), len(split.validation), split.validation_part) == (48, 24, True)
    assert json.loads((run.folder / "report" / "metrics.json").read_text())["pictures"] == 24
    assert training(["report", str(run.folder), "--data", str(data)]) == 0

    bundle = tmp_path / "bundle"
    options = ["--scheme", "float32"]
    arguments = ["bundle", str(run.folder), "--data", str(data), "--out", str(bundle), *options]
    assert convert(arguments) == 0
    manifest = json.loads((bundle / "manifest.json").read_text())
    assert manifest["gate"]["pictures"] == 24
    sizes = [manifest["dataset"][part] for part in ("train", "validation", "test")]
    assert sizes == [48, 24, 24]
    assert manifest["dataset"]["sha256"] == split.dataset_sha256
    assert "validation_fraction" not in manifest["training"]
    card = (bundle / "MODEL_CARD.md").read_text()
    assert "The validation pictures have a folder of their own." in card
    assert "python -m convert evaluate models/bundle DATA/photos/Testing\n" in card

    capsys.readouterr()
    shutil.move(data / "photos" / "Valid", tmp_path / "Valid")
    assert convert([*arguments, "--replace"]) == 2
    assert "has no validation part, but the run was trained with one" in capsys.readouterr().err
