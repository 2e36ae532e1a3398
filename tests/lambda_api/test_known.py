"""Pictures that are unlike the training pictures: the answer, the log, the metrics, bad bundles."""

import numpy as np
import pytest

from lambda_api.known import Residual


def test_score_is_the_norm_outside_the_directions() -> None:
    random = np.random.default_rng(0)
    directions, _ = np.linalg.qr(random.normal(size=(12, 3)))
    mean = random.normal(size=12).astype(np.float32)
    residual = Residual(mean, directions.T.astype(np.float32))
    features = random.uniform(1, 5, (20, 12)).astype(np.float32)

    centered = features / np.linalg.norm(features, axis=1, keepdims=True) - mean
    outside = centered - centered @ directions @ directions.T

    assert residual.scores(features) == pytest.approx(np.linalg.norm(outside, axis=1), rel=1e-4)
    assert residual.scores(features * 7) == pytest.approx(residual.scores(features), rel=1e-4)


def test_score_of_no_features_is_a_number() -> None:
    residual = Residual(np.zeros(4, np.float32), np.eye(4, dtype=np.float32)[:2])
    assert residual.scores(np.zeros((1, 4), np.float32)).tolist() == [0]
