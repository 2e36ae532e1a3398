"""Targets of labeled pictures, with likely label errors left out or softened."""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from training.audit.findings import LabelError, read_label_errors
from training.calibration import Floats
from training.config import TrainingConfig
from training.data import LabelledPictures
from training.errors import ConfigError, DataError
from training.selection import check_listed, check_remaining

# Share of the label in a softened target; the rest is the out-of-fold prediction. The target is
# that of soft bootstrapping (Reed et al. 2015, arXiv:1412.6596, equation 6), with the prediction of
# another network. The paper's 0.95 is for all pictures; these are doubtful ones.
KEPT = 0.5

Softened = Mapping[Path, Floats]  # targets (classes,) by path as in `LabelledPictures`


def doubtful_labels(
    config: TrainingConfig, audit: Path | None, pictures: LabelledPictures
) -> tuple[LabelError, ...]:
    """Read the likely label errors that `config` excludes or softens.

    Args:
        config: the configuration of the run.
        audit: the JSON of an audit of `pictures`.
        pictures: the training part of the data set.

    Raises:
        ConfigError: there is no audit to read them from.
        DataError: the audit cannot be read, has no label errors, or is one of other pictures.
    """
    if config.label_errors == "keep":
        return ()
    if audit is None:
        raise ConfigError(
            f"--label-errors {config.label_errors} needs an audit. Pass its audit.json with "
            "--exclude."
        )
    errors = read_label_errors(audit)
    check_listed(frozenset(error.path for error in errors), pictures)
    if any(error.probabilities.keys() != set(pictures.classes) for error in errors):
        raise DataError(f"{audit} is an audit of other classes. Audit {pictures.root} again.")
    return errors


def without_label_errors(
    fitting: LabelledPictures, errors: tuple[LabelError, ...]
) -> LabelledPictures:
    """The pictures without likely label errors. Errors among the validation pictures stay there.

    Raises:
        DataError: nothing would remain of a class.
    """
    excluded = frozenset(each.path for each in errors)
    check_remaining(excluded, fitting, "training pictures")
    return fitting.without(excluded)


def soft_targets(
    config: TrainingConfig, fitting: LabelledPictures, errors: tuple[LabelError, ...]
) -> Softened:
    """Targets of the likely label errors among `fitting`; empty unless `config` softens them."""
    if config.label_errors != "soften":
        return {}
    paths = {path.as_posix(): path for path in fitting.paths}
    softened = {}
    for error in errors:
        if error.path in paths:
            predicted = np.array([error.probabilities[name] for name in fitting.classes])
            label = np.array([name == error.label for name in fitting.classes])
            target = KEPT * label + (1 - KEPT) * predicted / predicted.sum()
            softened[paths[error.path]] = target.astype(np.float32)
    print(f"Softening {len(softened):,} likely label errors.")
    return softened


def softened_sha256(softened: Softened) -> str | None:
    """Hash of softened targets; None if there are none."""
    if not softened:
        return None
    listed = {path.as_posix(): target.tolist() for path, target in softened.items()}
    return hashlib.sha256(json.dumps(listed, sort_keys=True).encode()).hexdigest()


def targets(pictures: LabelledPictures, softened: Softened | None = None) -> Floats:
    """One-hot or softened labels: float32, (n, classes), with zeros for an unlabeled picture."""
    classes = np.arange(len(pictures.classes))
    rows: Floats = (pictures.labels[:, np.newaxis] == classes).astype(np.float32)
    for i, path in enumerate(pictures.paths if softened else ()):
        if softened and path in softened:
            rows[i] = softened[path]
    return rows
