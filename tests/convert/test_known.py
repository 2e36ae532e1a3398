"""Unknown pictures: limits of thresholds, the bundle's detector, and the commands about it."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from scipy.stats import binomtest

from convert.__main__ import main
from convert.evaluate import predict
from convert.familiarity import fit_detector, fit_residual
from convert.limits import (
    CONFIDENCE_LEVEL,
    acceptance_threshold,
    confidence_threshold,
    lower_limit,
)
from convert.subsets import measure
from lambda_api.classifier import Classifier
from lambda_api.known import read_residual
from lambda_api.manifest import BundleError, read_bundle
from lambda_api.profile import KNOWN_FILE
from tests.lambda_api.pictures import SCIKIT_IMAGE
from training.data import read_folder
from training.run.folder import Run


@pytest.mark.parametrize(("successes", "trials"), [(0, 9), (5, 9), (9, 9), (970, 1000)])
def test_lower_limit_is_that_of_clopper_and_pearson(successes: int, trials: int) -> None:
    exact = binomtest(successes, trials, alternative="greater").proportion_ci(CONFIDENCE_LEVEL)
    assert lower_limit(successes, trials) == pytest.approx(exact.low, abs=1e-12)


@pytest.mark.parametrize("pictures", [500, 2000])
def test_acceptance_holds_in_nine_of_ten_draws(pictures: int) -> None:
    random = np.random.default_rng(0)  # of uniform scores, a threshold accepts its own value
    found = [acceptance_threshold(random.uniform(size=pictures), 0.98) for _ in range(400)]

    assert np.mean([limited.threshold >= 0.98 for limited in found]) > CONFIDENCE_LEVEL - 0.04
    assert min(limited.guaranteed for limited in found) >= 0.98


@pytest.mark.parametrize("pictures", [49, 50, 100, 114, 300])
def test_acceptance_of_few_pictures_holds_on_average(pictures: int) -> None:
    random = np.random.default_rng(0)
    found = [acceptance_threshold(random.uniform(size=pictures), 0.98) for _ in range(2000)]

    assert np.mean([limited.threshold for limited in found]) > 0.98 - 0.001
    assert max(limited.guaranteed for limited in found) < 0.98  # and so the card says


@pytest.mark.parametrize(("pictures", "largest"), [(10, 9), (49, 48), (100, 98), (114, 112)])
def test_one_odd_picture_does_not_open_the_detector(pictures: int, largest: float) -> None:
    assert acceptance_threshold(np.arange(float(pictures)), 0.98).threshold == largest


def _calibrated(random: np.random.Generator, pictures: int) -> tuple[np.ndarray, np.ndarray]:
    confidences = 1 - random.beta(1, 12, pictures)
    return confidences, random.uniform(size=pictures) < confidences


@pytest.mark.parametrize("pictures", [500, 2000])
def test_confident_accuracy_holds_in_nine_of_ten_draws(pictures: int) -> None:
    random = np.random.default_rng(1)
    population, right = _calibrated(random, 200_000)
    held = []
    for _ in range(200):
        threshold, _ = confidence_threshold(*_calibrated(random, pictures), 0.95)
        held.append(right[population >= threshold].mean() >= 0.95)

    assert np.mean(held) > CONFIDENCE_LEVEL - 0.05


def test_confidence_threshold_of_a_few_pictures_is_the_target() -> None:
    threshold, guaranteed = confidence_threshold(np.full(10, 0.999), np.ones(10, bool), 0.97)

    assert threshold == 0.97
    assert guaranteed == pytest.approx(0.1**0.1)


def test_pictures_that_are_not_known_are_never_confident() -> None:
    confidences = np.where(np.arange(400) < 200, 0.9, -1)
    threshold, _ = confidence_threshold(confidences, np.ones(400, bool), 0.97)
    assert threshold == 0.9


def test_detector_separates_other_features() -> None:
    random = np.random.default_rng(0)
    basis = random.normal(size=(8, 256))

    def scenes(count: int) -> np.ndarray:
        inside = random.normal(size=(count, 8)) @ basis
        return (10 + inside + random.normal(0, 0.1, (count, 256))).astype(np.float32)

    detector = fit_detector(fit_residual(scenes(500)), scenes(500), 0.98, seed=0)
    others = (10 + random.normal(0, 2, (100, 256))).astype(np.float32)

    assert detector.accepts(scenes(300)).mean() > 0.95
    assert not detector.accepts(others).any()
    assert detector.section.guaranteed_acceptance >= 0.98
    assert not detector.accepts_too_few(0.02)


def test_bundle_answers_with_its_detector(small_bundle: Path, crops: Path) -> None:
    manifest, _ = read_bundle(small_bundle)
    classifier = Classifier(small_bundle)
    known, validation = manifest.known, manifest.validation
    assert known is not None
    assert validation is not None
    predictions = predict(classifier, read_folder(crops / "test"))
    score = read_residual(small_bundle, known).scores

    for prediction in predictions:
        _, features = classifier.network.run(prediction.picture.pixels)
        assert features is not None
        assert prediction.known is bool(score(features[np.newaxis])[0] <= known.threshold)
        assert prediction.familiarity is not None
        assert 0 <= prediction.familiarity <= 1
        assert prediction.known or not prediction.confident
    assert manifest.gate.known_acceptance is not None
    assert sum(validation.predicted.values()) == validation.pictures == known.pictures == 15
    assert sum(validation.confidence_histogram) == sum(b.pictures for b in validation.reliability)
    assert known.guaranteed_acceptance < known.acceptance  # 15 pictures guarantee little
    card = (small_bundle / "MODEL_CARD.md").read_text()
    assert "## Unknown pictures" in card
    assert "too few to guarantee" in card


@pytest.mark.parametrize("damage", ["missing", "altered"])
def test_damaged_parameters_are_rejected(small_bundle: Path, tmp_path: Path, damage: str) -> None:
    bundle = tmp_path / "small"
    shutil.copytree(small_bundle, bundle)
    if damage == "missing":
        (bundle / KNOWN_FILE).unlink()
    else:
        (bundle / KNOWN_FILE).write_bytes((bundle / KNOWN_FILE).read_bytes()[:-1])
    with pytest.raises(BundleError, match=KNOWN_FILE):
        Classifier(bundle)


def test_evaluate_measures_other_pictures(
    small_bundle: Path, crops: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("chelsea.png", "rocket.jpg", "page.png"):
        shutil.copy(SCIKIT_IMAGE / name, tmp_path / name)
    (tmp_path / "cut.jpg").write_bytes((SCIKIT_IMAGE / "rocket.jpg").read_bytes()[:2000])
    command = ["evaluate", str(small_bundle), str(crops / "test"), "--others", str(tmp_path)]

    assert main([*command, "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert (document["others"]["pictures"], document["others"]["unreadable"]) == (3, 1)
    assert len(document["others"]["accepted"]) == round(3 * document["others"]["known"])
    assert sum(c["pictures"] for c in document["labeled"]["per_class"].values()) == 24
    assert main(command) == 0
    assert "3 other pictures: " in capsys.readouterr().out
    assert main([*command[:-1], str(tmp_path / "nowhere")]) == 2
    assert "is not a folder" in capsys.readouterr().err


def test_thresholds_command_prints_a_table(
    small_bundle: Path, small_run: Run, crops: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command = ["thresholds", str(small_bundle), str(small_run.folder), "--data", str(crops)]
    assert main([*command, "--pictures", "8", "12", "--draws", "3"]) == 0
    rows = [line for line in capsys.readouterr().out.splitlines() if line.startswith("| ")]
    assert [row.split(" | ")[:2] for row in rows[1:]] == [
        ["| 8", "exact"],
        ["| 8", "limit"],
        ["| 12", "exact"],
        ["| 12", "limit"],
    ]


def test_limits_are_kept_more_often_than_exact_thresholds() -> None:
    random = np.random.default_rng(0)
    labels = random.integers(3, size=3000)
    logits = random.normal(size=(3000, 3)) + 2.5 * np.eye(3)[labels]
    table = measure(random.gamma(2, size=3000), logits, labels, 0.98, 0.97, sizes=[500], draws=40)
    exact, limit = table

    assert limit.acceptance_kept > 0.8 > exact.acceptance_kept
    assert limit.accuracy_kept > 0.8 > exact.accuracy_kept
