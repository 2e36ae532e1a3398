"""The Keras network: a backbone, pooling and a head."""

from collections import Counter
from pathlib import Path
from typing import Any

import keras
import numpy as np

from training.config import TrainingConfig
from training.errors import ConfigError, WeightsError
from training.networks.architectures import ARCHITECTURES, USES_ALPHA

FEATURES = "features"  # the pooled output of the backbone
HIDDEN = "hidden"  # the dense layer
LOGITS = "logits"  # the layer before the softmax, where conversion cuts

_CONVOLUTIONS = (
    keras.layers.Conv2D,
    keras.layers.DepthwiseConv2D,
    keras.layers.SeparableConv2D,
)

# `audit` has no --weights.
_WHERE = ', with --weights or as "weights" in the file of --config'


def build(config: TrainingConfig, classes: int) -> Any:
    """Build the network of `config.architecture` with a head for `classes`.

    Returns:
        A `keras.Model`: float32 pixels 0..255, (batch, size, size, 3), to probabilities
        (batch, classes). With pretrained weights its BatchNorms are folded (see
        `fold_batch_norms`), and the layers below `config.fine_tuned_share` are frozen.

    Raises:
        ConfigError: see `check_network`.
        WeightsError: the weights are missing, cannot be downloaded, or do not fit.
    """
    check_network(config)
    x = pixels = keras.Input((config.image_size, config.image_size, 3), name="pixels")
    if config.working_size != config.image_size:
        x = keras.layers.Resizing(config.working_size, config.working_size, name="upscale")(x)
    try:
        x = ARCHITECTURES[config.architecture](x, config)
    except Exception as error:  # Keras raises ValueError, OSError, HTTPError, plain Exception …
        raise WeightsError(
            f"Cannot use the weights {config.weights!r}: {error}\n"
            f"Pass a file that was made for this architecture{_WHERE}. "
            "To train from random weights, pass --weights none."
        ) from error
    backbone = keras.Model(pixels, x)
    x = keras.layers.GlobalAveragePooling2D(name=FEATURES)(x)
    for layer in head_layers(config, classes):
        x = layer(x)
    probabilities = keras.layers.Softmax(name="softmax", dtype="float32")(x)
    if config.pretrained:
        fold_batch_norms(backbone)
        trained = round(len(backbone.layers) * config.fine_tuned_share)
        for layer in backbone.layers[: len(backbone.layers) - trained]:
            layer.trainable = False
    return keras.Model(pixels, probabilities, name="classifier")


def check_network(config: TrainingConfig) -> None:
    """Check what `build` needs, before the pictures are read.

    Raises:
        ConfigError: `alpha` is not 1, but the architecture ignores it.
        WeightsError: the weights file does not exist.
    """
    if config.alpha != 1 and config.architecture not in USES_ALPHA:
        raise ConfigError(
            f"{config.architecture} ignores alpha ({config.alpha}). Leave --alpha out, "
            f"or choose an architecture that uses it: {', '.join(sorted(USES_ALPHA))}."
        )
    if config.weights not in ("imagenet", "none") and not Path(config.weights).is_file():
        raise WeightsError(
            f"{config.weights}: no such weights file. "
            f'Pass the path of a file, "imagenet" or "none"{_WHERE}.'
        )


def head_layers(config: TrainingConfig, classes: int) -> list[Any]:
    """The layers from the pooled features to the logits."""
    return [
        keras.layers.Dropout(config.dropout, seed=config.seed, name="features_dropout"),
        keras.layers.Dense(config.dense_units, activation="relu", name=HIDDEN),
        keras.layers.Dropout(config.dropout, seed=config.seed + 1, name="hidden_dropout"),
        keras.layers.Dense(classes, name=LOGITS, dtype="float32"),
    ]


def fold_batch_norms(model: Any) -> None:
    """Fold each BatchNorm that directly follows a convolution into that convolution.

    The network computes the same function. What remains of a folded BatchNorm adds a bias, and is
    frozen. Fine-tuning needs this: MobileNetV2's depthwise BatchNorms have channels with a moving
    variance of 1e-5 and less. Frozen but not folded, they multiply gradients by up to 75, which
    destroys the network within tens of steps.

    A BatchNorm stays as it is, and trainable, if no plain, depthwise or separable convolution comes
    directly before it (as in DenseNet and ResNetV2, where it comes after a concatenation or a sum,
    and an activation separates it from the next convolution), if that convolution has an activation
    of its own, or if either layer is used more than once.

    Args:
        model: a functional model. Layers of nested models are not folded.
    """
    nodes = [node for depth in model._nodes_by_depth.values() for node in depth]
    calls = Counter(node.operation for node in nodes)
    uses = Counter(id(tensor) for node in nodes for tensor in node.input_tensors)
    for norm in model.layers:
        if not isinstance(norm, keras.layers.BatchNormalization) or calls[norm] > 1:
            continue
        convolution = norm.input._keras_history.operation
        if (
            isinstance(convolution, _CONVOLUTIONS)
            and convolution.activation is keras.activations.linear
            and calls[convolution] == 1
            and uses[id(norm.input)] == 1
            and norm.axis in (-1, 3)
        ):
            _fold(norm, convolution)


def _fold(norm: Any, convolution: Any) -> None:
    mean, variance = np.asarray(norm.moving_mean), np.asarray(norm.moving_variance)
    gamma = np.asarray(norm.gamma) if norm.scale else np.ones_like(mean)
    scale = gamma / np.sqrt(variance + norm.epsilon)
    weights = convolution.get_weights()
    last = -2 if convolution.use_bias else -1  # the pointwise kernel of a separable convolution
    kernel = weights[last]
    # A depthwise kernel is (height, width, channels, multiplier), a plain one (…, in, channels).
    depthwise = isinstance(convolution, keras.layers.DepthwiseConv2D)
    weights[last] = kernel * (scale.reshape(kernel.shape[2:]) if depthwise else scale)
    if convolution.use_bias:
        weights[-1] = weights[-1] * scale
    convolution.set_weights(weights)
    if norm.scale:
        norm.gamma.assign(np.ones_like(mean))
    if norm.center:
        norm.beta.assign(np.asarray(norm.beta) - mean * scale)
    norm.moving_mean.assign(np.zeros_like(mean) if norm.center else mean * scale)
    norm.moving_variance.assign(np.ones_like(mean) - norm.epsilon)
    norm.trainable = False


def feature_extractor(model: Any) -> Any:
    """`model` up to the pooled features: a `keras.Model` to (batch, features), float32."""
    return keras.Model(model.input, model.get_layer(FEATURES).output)


def with_features(model: Any) -> Any:
    """`model` with a second output, the pooled features: to (batch, classes), (batch, features)."""
    features = model.get_layer(FEATURES).output
    # The name is part of the converted file: without one, Keras numbers its models.
    return keras.Model(model.input, [model.output, features], name="logits_and_features")


def logits_model(model: Any) -> Any:
    """`model` without its softmax, for conversion: a `keras.Model` to (batch, classes), float32."""
    return keras.Model(model.input, model.get_layer(LOGITS).output, name="logits_of_classifier")
