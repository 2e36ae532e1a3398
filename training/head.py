"""Phase one: the head on the features of the frozen network."""

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
import numpy.typing as npt
from sklearn.preprocessing import StandardScaler

from training.config import TrainingConfig
from training.networks.build import HIDDEN, LOGITS, head_layers
from training.run.history import Epoch

Floats = npt.NDArray[np.float32]


def fit_head(
    model: Any,
    features: Floats,
    targets: Floats,
    validation: tuple[Floats, Floats],
    config: TrainingConfig,
    logging: Sequence[Any] = (),
) -> list[Epoch]:
    """Train the head of `model` on features (n, d) and targets (n, classes).

    It learns on standardised features; the standardisation is folded into its first layer. On raw
    ones it becomes over-confident, and its first gradients hurt the network under it.

    Args:
        model: the whole network.
        features: of the pictures to train on.
        targets: of the same.
        validation: features and targets of the others.
        config: rate, smoothing, patience.
        logging: more callbacks.

    Returns:
        The epochs. The head is the one of the lowest validation loss.
    """
    scaler = StandardScaler().fit(features)
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
