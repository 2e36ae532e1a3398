"""Phase one: a regularised linear head on the frozen network."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss
from sklearn.preprocessing import StandardScaler

# Inverse strengths to try. A head that is too free is over-confident, and its first gradients
# hurt the backbone; which strength is right depends on how many pictures there are.
STRENGTHS = (5e-4, 5e-3, 5e-2)

Floats = npt.NDArray[np.float32]
Doubles = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Head:
    """A linear layer on raw features: kernel (features, classes), bias (classes,).

    Attributes:
        strength: the C of the logistic regression that was chosen.
        validation_accuracy: 0..1, of this head on the validation features.
    """

    kernel: Doubles
    bias: Doubles
    strength: float
    validation_accuracy: float


def fit_head(
    features: Floats,
    labels: npt.NDArray[np.int64],
    validation_features: Floats,
    validation_labels: npt.NDArray[np.int64],
    seed: int,
) -> Head:
    """Multinomial logistic regression on standardised features (n, d), labels (n,).

    The strength with the lowest log loss on the validation features is taken; the standardisation
    is folded into the weights.
    """
    scaler = StandardScaler().fit(features)
    standardised = scaler.transform(features)
    validation = scaler.transform(validation_features)
    candidates = [
        LogisticRegression(C=strength, max_iter=1000, random_state=seed).fit(standardised, labels)
        for strength in STRENGTHS
    ]
    model = min(
        candidates,
        key=lambda m: log_loss(validation_labels, m.predict_proba(validation), labels=m.classes_),
    )
    weights, bias = model.coef_, model.intercept_
    if len(weights) == 1:  # two classes: one row, the log-odds of the second
        weights, bias = np.vstack([-weights, weights]) / 2, np.hstack([-bias, bias]) / 2
    kernel = (weights / scaler.scale_).T
    accuracy = float(model.score(validation, validation_labels))
    return Head(kernel, bias - scaler.mean_ @ kernel, model.C, accuracy)
