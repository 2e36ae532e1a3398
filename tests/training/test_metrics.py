"""Metrics of predictions whose labels are known."""

import numpy as np
import pytest
from numpy.typing import ArrayLike

from training.calibration import Calibration, Floats, Labels
from training.metrics import POINTS, ReportMetrics, report_metrics, score

PLAIN = Calibration(temperature=1.0, threshold=0.8, target_accuracy=0.97)
CLASSES = ("forest", "glacier", "sea")


def _logits(probabilities: ArrayLike) -> Floats:
    return np.log(np.asarray(probabilities))


def _drawn(count: int) -> tuple[Floats, Labels]:
    """Logits that are independent of their labels."""
    rng = np.random.default_rng(0)
    return rng.normal(0, 1, (count, 3)), rng.integers(0, 3, count)


def test_metrics_of_an_example_worked_by_hand() -> None:
    # Two classes. Confidence 0.9: right, right, wrong; 0.6: right.
    probabilities = [[0.9, 0.1], [0.1, 0.9], [0.9, 0.1], [0.6, 0.4]]
    metrics = report_metrics(_logits(probabilities), np.array([0, 1, 1, 0]), ("no", "yes"), PLAIN)
    assert metrics.pictures == 4
    assert metrics.accuracy == 0.75
    assert metrics.confusion == ((2, 0), (1, 1))
    no, yes = metrics.per_class["no"], metrics.per_class["yes"]
    assert (no.precision, no.recall, no.f1, no.support) == (0.666667, 1.0, 0.8, 2)
    assert (yes.precision, yes.recall, yes.f1, yes.support) == (1.0, 0.5, 0.666667, 2)
    macro = metrics.macro
    assert (macro.precision, macro.recall, macro.f1) == (0.833333, 0.75, 0.733333)
    assert metrics.log_loss == pytest.approx(
        -(2 * np.log(0.9) + np.log(0.1) + np.log(0.6)) / 4, abs=1e-6
    )
    # Three predictions with confidence 0.9, two of them correct; one with 0.6, correct.
    assert metrics.calibration_error == pytest.approx(
        3 / 4 * abs(2 / 3 - 0.9) + 1 / 4 * abs(1 - 0.6), abs=1e-6
    )
    assert (metrics.share_confident, metrics.accuracy_confident) == (0.75, 0.666667)
    assert metrics.coverage.coverage == (0.75, 1.0)
    assert metrics.coverage.accuracy == (0.666667, 0.75)
    assert metrics.coverage.threshold == pytest.approx((0.9, 0.6), abs=1e-4)


def test_a_perfect_classifier() -> None:
    labels = np.arange(300) % 3
    metrics = report_metrics(np.eye(3)[labels] * 50, labels, CLASSES, PLAIN)
    assert metrics.accuracy == metrics.macro.f1 == metrics.accuracy_confident == 1.0
    assert metrics.share_confident == 1.0
    assert metrics.log_loss == metrics.calibration_error == 0.0
    assert metrics.confusion == ((100, 0, 0), (0, 100, 0), (0, 0, 100))
    # Without a mistake in 300 pictures, the interval still contains values below 1 (Wilson).
    assert metrics.accuracy_interval == pytest.approx((300 / (300 + 1.96**2), 1.0), abs=1e-4)


def test_a_classifier_that_guesses() -> None:
    logits, labels = _drawn(6000)
    metrics = report_metrics(logits, labels, CLASSES, PLAIN)
    low, high = metrics.accuracy_interval
    assert low < 1 / 3 < high
    assert high - low == pytest.approx(2 * 1.96 * np.sqrt(2 / 9 / 6000), rel=0.02)
    assert metrics.macro.f1 == pytest.approx(1 / 3, abs=0.02)
    assert metrics.log_loss > np.log(3)  # worse than a constant 1/3 for each class


def test_a_class_that_is_never_predicted_has_scores_of_zero() -> None:
    logits = _logits([[0.8, 0.1, 0.1], [0.1, 0.8, 0.1], [0.8, 0.1, 0.1]])
    metrics = report_metrics(logits, np.array([0, 1, 2]), CLASSES, PLAIN)
    sea = metrics.per_class["sea"]
    assert (sea.precision, sea.recall, sea.f1, sea.support) == (0.0, 0.0, 0.0, 1)
    assert metrics.macro.recall == 0.666667


def test_a_class_without_pictures_is_included() -> None:
    scores = score(np.array([0, 1]), np.array([0, 1]), CLASSES)
    assert scores.per_class["sea"].support == 0
    assert np.array(scores.confusion).shape == (3, 3)


def test_without_confident_predictions_their_accuracy_is_none() -> None:
    metrics = report_metrics(*_drawn(20), CLASSES, PLAIN.model_copy(update={"threshold": 1.0}))
    assert metrics.share_confident == 0.0
    assert metrics.accuracy_confident is None


def test_the_temperature_changes_confidence_but_no_prediction() -> None:
    logits, labels = _drawn(500)
    cold = report_metrics(logits, labels, CLASSES, PLAIN)
    hot = report_metrics(logits, labels, CLASSES, PLAIN.model_copy(update={"temperature": 10.0}))
    assert hot.confusion == cold.confusion
    assert hot.calibration_error_uncalibrated == cold.calibration_error
    assert hot.log_loss_uncalibrated == cold.log_loss
    # Random guesses; at this temperature, the confidence is nearly uniform.
    assert hot.calibration_error < 0.1 < cold.calibration_error
    assert hot.log_loss < cold.log_loss


def test_a_long_coverage_curve_is_thinned_and_keeps_its_ends() -> None:
    logits, labels = _drawn(5000)
    metrics = report_metrics(logits, labels, CLASSES, PLAIN)
    curve = metrics.coverage
    assert POINTS / 2 < len(curve.coverage) <= POINTS
    assert len(curve.coverage) == len(curve.accuracy) == len(curve.threshold)
    assert curve.coverage[0] < 0.002
    assert curve.coverage[-1] == 1.0
    assert curve.accuracy[-1] == metrics.accuracy
    assert np.diff(curve.coverage).max() < 0.01
    assert (np.diff(curve.threshold) < 0).all()


def test_metrics_survive_a_round_trip_through_json() -> None:
    metrics = report_metrics(*_drawn(50), CLASSES, PLAIN)
    assert ReportMetrics.model_validate_json(metrics.model_dump_json()) == metrics
