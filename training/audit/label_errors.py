"""Likely label errors: pictures whose label contradicts a classifier that has not seen them.

A logistic regression on the features of a frozen ImageNet network predicts each picture from the
other folds of a cross-validation. Confident learning (Northcutt, Jiang, Chuang 2021, "Confident
Learning: Estimating Uncertainty in Dataset Labels", arXiv:1911.00068, section 3.1) then finds the
pictures that confidently belong to another class than their label.
"""

import warnings
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss
from sklearn.model_selection import StratifiedKFold, cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from training.audit.findings import LabelError
from training.calibration import Floats, Labels
from training.data import LabelledPictures
from training.errors import DataError

FOLDS = 5
# Inverse regularization of the mean loss; the one with the lowest out-of-fold loss is used.
STRENGTHS = (2.0, 20.0, 200.0)
SEED = 0


def find_label_errors(pictures: LabelledPictures, features: Floats) -> tuple[LabelError, ...]:
    """List the likely label errors, the most doubtful label first.

    Args:
        pictures: n pictures without duplicates, because a copy in another fold confirms its label.
        features: of these pictures, float, (n, d), from a network that has not learned the labels.

    Raises:
        DataError: a class has too few pictures for the cross-validation.
    """
    probabilities = out_of_fold(features, pictures.labels, pictures.classes)
    suggested = confident_labels(probabilities, pictures.labels)
    (doubtful,) = np.nonzero(suggested != pictures.labels)
    given = probabilities[doubtful, pictures.labels[doubtful]]
    return tuple(
        LabelError(
            path=pictures.paths[i].as_posix(),
            label=pictures.classes[pictures.labels[i]],
            suggested=pictures.classes[suggested[i]],
            probabilities={
                name: round(float(p), 4)
                for name, p in zip(pictures.classes, probabilities[i], strict=True)
            },
        )
        for i in doubtful[np.argsort(given, kind="stable")]
    )


def out_of_fold(features: Floats, labels: Labels, classes: Sequence[str]) -> Floats:
    """Probabilities (n, classes) of each picture from a classifier fitted without its fold.

    Raises:
        DataError: a class has too few pictures.
    """
    counts = np.bincount(labels, minlength=len(classes))
    if counts.min() < FOLDS:
        raise DataError(
            f"Label errors are searched with {FOLDS} folds, but the class "
            f"{classes[int(counts.argmin())]!r} has {counts.min()} pictures. Add some, or leave "
            "out --label-errors."
        )
    folds = StratifiedKFold(FOLDS, shuffle=True, random_state=SEED)
    best: Floats | None = None
    lowest = np.inf
    for strength in STRENGTHS:
        classifier = make_pipeline(
            StandardScaler(), LogisticRegression(C=strength / len(labels), max_iter=300)
        )
        with warnings.catch_warnings():
            # Probabilities of a fit that stopped early are good enough to rank pictures.
            warnings.simplefilter("ignore", ConvergenceWarning)
            predicted = cross_val_predict(
                classifier, features, labels, cv=folds, method="predict_proba"
            )
        if (loss := log_loss(labels, predicted)) < lowest:
            best, lowest = predicted, loss
    if best is None:
        raise DataError("The features of the pictures contain NaN or infinity.")
    return best


def confident_labels(probabilities: Floats, labels: Labels) -> npt.NDArray[np.int64]:
    """The class to which each picture confidently belongs: its own label if there is none.

    A picture confidently belongs to a class if its probability is at least the mean probability of
    that class among the pictures labeled with it. Of several such classes, the most probable
    counts. These are the rows and columns of the confident joint (equation 1 of the paper).

    Args:
        probabilities: out-of-fold, (n, classes).
        labels: the given labels, (n,). Every class occurs.
    """
    classes = probabilities.shape[1]
    thresholds = [probabilities[labels == k, k].mean() for k in range(classes)]
    confident = np.where(probabilities >= thresholds, probabilities, -1)
    best = confident.argmax(axis=1)
    return np.where(confident.max(axis=1) < 0, labels, best).astype(np.int64)
