"""The history of a run: a line of `history.csv` an epoch."""

import csv
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict

from training.errors import RunError


class Epoch(BaseModel):
    """What an epoch came to.

    Attributes:
        phase: "head" on the frozen network, "all" where its layers learn too.
        epoch: counted from 0, on across both phases.
        accuracy: 0..1, on the training pictures as they went by: with dropout and, in phase "all",
            augmented.
        loss: on the same.
        val_accuracy: 0..1, on the validation pictures after the epoch.
        val_loss: on the same.
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
    """The epochs of a `history.csv`, at least one.

    Raises:
        RunError: no such file, or it is not a history.
    """
    try:
        with path.open(newline="", encoding="utf-8") as file:
            epochs = [Epoch.model_validate(row) for row in csv.DictReader(file)]
    except (OSError, ValueError, csv.Error) as error:
        raise RunError(f"{path}: is not the history of a run ({error}).") from error
    if not epochs:
        raise RunError(f"{path}: holds no epoch.")
    return epochs


def write_history(path: Path, epochs: list[Epoch]) -> None:
    """Write a `history.csv`, all of it or nothing."""
    partial = path.with_suffix(".partial")
    with partial.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(Epoch.model_fields))
        writer.writeheader()
        writer.writerows(epoch.model_dump() for epoch in epochs)
    partial.replace(path)
