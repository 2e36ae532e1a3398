"""Head phase: train the head on the features of the frozen backbone."""

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
from sklearn.preprocessing import StandardScaler

from training.calibration import Floats
from training.config import TrainingConfig
from training.networks.build import HIDDEN, LOGITS, head_layers
from training.run.history import Epoch

SMALLEST_DEVIATION = 0.1  # of a feature, as a share of the median of all features


def fit_head(
    model: Any,
    features: Floats,
    targets: Floats,
    validation: tuple[Floats, Floats],
    config: TrainingConfig,
    logging: Sequence[Any] = (),
) -> list[Epoch]:
    """Train the head of `model`, and keep the weights with the lowest validation loss.

    The head is trained on standardized features, and the standardization is folded into its first
    layer. Trained on raw features it would be overconfident, and its first gradients would damage
    the backbone in fine-tuning.

    In few pictures, some features are almost always 0. Divided by their standard deviation, they
    would get weights hundreds of times as large as the others: a new picture with such a feature
    would be misclassified, and int8 would round the other weights to 0. So the deviation has a
    lower limit.

    Args:
        model: the whole network; only its head changes.
        features: of the pictures to train on, float32, (n, d).
        targets: of the same pictures, float32, (n, classes).
        validation: features and targets of the validation pictures.
        config: for learning rate, label smoothing, batch size, patience and the head's layers.
        logging: additional Keras callbacks.

    Returns:
        The epochs.
    """
    scaler = StandardScaler().fit(features)
    scaler.scale_ = np.maximum(scaler.scale_, SMALLEST_DEVIATION * np.median(scaler.scale_))
    layers = [*head_layers(config, targets.shape[1]), keras.layers.Softmax()]
    head = keras.Sequential([keras.Input((features.shape[1],)), *layers])
    head.compile(
        keras.optimizers.Adam(config.learning_rate),
        keras.losses.CategoricalCrossentropy(label_smoothing=config.label_smoothing),
        metrics=["accuracy"],
    )
    history = head.fit(
        scaler.transform(features),
        targets,
        config.batch_size,
        epochs=config.head_epochs,
        validation_data=(scaler.transform(validation[0]), validation[1]),
        verbose=0,
        callbacks=[
            keras.callbacks.ReduceLROnPlateau(patience=2, factor=0.3),
            keras.callbacks.EarlyStopping(patience=config.patience, restore_best_weights=True),
            *logging,
        ],
    ).history
    kernel, bias = head.get_layer(HIDDEN).get_weights()
    kernel = kernel / scaler.scale_[:, np.newaxis]
    model.get_layer(HIDDEN).set_weights([kernel, bias - scaler.mean_ @ kernel])
    model.get_layer(LOGITS).set_weights(head.get_layer(LOGITS).get_weights())
    return [
        Epoch(
            phase="head", epoch=epoch, **{name: values[epoch] for name, values in history.items()}
        )
        for epoch in range(len(history["loss"]))
    ]
