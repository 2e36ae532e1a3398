"""The network and its head: what folding keeps, what weights are refused."""

from pathlib import Path
from typing import get_args

import keras
import numpy as np
import pytest

from training.config import Architecture, TrainingConfig
from training.data import read_folder, split
from training.errors import WeightsError
from training.fit import train_head
from training.head import fit_head
from training.networks.architectures import ARCHITECTURES
from training.networks.build import build, feature_extractor, fold_batch_norms, logits_model
from training.run.folder import Run


def _pixels(count: int, size: int) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (count, size, size, 3)).astype(np.float32)


def test_folding_batch_norms_keeps_the_function() -> None:
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
    shared_weights: Path, crops: Path, tmp_path: Path
) -> None:
    config = TrainingConfig(weights=str(shared_weights), image_size=96, batch_size=8)
    model = build(config, 3)
    fitting, validation = split(read_folder(crops / "train"), 0.25, seed=0)
    run = Run(tmp_path)
    train_head(model, fitting, validation, config, run)
    assert run.best_accuracy() >= 0.9


def test_the_model_takes_pixels_and_gives_probabilities_and_can_be_cut_at_its_logits() -> None:
    model = build(TrainingConfig(weights="none", alpha=0.35, image_size=64), classes=5)
    pixels = _pixels(3, 64)
    probabilities = model.predict(pixels, verbose=0)
    assert probabilities.shape == (3, 5)
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, rtol=1e-5)
    logits = logits_model(model).predict(pixels, verbose=0)
    np.testing.assert_allclose(keras.ops.softmax(logits), probabilities, rtol=1e-4)


def test_pictures_are_enlarged_inside_the_network() -> None:
    config = TrainingConfig(architecture="custom_cnn", weights="none", image_size=64, upscale=1.5)
    model = build(config, classes=3)
    assert model.input_shape == (None, 64, 64, 3)
    assert model.get_layer("rescale").output.shape == (None, 96, 96, 3)
    assert model.predict(_pixels(2, 64), verbose=0).shape == (2, 3)


def test_weights_that_are_not_there_are_refused() -> None:
    with pytest.raises(WeightsError, match=r"nowhere\.h5: no such weights file"):
        build(TrainingConfig(weights="nowhere.h5"), 3)


def test_weights_of_another_width_are_refused(shared_weights: Path) -> None:
    with pytest.raises(WeightsError, match="cannot be used"):
        build(TrainingConfig(weights=str(shared_weights), alpha=0.35), 3)


def test_a_file_that_holds_no_weights_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "text.weights.h5"
    path.write_text("text")
    with pytest.raises(WeightsError, match="cannot be used"):
        build(TrainingConfig(weights=str(path)), 3)


def test_an_architecture_without_weights_says_so() -> None:
    with pytest.raises(WeightsError, match="train from nothing"):
        build(TrainingConfig(architecture="custom_cnn"), 3)


def _random_norms(model: keras.Model) -> None:
    """Statistics and scales of BatchNorm that are not the identity."""
    rng = np.random.default_rng(0)
    for norm in model.layers:
        if isinstance(norm, keras.layers.BatchNormalization):
            shape = norm.gamma.shape
            gamma, variance = rng.uniform(0.5, 2, (2, *shape))
            norm.set_weights([gamma, *rng.normal(0, 0.2, (2, *shape)), variance])


@pytest.mark.parametrize(
    ("architecture", "module", "name"),
    [
        ("mobilenet_v2", keras.applications.mobilenet_v2, "MobileNetV2"),
        ("resnet50", keras.applications.resnet50, "ResNet50"),
    ],
)
def test_it_computes_what_keras_does_with_its_own_preprocessing(
    architecture, module, name: str, tmp_path: Path
) -> None:
    original = getattr(module, name)(input_shape=(64, 64, 3), include_top=False, weights=None)
    _random_norms(original)
    original.save_weights(tmp_path / "random.weights.h5")
    weights = str(tmp_path / "random.weights.h5")
    model = build(TrainingConfig(architecture=architecture, weights=weights, image_size=64), 3)
    pixels = _pixels(2, 64)
    expected = original.predict(module.preprocess_input(pixels.copy()), verbose=0).mean((1, 2))
    features = feature_extractor(model).predict(pixels, verbose=0)
    np.testing.assert_allclose(features, expected, rtol=2e-2, atol=1e-3 * np.abs(expected).max())


