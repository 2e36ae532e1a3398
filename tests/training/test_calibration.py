"""Temperature, threshold and calibration error of predictions whose labels are known."""

import numpy as np
import pytest

from lambda_api.classifier import softmax
from training.calibration import (
    TARGET_ACCURACY,
    calibrate,
    calibrated,
    calibration_bins,
    coverage_curve,
    expected_calibration_error,
    fit_temperature,
    fit_threshold,
)
from training.errors import CalibrationError


def _drawn(temperature: float, count: int = 20_000) -> tuple[np.ndarray, np.ndarray]:
    """Logits, and labels drawn from their softmax at `temperature`."""
    rng = np.random.default_rng(0)
    logits = rng.normal(0, 3, (count, 4))
    cumulative = softmax(logits, temperature).cumsum(axis=1)
    return logits, (rng.random((count, 1)) > cumulative).sum(axis=1).clip(max=3)


@pytest.mark.parametrize("temperature", [0.5, 1.0, 2.5])
def test_the_fit_recovers_the_true_temperature(temperature: float) -> None:
    logits, labels = _drawn(temperature)
    assert fit_temperature(logits, labels) == pytest.approx(temperature, rel=0.05)


def test_a_few_correct_pictures_do_not_give_confidence_one() -> None:
    labels = np.arange(15) % 3
    logits = np.eye(3)[labels] * 4
    probabilities = softmax(logits, fit_temperature(logits, labels))
    assert probabilities.max() == pytest.approx((15 + 1 / 3) / 16, abs=0.005)
    assert fit_threshold(probabilities, labels) <= probabilities.max()


def test_the_calibration_error_vanishes_at_the_true_temperature() -> None:
    logits, labels = _drawn(2.5)
    assert expected_calibration_error(softmax(logits, 1.0), labels) > 0.1
    assert expected_calibration_error(softmax(logits, 2.5), labels) < 0.02


def test_the_calibration_error_of_an_example_worked_by_hand() -> None:
    # Four predictions with confidence 0.9, three correct: |0.75 - 0.9|. Two with 0.6, both correct:
    # |1 - 0.6|.
    confidence = np.array([0.9, 0.9, 0.9, 0.9, 0.6, 0.6])
    probabilities = np.column_stack([confidence, 1 - confidence])
    labels = np.array([0, 0, 0, 1, 0, 0])
    expected = 4 / 6 * 0.15 + 2 / 6 * 0.4
    assert expected_calibration_error(probabilities, labels) == pytest.approx(expected)
    assert [n for _, _, n in calibration_bins(probabilities, labels)] == [2, 4]


def test_predictions_above_the_threshold_reach_the_target() -> None:
    logits, labels = _drawn(1.0)
    probabilities = softmax(logits, 1.0)
    threshold = fit_threshold(probabilities, labels)
    confidence, right = probabilities.max(axis=1), probabilities.argmax(axis=1) == labels
    assert 0.25 < threshold < 1
    assert right[confidence >= threshold].mean() == pytest.approx(TARGET_ACCURACY, abs=0.002)
    assert right[confidence >= threshold - 0.05].mean() < TARGET_ACCURACY


def test_the_threshold_is_one_if_none_reaches_the_target() -> None:
    probabilities = np.array([[0.9, 0.1], [0.8, 0.2]])
    assert fit_threshold(probabilities, np.array([1, 1])) == 1.0


def test_the_threshold_is_the_lowest_confidence_if_all_are_correct() -> None:
    probabilities = np.array([[0.9, 0.1], [0.2, 0.8], [0.65, 0.35]])
    assert fit_threshold(probabilities, np.array([0, 1, 0])) == 0.65


def test_pictures_of_equal_confidence_are_covered_together() -> None:
    # Copies of a picture: two correct and one wrong at 0.9, then one correct at 0.8.
    probabilities = np.array([[0.9, 0.1], [0.9, 0.1], [0.9, 0.1], [0.8, 0.2]])
    thresholds, coverage, accuracy = coverage_curve(probabilities, np.array([0, 0, 1, 0]))
    assert thresholds.tolist() == [0.9, 0.8]
    assert coverage.tolist() == [0.75, 1.0]
    assert accuracy.tolist() == pytest.approx([2 / 3, 0.75])
    assert fit_threshold(probabilities, np.array([0, 0, 1, 0])) == 1.0


def test_the_threshold_is_fitted_at_the_fitted_temperature() -> None:
    logits, labels = _drawn(2.5)
    calibration = calibrate(logits.astype(np.float16), labels)
    assert calibration.temperature == pytest.approx(2.5, rel=0.05)
    probabilities = softmax(logits.astype(np.float16), calibration.temperature)
    assert calibration.threshold == fit_threshold(probabilities, labels) < 1
    assert calibration.target_accuracy == TARGET_ACCURACY


def test_probabilities_equal_those_of_the_service() -> None:
    logits = np.random.default_rng(0).normal(0, 5, (50, 6)).astype(np.float32)
    np.testing.assert_allclose(calibrated(logits, 0.7), softmax(logits, 0.7), rtol=1e-12)


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_nan_and_infinity_are_rejected_with_a_message(value: float) -> None:
    logits, labels = _drawn(1.0, count=10)
    logits[3, 1] = value
    with pytest.raises(CalibrationError, match=r"diverged.*smaller learning rate"):
        calibrate(logits, labels)
