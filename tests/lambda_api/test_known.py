"""Pictures that are unlike the training pictures: the answer, the log, the metrics, bad bundles."""

from pathlib import Path

import numpy as np
import pytest

from lambda_api.known import KnownDetector, Residual, read_residual
from lambda_api.manifest import read_bundle


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


def test_one_picture_has_the_score_and_familiarity_of_many(bundle: Path) -> None:
    section = read_bundle(bundle)[0].known
    assert section is not None
    residual = read_residual(bundle, section)
    detector = KnownDetector(section, residual)
    random = np.random.default_rng(0)
    near = residual.mean + random.normal(size=(20, 64)) @ residual.directions / 10
    features = np.vstack([near, random.uniform(size=(20, 1280)), np.zeros((1, 1280))])
    features = features.astype(np.float32)

    scores = residual.scores(features)
    judged = [detector.judge(one) for one in features]

    assert [residual.score(one) for one in features] == pytest.approx(scores)
    expected = np.interp(scores, section.quantiles, np.linspace(1, 0, len(section.quantiles)))
    assert [one.familiarity for one in judged] == pytest.approx(expected)
    assert {one.known for one in judged} == {True, False}