def test_efficientnet_s_weights_do_the_same_as_a_file_as_fetched_by_keras__get_file_mocked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "random.weights.h5"
    original = keras.applications.EfficientNetB0(
        input_shape=(64, 64, 3), include_top=False, weights=None
    )
    _random_norms(original)
    original.save_weights(file)
    monkeypatch.setattr(
        "keras.src.applications.efficientnet.file_utils.get_file", lambda *_, **__: str(file)
    )
    pixels = _pixels(2, 64)
    fetched, given = (
        feature_extractor(
            build(TrainingConfig(architecture="efficientnet_b0", weights=w, image_size=64), 3)
        ).predict(pixels, verbose=0)
        for w in ("imagenet", str(file))
    )
    np.testing.assert_allclose(given, fetched, rtol=1e-3, atol=1e-4 * np.abs(fetched).max())


def test_every_architecture_can_be_built_and_has_the_same_head() -> None:
    assert set(ARCHITECTURES) == set(get_args(Architecture))
    for name in ARCHITECTURES:
        config = TrainingConfig(architecture=name, weights="none", image_size=64)
        model = build(config, 4)
        kinds = [type(layer).__name__ for layer in model.layers[-6:]]
        pooled, head = kinds[0], kinds[1:]
        assert pooled == "GlobalAveragePooling2D"
        assert head == ["Dropout", "Dense", "Dropout", "Dense", "Softmax"]
        assert model.get_layer("hidden").units == 256
        assert model.output_shape == (None, 4)


def test_how_deep_fine_tuning_goes_can_be_chosen(tmp_path: Path) -> None:
    backbone = keras.applications.MobileNetV2(
        (64, 64, 3), alpha=0.35, include_top=False, weights=None
    )
    backbone.save_weights(tmp_path / "random.weights.h5")
    config = TrainingConfig(
        weights=str(tmp_path / "random.weights.h5"),
        alpha=0.35,
        image_size=64,
        fine_tuned_share=0.25,
    )
    model = build(config, 3)
    assert not model.get_layer("Conv1").trainable
    assert not model.get_layer("block_8_project").trainable
    assert model.get_layer("Conv_1").trainable
    assert model.get_layer("hidden").trainable


def test_the_head_learns_and_its_standardisation_is_folded_in() -> None:
    config = TrainingConfig(weights="none", alpha=0.35, image_size=64, batch_size=16)
    model = build(config, classes=3)
    rng = np.random.default_rng(1)
    labels = np.arange(300) % 3
    targets = np.eye(3, dtype=np.float32)[labels]
    scales, means = rng.uniform(0.01, 100, 1280), rng.normal(0, 50, 1280)
    signal = 0.5 * (np.arange(1280) % 3 == labels[:, np.newaxis])
    features = ((signal + rng.normal(size=(300, 1280))) * scales + means).astype(np.float32)
    epochs = fit_head(model, features[:200], targets[:200], (features[200:], targets[200:]), config)
    hidden, logits = model.get_layer("hidden"), model.get_layer("logits")
    answers = np.asarray(logits(hidden(features[200:]))).argmax(axis=1)
    best = min(epochs, key=lambda epoch: epoch.val_loss)
    assert (answers == labels[200:]).mean() == pytest.approx(best.val_accuracy)
    assert best.val_accuracy > 0.9
    assert [epoch.phase for epoch in epochs] == ["head"] * len(epochs)
