"""Likely label errors: found by the audit, left out or softened by training."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from sklearn.datasets import load_digits

from tests.small_line import SMALL_NETWORK
from training.__main__ import main
from training.audit.findings import read_audit
from training.audit.label_errors import confident_labels, find_label_errors, out_of_fold
from training.config import TrainingConfig
from training.data import LabelledPictures, read_folder
from training.errors import ConfigError
from training.labels import KEPT, soft_targets, targets
from training.prepare import prepare
from training.refit import refit_config
from training.run.folder import Run

MOVED = {"coffee/from-flower.jpg": "flower/05.jpg", "hubble/from-coffee.jpg": "coffee/07.jpg"}


@pytest.fixture(scope="module")
def data(crops: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The crops, of which two are in the folder of another class."""
    root = tmp_path_factory.mktemp("mislabeled") / "data"
    shutil.copytree(crops / "train", root)
    for wrong, right in MOVED.items():
        (root / right).rename(root / wrong)
    return root


@pytest.fixture(scope="module")
def audit(data: Path, shared_weights: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The audit folder of `data`, with label errors."""
    folder = tmp_path_factory.mktemp("audit")
    config = TrainingConfig(weights=str(shared_weights), image_size=96)
    (folder / "config.json").write_text(config.model_dump_json())
    command = ["audit", str(data), "--out", str(folder / "audit"), "--label-errors"]
    assert main([*command, "--config", str(folder / "config.json")]) == 0
    return folder / "audit"


def test_wrong_labels_of_digits_are_found() -> None:
    digits = load_digits()
    rng = np.random.default_rng(0)
    wrong = rng.choice(len(digits.target), 40, replace=False)
    labels = digits.target.astype(np.int64).copy()
    labels[wrong] = (labels[wrong] + rng.integers(1, 10, 40)) % 10
    names = tuple(str(i) for i in range(10))
    paths = tuple(Path(names[label], f"{i}.png") for i, label in enumerate(labels))
    found = find_label_errors(LabelledPictures(Path(), names, paths, labels), digits.data)
    numbers = [int(Path(error.path).stem) for error in found]
    assert len(set(wrong) & set(numbers)) >= 28
    assert len(set(numbers) - set(wrong)) <= 7
    assert len(set(numbers[:20]) - set(wrong)) <= 1  # the most doubtful first
    right = [
        error.suggested == str(digits.target[n]) for error, n in zip(found, numbers, strict=True)
    ]
    assert np.mean(right) > 0.7


def test_a_picture_keeps_its_label_if_no_class_is_confident() -> None:
    labels = np.array([0, 0, 1, 1])
    probabilities = np.array([[0.9, 0.1], [0.45, 0.55], [0.4, 0.6], [0.2, 0.8]])
    # The thresholds are 0.675 and 0.7: nothing reaches them for the second and third picture.
    assert confident_labels(probabilities, labels).tolist() == [0, 0, 1, 1]
    probabilities[1] = [0.1, 0.9]  # thresholds 0.5 and 0.7
    assert confident_labels(probabilities, labels).tolist() == [0, 1, 1, 1]


def test_predictions_do_not_use_the_label_of_the_picture_itself() -> None:
    rng = np.random.default_rng(0)
    labels = np.arange(100) % 2
    features = np.hstack([np.eye(100), rng.normal(size=(100, 2))])  # each shows its own number
    predicted = out_of_fold(features, labels, ("a", "b"))
    assert (predicted.argmax(axis=1) == labels).mean() < 0.7


def test_the_audit_lists_and_shows_likely_label_errors(audit: Path, capsys) -> None:
    found = read_audit(audit / "audit.json").label_errors
    assert found is not None
    by_path = {error.path: error for error in found}
    for wrong, right in MOVED.items():
        error = by_path[wrong]
        assert (error.label, error.suggested) == (wrong.split("/")[0], right.split("/")[0])
        assert error.probabilities[error.label] < error.probabilities[error.suggested]
        assert sum(error.probabilities.values()) == pytest.approx(1, abs=1e-3)
    page = (audit / "audit.html").read_text()
    assert "coffee, probably flower" in page
    assert 'alt="coffee/from-flower.jpg"' in page


def test_label_errors_are_left_out_of_training_but_not_of_validation(
    data: Path, audit: Path
) -> None:
    found = audit / "audit.json"
    before = prepare(data, TrainingConfig(), found).split
    after = prepare(data, TrainingConfig(label_errors="exclude"), found).split
    errors = {error.path for error in read_audit(found).label_errors or ()}
    assert set(before.train) - set(after.train) == errors & set(before.train)
    assert errors & {*before.train, *before.validation} >= set(MOVED)
    assert after.validation == before.validation


def test_softened_targets_mix_the_label_with_the_prediction(
    data: Path, audit: Path, tmp_path: Path, capsys
) -> None:
    pictures = read_folder(data)
    errors = read_audit(audit / "audit.json").label_errors or ()
    softened = soft_targets(TrainingConfig(label_errors="soften"), pictures, errors)
    rows = targets(pictures, softened)
    np.testing.assert_allclose(rows.sum(axis=1), 1, atol=1e-4)
    index = pictures.paths.index(Path("coffee/from-flower.jpg"))
    error = next(error for error in errors if error.path == "coffee/from-flower.jpg")
    expected = np.array(list(error.probabilities.values())) * (1 - KEPT) + [KEPT, 0, 0]
    np.testing.assert_allclose(rows[index], expected, atol=1e-3)
    others = [i for i, path in enumerate(pictures.paths) if path not in softened]
    np.testing.assert_array_equal(rows[others], targets(pictures)[others])

    run = Run(tmp_path / "run")
    exclude = ["--exclude", str(audit / "audit.json")]
    options = [*SMALL_NETWORK, "--epochs", "1", "--label-errors", "soften"]
    assert main(["train", str(data), str(run.folder), *exclude, *options]) == 0
    assert run.split().softened_sha256
    refit = prepare(data, refit_config(run.folder), audit / "audit.json")
    assert refit.split.softened_sha256 == run.split().softened_sha256
    assert refit.pictures.softened
    with pytest.raises(ConfigError, match="needs an audit"):
        prepare(data, refit_config(run.folder), None)


def _without_search(audit: dict) -> None:
    del audit["label_errors"]


def _of_other_pictures(audit: dict) -> None:
    audit["label_errors"][0]["path"] = "coffee/gone.jpg"


def _of_other_classes(audit: dict) -> None:
    audit["label_errors"][0]["probabilities"] = {"coffee": 1.0}


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (_without_search, "has no label errors. Write it with"),
        (_of_other_pictures, "first coffee/gone.jpg. Pass an audit of the same pictures"),
        (_of_other_classes, "is an audit of other classes"),
        (None, "needs an audit"),
    ],
)
def test_an_audit_that_does_not_fit_is_reported(
    data: Path, audit: Path, tmp_path: Path, capsys, spoil, message
) -> None:
    command = ["train", str(data), str(tmp_path / "run"), *SMALL_NETWORK]
    command += ["--label-errors", "soften"]
    if spoil:
        content = json.loads((audit / "audit.json").read_text())
        spoil(content)
        (tmp_path / "audit.json").write_text(json.dumps(content))
        command += ["--exclude", str(tmp_path / "audit.json")]
    assert main(command) == 2
    assert message in capsys.readouterr().err


def test_the_search_needs_pretrained_weights_and_enough_pictures(
    data: Path, tmp_path: Path, capsys
) -> None:
    config = tmp_path / "config.json"
    config.write_text(TrainingConfig(architecture="custom_cnn", weights="none").model_dump_json())
    command = ["audit", str(data), "--out", str(tmp_path / "out"), "--label-errors"]
    assert main([*command, "--config", str(config)]) == 2
    assert "weights of custom_cnn are random" in capsys.readouterr().err
    assert main([*command[:-1], "--config", str(config)]) == 2
    assert "Pass both, or neither" in capsys.readouterr().err
    with pytest.raises(ValueError, match="'b' has 2 pictures"):
        out_of_fold(np.zeros((8, 1)), np.array([0] * 6 + [1] * 2), ("a", "b"))
