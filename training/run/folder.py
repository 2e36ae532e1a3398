"""The run folder: everything a run was made from and made."""

import hashlib
import json
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict

from training.calibration import Calibration
from training.config import TrainingConfig
from training.data import LabelledPictures
from training.errors import RunError
from training.run.history import Epoch, read_history

CONFIG, SPLIT, RESULT = "config.json", "split.json", "result.json"

# What there is of a run whose beginning was cut off: `create` writes the configuration last.
BARELY_BEGUN = {f".{SPLIT}.partial", SPLIT, f".{CONFIG}.partial"}

AUDIT = {"excluded", "audit_sha256"}  # of a split, not in runs of before

STATE_BYTES = 12  # a parameter: its weight and the optimiser's two moments, float32

M = TypeVar("M", bound=BaseModel)


class _Record(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Split(_Record):
    """Which pictures a run trained on. Paths are relative to the folder of the classes.

    Attributes:
        dataset_sha256: of all training and validation pictures, names and contents.
        excluded: how many others an audit listed, which were left out.
        audit_sha256: of that audit's JSON.
    """

    dataset: str
    dataset_sha256: str
    classes: tuple[str, ...]
    train: tuple[str, ...]
    validation: tuple[str, ...]
    excluded: int = 0
    audit_sha256: str | None = None


class Result(_Record):
    """What came of a run; its presence says that the run is finished. Accuracies are 0..1.

    Attributes:
        head_accuracy: of the head on the frozen network, on validation.
        epochs: of all layers.
        weights_sha256: of the weights file that training started from, if it was a file.
        finished: time of the end, UTC, ISO 8601.
        calibration: fitted on the validation pictures.
    """

    head_accuracy: float | None
    validation_accuracy: float
    epochs: int
    weights_sha256: str | None
    finished: str
    toolchain: dict[str, str]
    calibration: Calibration


@dataclass(frozen=True)
class Run:
    """A folder of a finished or unfinished run."""

    folder: Path

    @property
    def model_path(self) -> Path:
        return self.folder / "model.keras"

    @property
    def partial_model_path(self) -> Path:
        """The next model, until it is whole."""
        return self.folder / "partial.keras"

    @property
    def history_path(self) -> Path:
        return self.folder / "history.csv"

    @property
    def backup_path(self) -> Path:
        """Checkpoints, while the run is not finished."""
        return self.folder / "backup"

    @property
    def begun(self) -> bool:
        return (self.folder / CONFIG).is_file()

    @property
    def finished(self) -> bool:
        return (self.folder / RESULT).is_file()

    def check_new(self) -> None:
        """Raise `RunError` where the folder holds anything, but for a run that barely began."""
        if self.folder.exists() and {p.name for p in self.folder.iterdir()} - BARELY_BEGUN:
            raise RunError(
                f"{self.folder}: is not empty. Choose another folder, "
                "or go on with an interrupted run by --resume."
            )

    def check_resumable(self, config: TrainingConfig, split: Split) -> None:
        """Raise `RunError` unless the folder holds an unfinished run of just this."""
        if not self.begun:
            raise RunError(
                f"{self.folder}: holds no run to go on with. Begin one by leaving --resume out."
            )
        if self.finished:
            raise RunError(f"{self.folder}: this run is finished; there is nothing to resume.")
        # What an audit left out shows in the pictures.
        begun, this = (s.model_dump(exclude=AUDIT) for s in (self.split(), split))
        if self.config() != config or begun != this:
            raise RunError(
                f"{self.folder}: was begun with another configuration or other pictures."
            )

    def check_space(self, needed: int) -> None:
        """Raise `RunError` where the folder's disk has less than `needed` bytes free."""
        there = next(p for p in (self.folder, *self.folder.absolute().parents) if p.is_dir())
        free = shutil.disk_usage(there).free
        if free < needed:
            raise RunError(
                f"{self.folder}: {needed / 1e6:,.0f} MB are needed on its disk, "
                f"{free / 1e6:,.0f} MB are free. Make room (an interrupted run then goes on by "
                "--resume), or choose a folder on another disk."
            )

    def create(self, config: TrainingConfig, split: Split, parameters: int) -> None:
        """Make the folder for the training of a network of so many `parameters`.

        Raises:
            RunError: the disk has too little room.
        """
        # The model, a checkpoint, and the next one of either.
        self.check_space(3 * STATE_BYTES * parameters)
        self.folder.mkdir(parents=True, exist_ok=True)
        self._write(SPLIT, split)
        self._write(CONFIG, config)

    def save(self, model: Any) -> None:
        """Keep a Keras `model`; it takes the place of the one before when it is whole."""
        model.save(self.partial_model_path)
        self.partial_model_path.replace(self.model_path)

    def epochs(self) -> list[Epoch]:
        """The epochs so far."""
        return read_history(self.history_path) if self.history_path.is_file() else []

    def head_accuracy(self) -> float | None:
        """Validation accuracy, 0..1, of the head that was kept, the one of the lowest loss."""
        head = [epoch for epoch in self.epochs() if epoch.phase == "head"]
        return min(head, key=lambda epoch: epoch.val_loss).val_accuracy if head else None

    def best_accuracy(self) -> float | None:
        """Validation accuracy, 0..1, of the model that is kept; None where there is none yet."""
        accuracies = [epoch.val_accuracy for epoch in self.epochs() if epoch.phase == "all"]
        head = self.head_accuracy()
        return max(accuracies if head is None else [head, *accuracies], default=None)

    def finish(self, result: Result) -> None:
        """Record the result and drop what was only kept to resume."""
        self._write(RESULT, result)
        shutil.rmtree(self.backup_path, ignore_errors=True)

    def config(self) -> TrainingConfig:
        """The configuration. Raises `RunError` where there is none."""
        return self._read(CONFIG, TrainingConfig)

    def split(self) -> Split:
        """The pictures. Raises `RunError` where there are none."""
        return self._read(SPLIT, Split)

    def result(self) -> Result:
        """The result. Raises `RunError` where the run is not finished."""
        if not self.finished:
            raise RunError(f"{self.folder}: holds no finished run.")
        return self._read(RESULT, Result)

    def calibration(self) -> Calibration:
        """Temperature and threshold. Raises `RunError` where the run is not finished."""
        return self.result().calibration

    def _read(self, name: str, model: type[M]) -> M:
        try:
            return model.model_validate_json((self.folder / name).read_bytes())
        except (OSError, ValueError) as error:
            raise RunError(f"{self.folder}: holds no run ({name}: {error}).") from error

    def _write(self, name: str, value: BaseModel) -> None:
        partial = self.folder / f".{name}.partial"
        text = json.dumps(value.model_dump(), indent=1, ensure_ascii=False)
        partial.write_text(f"{text}\n", encoding="utf-8")
        partial.rename(self.folder / name)


def resolve(pictures: LabelledPictures, names: tuple[str, ...]) -> LabelledPictures:
    """The pictures of a split's `names` in the folder that `pictures` lists.

    Raises:
        RunError: a picture of the split is no longer there.
    """
    index = {path.as_posix(): i for i, path in enumerate(pictures.paths)}
    missing = [name for name in names if name not in index]
    if missing:
        raise RunError(
            f"{len(missing)} pictures of this run are not in {pictures.root}, first {missing[0]}."
        )
    return pictures.subset(index[name] for name in names)


def file_sha256(path: Path) -> str:
    """SHA-256 (hex) of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
