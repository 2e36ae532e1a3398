"""Accuracy on pictures that were labeled a second time."""

import json
from pathlib import Path

import pytest

from convert.__main__ import main
from convert.relabeled import read_relabeled
from lambda_api.classifier import Classifier
from tests.conftest import ROOT
from training.errors import DataError

SCENES = ("buildings", "forest", "glacier", "mountain", "sea", "street")
HEADER = "picture,first_pass,second_pass\n"


def test_defensible_classes_are_those_of_both_passes(tmp_path: Path) -> None:
    file = tmp_path / "relabeled.csv"
    file.write_text(
        HEADER + "a.jpg,sea,sea\nb.jpg,sea;mountain,glacier;mountain\nc.jpg,sea,forest\n"
        "d.jpg,none,none\n"
    )

    assert read_relabeled(file, SCENES) == {
        "a.jpg": {"sea"},
        "b.jpg": {"mountain"},
        "c.jpg": {"sea", "forest"},
        "d.jpg": {"none"},
    }


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (HEADER + "a.jpg,sea,lake\n", "line 2: lake is not one of the classes"),
        (HEADER + "a.jpg,sea\n", "line 2: the columns must be picture, first_pass, second_pass"),
        ("file,label\na.jpg,sea\n", "the columns must be picture, first_pass, second_pass"),
        (HEADER, "has no pictures"),
    ],
)
def test_damaged_list_is_rejected(text: str, message: str, tmp_path: Path) -> None:
    file = tmp_path / "relabeled.csv"
    file.write_text(text)

    with pytest.raises(DataError, match=message):
        read_relabeled(file, SCENES)


def test_evaluate_counts_defensible_predictions(
    small_bundle: Path, crops: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pictures = sorted(path for path in (crops / "test").rglob("*") if path.is_file())[:4]
    names = [path.relative_to(crops / "test").as_posix() for path in pictures]
    predicted = [Classifier(small_bundle).classify(path.read_bytes()).label for path in pictures]
    file = tmp_path / "relabeled.csv"
    file.write_text(
        HEADER
        + f"{names[0]},{predicted[0]},{predicted[0]}\n{names[1]},none,none\n"
        + "".join(f"{name},coffee;flower,coffee;flower\n" for name in names[2:])
    )
    command = ["evaluate", str(small_bundle), str(crops / "test"), "--relabeled", str(file)]

    assert main([*command, "--json"]) == 0
    figures = json.loads(capsys.readouterr().out)["relabeled"]
    right = sum(name.split("/")[0] == label for name, label in zip(names, predicted, strict=True))
    defensible = 1 + sum(label in ("coffee", "flower") for label in predicted[2:])
    assert (figures["pictures"], figures["ambiguous"]) == (4, 2)
    assert figures["accuracy"] == right / 4
    assert figures["defensible_accuracy"] == defensible / 4
    assert main(command) == 0
    assert "4 pictures labeled again: " in capsys.readouterr().out

    file.write_text(HEADER + "coffee/nowhere.jpg,coffee,coffee\n")
    assert main(command) == 2
    assert "coffee/nowhere.jpg, which was labeled again" in capsys.readouterr().err


def test_list_of_the_scenes_has_300_test_pictures() -> None:
    found = read_relabeled(ROOT / "training" / "relabeled" / "intel-scenes.csv", SCENES)

    assert len(found) == 300
    assert {name.split("/")[0] for name in found} == set(SCENES)
