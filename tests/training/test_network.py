"""The network and its head: folding, pretrained weights, and the architectures' contract."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, get_args

import keras
import numpy as np
import pytest

from training.config import Architecture, TrainingConfig
from training.data import read_folder, split
from training.errors import ConfigError, WeightsError
from training.fit import train_head
from training.head import fit_head
from training.networks.architectures import ARCHITECTURES, USES_ALPHA
from training.networks.build import build, feature_extractor, fold_batch_norms, logits_model
from training.run.folder import Run

SIDE = 64


def _pixels(count: int) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (count, SIDE, SIDE, 3)).astype(np.float32)


def _outputs(model: keras.Model, pixels: np.ndarray) -> np.ndarray:
    """The outputs for `pixels`; faster than `predict`, which compiles the model first."""
    return np.asarray(model(pixels, training=False))


def _norms(model: keras.Model) -> list[Any]:
    return [x for x in model.layers if isinstance(x, keras.layers.BatchNormalization)]


def _randomize_norms(model: keras.Model) -> None:
    """Give every BatchNorm statistics and scales that are not the identity."""
    rng = np.random.default_rng(0)
    for norm in _norms(model):
        for variable in norm.weights:
            positive = variable is norm.moving_variance or variable is norm.gamma
            drawn = rng.uniform(0.5, 2, variable.shape) if positive else None
            variable.assign(rng.normal(0, 0.2, variable.shape) if drawn is None else drawn)


def _assert_same(actual: np.ndarray, expected: np.ndarray) -> None:
    assert expected.std() > 0
    # oneDNN sums in another order with other numbers of threads: 0.0017 of the deviation was seen.
    np.testing.assert_allclose(actual, expected, rtol=1e-3, atol=3e-3 * expected.std())


def _assert_head(model: keras.Model, classes: int) -> None:
    kinds = [type(layer).__name__ for layer in model.layers[-6:]]
    assert kinds[0] == "GlobalAveragePooling2D"
    assert kinds[1:] == ["Dropout", "Dense", "Dropout", "Dense", "Softmax"]
    assert model.get_layer("hidden").units == 256
    assert model.output_shape == (None, classes)


def _is_identity(norm: Any) -> bool:
    scale = np.asarray(norm.gamma) if norm.scale else 1
    deviation = np.sqrt(np.asarray(norm.moving_variance) + norm.epsilon)
    return np.allclose(scale / deviation, 1, rtol=1e-6)


# BatchNorms in all, and those among them that do not directly follow a convolution.
APPLICATIONS = [
    ("ResNet50V2", 49, 17),
    ("Xception", 40, 0),
]

# These change their first kernel for pretrained weights.
ADAPTED = {"resnet50", "efficientnet_b0"}


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Callable[[keras.Model], str]:
    """Save the weights of a model, and return the path."""
    folder = tmp_path_factory.mktemp("weights")

    def save(model: keras.Model) -> str:
        path = folder / f"{model.name}.weights.h5"
        model.save_weights(path)
        return str(path)

    return save


@pytest.mark.parametrize(("name", "norms", "unfolded"), APPLICATIONS)
def test_an_added_keras_application_is_folded_where_possible(
    name: str,
    norms: int,
    unfolded: int,
    saved: Callable[[keras.Model], str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    application = getattr(keras.applications, name)

    def added(pixels: Any, config: TrainingConfig) -> Any:
        scaled = keras.layers.Rescaling(1 / 127.5, offset=-1)(pixels)
        weights = config.weights if config.pretrained else None
        return application(input_tensor=scaled, include_top=False, weights=weights).output

    side = 75 if name == "Xception" else SIDE  # the smallest that it accepts
    original = application(input_shape=(side, side, 3), include_top=False, weights=None)
    _randomize_norms(original)
    monkeypatch.setitem(ARCHITECTURES, "custom_cnn", added)
    config = TrainingConfig(
        architecture="custom_cnn", weights=saved(original), image_size=side, upscale=1
    )
    pixels = np.random.default_rng(0).integers(0, 256, (2, side, side, 3)).astype(np.float32)

    model = build(config, 3)

    expected = _outputs(original, pixels / 127.5 - 1).mean((1, 2))
    _assert_same(_outputs(feature_extractor(model), pixels), expected)
    assert len(_norms(model)) == norms
    trainable = [norm for norm in _norms(model) if norm.trainable]
    assert len(trainable) == unfolded
    assert all(_is_identity(norm) for norm in _norms(model) if not norm.trainable)


@pytest.mark.parametrize("name", sorted(set(ARCHITECTURES) - {"custom_cnn"}))
def test_folding_keeps_the_function_of_every_pretrained_architecture(
    name: Architecture, saved: Callable[[keras.Model], str]
) -> None:
    options: dict[str, Any] = {"architecture": name, "image_size": SIDE}
    options["alpha"] = 0.35 if name in USES_ALPHA else 1
    pixels = keras.Input((SIDE, SIDE, 3))
    random = TrainingConfig(weights="none", **options)
    original = keras.Model(pixels, ARCHITECTURES[name](pixels, random), name=name)
    _randomize_norms(original)
    config = TrainingConfig(weights=saved(original), **options)
    unfolded = original
    if name in ADAPTED:
        unfolded = keras.Model(pixels, ARCHITECTURES[name](pixels, config))

    model = build(config, 3)

    expected = _outputs(unfolded, _pixels(2)).mean((1, 2))
    _assert_same(_outputs(feature_extractor(model), _pixels(2)), expected)
    assert not any(norm.trainable for norm in _norms(model))
    assert all(_is_identity(norm) for norm in _norms(model))
    _assert_head(model, classes=3)


def test_folding_keeps_the_function_of_the_custom_cnn() -> None:
    pixels = keras.Input((SIDE, SIDE, 3))
    config = TrainingConfig(architecture="custom_cnn", weights="none")
    model = keras.Model(pixels, ARCHITECTURES["custom_cnn"](pixels, config))
    _randomize_norms(model)
    expected = _outputs(model, _pixels(2))

    fold_batch_norms(model)

    _assert_same(_outputs(model, _pixels(2)), expected)
    assert not any(norm.trainable for norm in _norms(model))


def _after(convolution: Any, **options: Any) -> Callable[[Any], Any]:
    return lambda x: keras.layers.BatchNormalization(**options)(convolution(x))


def _shared(x: Any) -> Any:
    convolution = keras.layers.Conv2D(3, 3, padding="same")
    return keras.layers.BatchNormalization()(convolution(convolution(x)))


def _used_twice(x: Any) -> Any:
    x = keras.layers.Conv2D(3, 3)(x)
    return keras.layers.Add()([x, keras.layers.BatchNormalization()(x)])


LAYERS = keras.layers
FOLDABLE = [
    ("with a bias", _after(LAYERS.Conv2D(4, 3)), True),
    ("without center", _after(LAYERS.Conv2D(4, 3), center=False), True),
    ("without center and scale", _after(LAYERS.Conv2D(4, 3), center=False, scale=False), True),
    ("depthwise, two per channel", _after(LAYERS.DepthwiseConv2D(3, depth_multiplier=2)), True),
    ("separable with a bias", _after(LAYERS.SeparableConv2D(4, 3)), True),
    ("after an activation", _after(LAYERS.Conv2D(4, 3, activation="relu")), False),
    ("transposed", _after(LAYERS.Conv2DTranspose(4, 3)), False),
    ("another axis", _after(LAYERS.Conv2D(4, 3), axis=1), False),
    ("before a convolution", lambda x: LAYERS.Conv2D(4, 3)(LAYERS.BatchNormalization()(x)), False),
    ("shared convolution", _shared, False),
    ("convolution used twice", _used_twice, False),
]


@pytest.mark.parametrize(("layers", "folded"), [x[1:] for x in FOLDABLE], ids=lambda x: "")
def test_a_batch_norm_is_folded_or_left_trainable(
    layers: Callable[[Any], Any], folded: bool
) -> None:
    inputs = keras.Input((8, 8, 3))
    model = keras.Model(inputs, layers(inputs))
    rng = np.random.default_rng(1)
    for variable in model.weights:
        variable.assign(rng.uniform(0.5, 1.5, variable.shape))
    pixels = rng.normal(size=(2, 8, 8, 3)).astype(np.float32)
    before, weights = _outputs(model, pixels), model.get_weights()

    fold_batch_norms(model)

    _assert_same(_outputs(model, pixels), before)
    (norm,) = _norms(model)
    assert norm.trainable != folded
    unchanged = [np.array_equal(a, b) for a, b in zip(weights, model.get_weights(), strict=True)]
    assert all(unchanged) != folded


def test_pretrained_features_separate_real_pictures(
    shared_weights: Path, crops: Path, tmp_path: Path
) -> None:
    config = TrainingConfig(weights=str(shared_weights), image_size=96, batch_size=8)
    model = build(config, 3)
    fitting, validation = split(read_folder(crops / "train"), 0.25, seed=0)
    run = Run(tmp_path)

    train_head(model, fitting, validation, config, run, softened={})

    assert run.best_accuracy() >= 0.9


def test_the_model_maps_pixels_to_probabilities_and_logits() -> None:
    config = TrainingConfig(architecture="custom_cnn", weights="none", image_size=SIDE)
    model = build(config, classes=5)

    probabilities = _outputs(model, _pixels(3))
    logits = _outputs(logits_model(model), _pixels(3))

    assert probabilities.shape == (3, 5)
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, rtol=1e-5)
    np.testing.assert_allclose(keras.ops.softmax(logits), probabilities, rtol=1e-4)


def test_pictures_are_enlarged_inside_the_network() -> None:
    config = TrainingConfig(architecture="custom_cnn", weights="none", image_size=64, upscale=1.5)

    model = build(config, classes=3)

    assert model.input_shape == (None, 64, 64, 3)
    assert model.get_layer("rescale").output.shape == (None, 96, 96, 3)
    assert _outputs(model, _pixels(2)).shape == (2, 3)


def test_a_missing_weights_file_is_rejected() -> None:
    with pytest.raises(WeightsError, match=r"nowhere\.h5: no such weights file"):
        build(TrainingConfig(weights="nowhere.h5"), 3)


def test_weights_of_another_width_are_rejected(shared_weights: Path) -> None:
    with pytest.raises(WeightsError, match="Cannot use the weights"):
        build(TrainingConfig(weights=str(shared_weights), alpha=0.35), 3)


def test_a_file_without_weights_is_rejected(tmp_path: Path) -> None:
    path = tmp_path / "text.weights.h5"
    path.write_text("text")
    with pytest.raises(WeightsError, match="Cannot use the weights"):
        build(TrainingConfig(weights=str(path)), 3)


def test_an_architecture_without_pretrained_weights_says_so() -> None:
    with pytest.raises(WeightsError, match=r"no pretrained weights\.\n.*--weights none"):
        build(TrainingConfig(architecture="custom_cnn"), 3)


@pytest.mark.parametrize("name", sorted(set(ARCHITECTURES) - USES_ALPHA))
def test_alpha_is_rejected_by_architectures_that_ignore_it(name: Architecture) -> None:
    with pytest.raises(ConfigError, match=rf"{name} ignores alpha \(0\.5\).*mobilenet_v2"):
        build(TrainingConfig(architecture=name, weights="none", alpha=0.5), 3)


@pytest.mark.parametrize(
    ("architecture", "module", "name"),
    [
        ("mobilenet_v2", keras.applications.mobilenet_v2, "MobileNetV2"),
        ("resnet50", keras.applications.resnet50, "ResNet50"),
    ],
)
def test_features_equal_those_of_keras_with_its_preprocessing(
    architecture: Architecture, module: Any, name: str, saved: Callable[[keras.Model], str]
) -> None:
    original = getattr(module, name)(input_shape=(SIDE, SIDE, 3), include_top=False, weights=None)
    _randomize_norms(original)
    config = TrainingConfig(architecture=architecture, weights=saved(original), image_size=SIDE)

    model = build(config, 3)

    expected = _outputs(original, module.preprocess_input(_pixels(2))).mean((1, 2))
    features = _outputs(feature_extractor(model), _pixels(2))
    np.testing.assert_allclose(features, expected, rtol=2e-2, atol=1e-3 * np.abs(expected).max())


def test_efficientnet_weights_from_a_file_equal_downloads__get_file_mocked(
    saved: Callable[[keras.Model], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    original = keras.applications.EfficientNetB0(
        input_shape=(SIDE, SIDE, 3), include_top=False, weights=None
    )
    _randomize_norms(original)
    file = saved(original)
    monkeypatch.setattr(
        "keras.src.applications.efficientnet.file_utils.get_file", lambda *_, **__: file
    )

    downloaded, given = (
        _outputs(
            feature_extractor(
                build(TrainingConfig(architecture="efficientnet_b0", weights=w, image_size=SIDE), 3)
            ),
            _pixels(2),
        )
        for w in ("imagenet", file)
    )

    np.testing.assert_allclose(given, downloaded, rtol=1e-3, atol=1e-4 * np.abs(downloaded).max())


def test_every_architecture_can_be_chosen() -> None:
    assert set(ARCHITECTURES) == set(get_args(Architecture))


# The test of folding checks the head of the others.
@pytest.mark.parametrize("name", ["custom_cnn", "mobilenet_v2"])
def test_a_network_without_pretrained_weights_has_the_same_head(name: Architecture) -> None:
    model = build(TrainingConfig(architecture=name, weights="none", image_size=SIDE), 4)

    _assert_head(model, classes=4)


def test_the_share_of_fine_tuned_layers_can_be_chosen(
    saved: Callable[[keras.Model], str],
) -> None:
    backbone = keras.applications.MobileNetV2(
        (SIDE, SIDE, 3), alpha=0.35, include_top=False, weights=None
    )
    config = TrainingConfig(
        weights=saved(backbone), alpha=0.35, image_size=SIDE, fine_tuned_share=0.25
    )

    model = build(config, 3)

    assert not model.get_layer("Conv1").trainable
    assert not model.get_layer("block_8_project").trainable
    assert model.get_layer("Conv_1").trainable
    assert model.get_layer("hidden").trainable


def test_the_head_learns_and_contains_its_standardization() -> None:
    config = TrainingConfig(
        architecture="custom_cnn", weights="none", image_size=SIDE, batch_size=16
    )
    model = build(config, classes=3)
    rng = np.random.default_rng(1)
    labels = np.arange(300) % 3
    targets = np.eye(3, dtype=np.float32)[labels]
    scales, means = rng.uniform(0.01, 100, 256), rng.normal(0, 50, 256)
    signal = 0.5 * (np.arange(256) % 3 == labels[:, np.newaxis])
    features = ((signal + rng.normal(size=(300, 256))) * scales + means).astype(np.float32)

    epochs = fit_head(model, features[:200], targets[:200], (features[200:], targets[200:]), config)

    hidden, logits = model.get_layer("hidden"), model.get_layer("logits")
    predicted = np.asarray(logits(hidden(features[200:]))).argmax(axis=1)
    best = min(epochs, key=lambda epoch: epoch.val_loss)
    assert (predicted == labels[200:]).mean() == pytest.approx(best.val_accuracy)
    assert best.val_accuracy > 0.9
    assert [epoch.phase for epoch in epochs] == ["head"] * len(epochs)


def test_a_feature_of_few_pictures_gets_no_huge_weights() -> None:
    config = TrainingConfig(architecture="custom_cnn", weights="none", image_size=SIDE)
    model = build(config, classes=2)
    labels = np.arange(60) % 2
    targets = np.eye(2, dtype=np.float32)[labels]
    features = np.random.default_rng(0).normal(labels[:, np.newaxis], size=(60, 256))
    features[:, 7] = 0.01 * (np.arange(60) == 3)

    fit_head(model, features[:40], targets[:40], (features[40:], targets[40:]), config)

    largest = np.abs(model.get_layer("hidden").get_weights()[0]).max(axis=1)
    assert largest[7] < 20 * np.median(largest)
