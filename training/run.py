"""The run folder: everything a run was made from and made."""

import csv
import hashlib
import json
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel, ConfigDict

from training.config import TrainingConfig
from training.data import LabelledPictures

CONFIG, SPLIT, HEAD, RESULT = "config.json", "split.json", "head.json", "result.json"

M = TypeVar("M", bound=BaseModel)


class RunError(ValueError):
    """The run folder cannot be used; the message says why."""


class _Record(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Split(_Record):
    """Which pictures a run trained on. Paths are relative to the folder of the classes.

    Attributes:
        dataset_sha256: of all training and validation pictures, names and contents.
    """

    dataset: str
    dataset_sha256: str
    classes: tuple[str, ...]
    train: tuple[str, ...]
    validation: tuple[str, ...]


class HeadResult(_Record):
    """What came of phase one; the accuracy is 0..1."""

    validation_accuracy: float


class Result(_Record):
    """What came of a run; its presence says that the run is finished. Accuracies are 0..1.

    Attributes:
        weights_sha256: of the weights file that training started from, if it was a file.
        finished: time of the end, UTC, ISO 8601.
    """

    head_accuracy: float | None
    validation_accuracy: float
    validation_loss: float
    epochs: int
    weights_sha256: str | None
    finished: str
    toolchain: dict[str, str]


@dataclass(frozen=True)
class Run:
    """A folder of a finished or unfinished run."""

    folder: Path

    @property
    def model_path(self) -> Path:
        return self.folder / "model.keras"

    @property
    def history_path(self) -> Path:
        return self.folder / "history.csv"

    @property
    def backup_path(self) -> Path:
        return self.folder / "backup"

    @property
    def finished(self) -> bool:
        return (self.folder / RESULT).is_file()

    def check_new(self) -> None:
        """Raise `RunError` where the folder holds anything."""
        if self.folder.exists() and any(self.folder.iterdir()):
            raise RunError(
                f"{self.folder}: is not empty. Choose another folder, "
                "or go on with an interrupted run by --resume."
            )

    def check_resumable(self, config: TrainingConfig, split: Split) -> None:
        """Raise `RunError` unless the folder holds an unfinished run of just this."""
        if self.finished:
            raise RunError(f"{self.folder}: this run is finished; there is nothing to resume.")
        if self.config() != config or self.split() != split:
            raise RunError(
                f"{self.folder}: was begun with another configuration or other pictures."
            )

    def create(self, config: TrainingConfig, split: Split) -> None:
        """Make the folder."""
        self.folder.mkdir(parents=True, exist_ok=True)
        self._write(CONFIG, config)
        self._write(SPLIT, split)

    def write_head(self, head: HeadResult) -> None:
        """Record the end of phase one."""
        self._write(HEAD, head)

    def head(self) -> HeadResult | None:
        """What came of phase one, None where there was none."""
        return self._read(HEAD, HeadResult) if (self.folder / HEAD).is_file() else None

    def epoch_accuracies(self) -> list[float]:
        """Validation accuracy, 0..1, of each epoch of phase two so far."""
        if not self.history_path.is_file():
            return []
        with self.history_path.open(newline="") as file:
            return [float(row["val_accuracy"]) for row in csv.DictReader(file)]

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

    def _read(self, name: str, model: type[M]) -> M:
        try:
            return model.model_validate_json((self.folder / name).read_text())
        except (OSError, ValueError) as error:
            raise RunError(f"{self.folder}: holds no run ({name}: {error}).") from error

    def _write(self, name: str, value: BaseModel) -> None:
        partial = self.folder / f".{name}.partial"
        partial.write_text(json.dumps(value.model_dump(), indent=1, ensure_ascii=False) + "\n")
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
