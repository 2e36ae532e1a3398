"""Training history: `history.csv`, one row per epoch."""

import csv
from io import StringIO
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict

from training.atomic import write_text
from training.errors import RunError


class Epoch(BaseModel):
    """Metrics of one epoch. Accuracies are 0..1.

    Attributes:
        phase: "head" while the backbone is frozen, "all" while its layers are trained too.
        epoch: counted from 0 across both phases.
        accuracy: on the training pictures during the epoch: with dropout and, in phase "all", with
            augmentation.
        loss: cross-entropy on the same pictures, in nats.
        val_accuracy: on the validation pictures after the epoch.
        val_loss: cross-entropy on the validation pictures, in nats.
        learning_rate: at the end of the epoch.
    """

    model_config = ConfigDict(frozen=True)

    phase: Literal["head", "all"]
    epoch: int
    accuracy: float
    loss: float
    val_accuracy: float
    val_loss: float
    learning_rate: float


def read_history(path: Path) -> list[Epoch]:
    """Read the epochs of a `history.csv`; the list is not empty.

    Raises:
        RunError: the file is missing, damaged or empty.
    """
    try:
        with path.open(newline="", encoding="utf-8") as file:
            epochs = [Epoch.model_validate(row) for row in csv.DictReader(file)]
    except (OSError, ValueError, csv.Error) as error:
        raise RunError(
            f"{path} is not the history of a run: {error}\nRestore the file, or train again."
        ) from error
    if not epochs:
        raise RunError(f"{path} contains no epochs. Restore the file, or train again.")
    return epochs


def write_history(path: Path, epochs: list[Epoch]) -> None:
    """Write a `history.csv` atomically."""
    text = StringIO(newline="")
    writer = csv.DictWriter(text, list(Epoch.model_fields))
    writer.writeheader()
    writer.writerows(epoch.model_dump() for epoch in epochs)
    write_text(path, text.getvalue())
