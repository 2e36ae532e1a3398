"""The Keras network: uint8 or float pixels 0..255 in, softmax out."""

from pathlib import Path
from typing import Any

import keras
import numpy as np

from training.config import TrainingConfig
from training.errors import WeightsError
from training.networks.architectures import ARCHITECTURES

FEATURES = "features"  # the pooled output of the backbone
HIDDEN = "hidden"  # the dense layer
LOGITS = "logits"  # the layer before the softmax, where conversion cuts


def build(config: TrainingConfig, classes: int) -> Any:
    """The network of `config.architecture` with a head for `classes`.

    Returns:
        A `keras.Model`: (batch, size, size, 3) pixels 0..255 to (batch, classes) probabilities.
        With pretrained weights its BatchNorms are folded (see `fold_batch_norms`) and frozen, and
        so are all layers below `config.fine_tuned_share`.

    Raises:
        WeightsError: weights that cannot be downloaded, are not there or do not fit.
    """
    if config.weights not in ("imagenet", "none") and not Path(config.weights).is_file():
        raise WeightsError(f"{config.weights}: no such weights file.")
    x = pixels = keras.Input((config.image_size, config.image_size, 3), name="pixels")
    if config.working_size != config.image_size:
        x = keras.layers.Resizing(config.working_size, config.working_size, name="upscale")(x)
    try:
        x = ARCHITECTURES[config.architecture](x, config)
    except Exception as error:  # Keras raises ValueError, OSError, HTTPError, plain Exception …
        raise WeightsError(
            f"The weights {config.weights!r} cannot be used: {error}\n"
            "Give a file that was made for this architecture (--weights PATH), "
            "or train from nothing (--weights none)."
        ) from error
    backbone = keras.Model(pixels, x)
    x = keras.layers.GlobalAveragePooling2D(name=FEATURES)(x)
    for layer in head_layers(config, classes):
        x = layer(x)
    probabilities = keras.layers.Softmax(name="softmax", dtype="float32")(x)
    if config.pretrained:
        fold_batch_norms(backbone)
        learning = round(len(backbone.layers) * config.fine_tuned_share)
        for layer in backbone.layers[: len(backbone.layers) - learning]:
            layer.trainable = False
    return keras.Model(pixels, probabilities, name="classifier")


def head_layers(config: TrainingConfig, classes: int) -> list[Any]:
    """The layers from the pooled features to the logits."""
    return [
        keras.layers.Dropout(config.dropout, seed=config.seed, name="features_dropout"),
        keras.layers.Dense(config.dense_units, activation="relu", name=HIDDEN),
        keras.layers.Dropout(config.dropout, seed=config.seed + 1, name="hidden_dropout"),
        keras.layers.Dense(classes, name=LOGITS, dtype="float32"),
    ]


def fold_batch_norms(model: Any) -> None:
    """Multiply every BatchNorm into the convolution before it; what is left of it adds a bias.

    The function computed stays the same. Fine-tuning needs it: MobileNetV2's depthwise BatchNorms
    hold channels with a moving variance of 1e-5 and less, and frozen as they are they multiply
    gradients by up to 75, which wrecks the network in tens of steps.
    """
    norms = [x for x in model.layers if isinstance(x, keras.layers.BatchNormalization)]
    for norm in norms:
        convolution = norm.input._keras_history.operation
        gamma, beta, mean, variance = (np.asarray(w) for w in norm.get_weights())
        scale = gamma / np.sqrt(variance + norm.epsilon)
        kernel, *bias = convolution.get_weights()
        depthwise = isinstance(convolution, keras.layers.DepthwiseConv2D)
        # A depthwise kernel is (h, w, channels, 1), a plain one (h, w, in, channels).
        factor = scale[:, np.newaxis] if depthwise else scale
        convolution.set_weights([kernel * factor, *(b * scale for b in bias)])
        ones = np.ones_like(gamma)
        norm.set_weights([ones, beta - mean * scale, 0 * ones, ones - norm.epsilon])
        norm.trainable = False


def feature_extractor(model: Any) -> Any:
    """The part of `model` up to the pooled features: (batch, features) float32."""
    return keras.Model(model.input, model.get_layer(FEATURES).output)


def logits_model(model: Any) -> Any:
    """`model` without its softmax: what conversion quantises."""
    return keras.Model(model.input, model.get_layer(LOGITS).output, name="logits_of_classifier")
