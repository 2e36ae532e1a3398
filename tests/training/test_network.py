"""The network and its head: what folding keeps, what weights are refused."""

from pathlib import Path

import keras
import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler

from training.config import TrainingConfig
from training.fit import augmentation
from training.head import STRENGTHS, fit_head
from training.network import WeightsError, build, fold_batch_norms, logits_model, set_head


def _pixels(count: int, size: int) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (count, size, size, 3)).astype(np.float32)


def test_folding_batch_norms_keeps_the_function():
    keras.utils.set_random_seed(0)
    model = keras.applications.MobileNetV2((64, 64, 3), alpha=0.35, weights=None, include_top=False)
    rng = np.random.default_rng(0)
    norms = [x for x in model.layers if isinstance(x, keras.layers.BatchNormalization)]
    for norm in norms:
        shape = norm.gamma.shape
        gamma, variance = rng.uniform(0.5, 2, (2, *shape))
        beta, mean = rng.normal(0, 0.5, (2, *shape))
        norm.set_weights([gamma, beta, mean, variance])
    pixels = _pixels(2, 64) / 127.5 - 1
    before = model.predict(pixels, verbose=0)
    fold_batch_norms(model)
    np.testing.assert_allclose(
        model.predict(pixels, verbose=0), before, rtol=1e-3, atol=1e-4 * before.std()
    )
    for norm in norms:
        gamma, _, mean, variance = norm.get_weights()
        assert not norm.trainable
        assert np.all(gamma == 1)
        assert np.all(mean == 0)
        np.testing.assert_allclose(variance + norm.epsilon, 1, rtol=1e-6)


def test_pretrained_weights_are_used_and_their_features_tell_pictures_apart(
    shared_weights: Path, crops: Path
):
    from training.data import read_folder, split
    from training.fit import start_head

    config = TrainingConfig(weights=str(shared_weights), image_size=96)
    model = build(config, 3)
    fitting, validation = split(read_folder(crops / "train"), 0.25, seed=0)
    assert start_head(model, fitting, validation, config) >= 0.9


def test_the_model_takes_pixels_and_gives_probabilities_and_can_be_cut_at_its_logits():
    model = build(TrainingConfig(weights="none", alpha=0.35, image_size=64), classes=5)
    pixels = _pixels(3, 64)
    probabilities = model.predict(pixels, verbose=0)
    assert probabilities.shape == (3, 5)
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, rtol=1e-5)
    logits = logits_model(model).predict(pixels, verbose=0)
    np.testing.assert_allclose(keras.ops.softmax(logits), probabilities, rtol=1e-4)


def test_pictures_are_enlarged_inside_the_network():
    config = TrainingConfig(architecture="custom_cnn", weights="none", image_size=64, upscale=1.5)
    model = build(config, classes=3)
    assert model.input_shape == (None, 64, 64, 3)
    assert model.get_layer("rescale").output.shape == (None, 96, 96, 3)
    assert model.predict(_pixels(2, 64), verbose=0).shape == (2, 3)


def test_weights_that_are_not_there_are_refused():
    with pytest.raises(WeightsError, match=r"nowhere\.h5: no such weights file"):
        build(TrainingConfig(weights="nowhere.h5"), 3)


def test_weights_of_another_width_are_refused(shared_weights: Path):
    with pytest.raises(WeightsError, match="cannot be used"):
        build(TrainingConfig(weights=str(shared_weights), alpha=0.35), 3)


def test_a_file_that_holds_no_weights_is_refused(tmp_path: Path):
    path = tmp_path / "text.weights.h5"
    path.write_text("text")
    with pytest.raises(WeightsError, match="cannot be used"):
        build(TrainingConfig(weights=str(path)), 3)


def test_an_architecture_without_weights_says_so():
    with pytest.raises(WeightsError, match="train from nothing"):
        build(TrainingConfig(architecture="custom_cnn"), 3)


@pytest.mark.parametrize("classes", [2, 4])
def test_the_head_computes_what_the_logistic_regression_does(classes: int):
    rng = np.random.default_rng(1)
    labels = np.arange(400) % classes
    features = rng.normal(labels[:, np.newaxis] * 0.4, 1.5, (400, 8)).astype(np.float32)
    train, held_out = (features[:300], labels[:300]), (features[300:], labels[300:])
    head = fit_head(*train, *held_out, seed=0)
    scaler = StandardScaler().fit(train[0])
    reference = LogisticRegression(C=head.strength, max_iter=1000)
    reference.fit(scaler.transform(train[0]), train[1])
    logits = held_out[0] @ head.kernel + head.bias
    probabilities = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    expected = reference.predict_proba(scaler.transform(held_out[0]))
    np.testing.assert_allclose(probabilities, expected, atol=1e-4)
    assert head.strength in STRENGTHS
    assert head.validation_accuracy == (expected.argmax(1) == held_out[1]).mean()


def test_the_head_is_put_into_the_last_layer():
    model = build(TrainingConfig(weights="none", alpha=0.35, image_size=64), classes=2)
    set_head(model, np.zeros((1280, 2)), np.array([0.0, np.log(3)]))
    np.testing.assert_allclose(model.predict(_pixels(1, 64), verbose=0), [[0.25, 0.75]], rtol=1e-5)


def test_augmentation_moves_pixels_but_keeps_shape_and_range():
    pixels = _pixels(4, 64)
    changed = augmentation(TrainingConfig())(pixels)
    assert changed.shape == pixels.shape
    assert not np.allclose(changed, pixels)
    assert np.asarray(changed).min() >= 0
    assert np.asarray(changed).max() <= 255


def test_augmentation_can_leave_directions_alone():
    config = TrainingConfig(flip=False, shift=0, zoom_in=0, zoom_out=0)
    pixels = _pixels(8, 64)
    np.testing.assert_allclose(augmentation(config)(pixels), pixels, atol=0.01)
