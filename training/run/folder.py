"""Run folder: the configuration, pictures, model and results of one training run."""

import hashlib
import json
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict

from training.atomic import write_text
from training.calibration import Calibration
from training.config import Architecture, TrainingConfig
from training.data import Dataset, LabelledPictures
from training.errors import RunError
from training.run.history import Epoch, read_history

CONFIG, SPLIT, RESULT = "config.json", "split.json", "result.json"

# All that a run contains if `create` was interrupted: it writes the configuration last.
BARELY_BEGUN = {f".{SPLIT}.partial", SPLIT, f".{CONFIG}.partial"}

AUDIT = {"excluded", "audit_sha256"}  # fields of a split that older runs do not have

STATE_BYTES = 12  # per parameter: the weight and the optimizer's two moments, float32

M = TypeVar("M", bound=BaseModel)


class _Record(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Teacher(_Record):
    """A finished run that taught another one.

    Attributes:
        run: name of its folder.
        architecture: of its network.
        validation_accuracy: 0..1.
        model_sha256: hash of its `model.keras`.
    """

    run: str
    architecture: Architecture
    validation_accuracy: float
    model_sha256: str


class RefitOf(_Record):
    """The run that a refit repeats.

    Attributes:
        run: name of its folder.
        model_sha256: hash of its `model.keras`.
        validation_accuracy: 0..1, on all of its validation pictures.
    """

    run: str
    model_sha256: str
    validation_accuracy: float


class Split(_Record):
    """The pictures of a run. Paths are relative to the folder that contains the class folders.

    Attributes:
        dataset: name of the data folder.
        dataset_sha256: hash of the names and contents of all training and validation pictures, or
            with a validation part the `dataset_hash` of both parts.
        classes: class names, sorted.
        train: paths of the pictures to train on.
        validation: paths of the validation pictures. A refit did not learn them either.
        refitted: paths of former validation pictures that a refit learned.
        excluded: number of pictures that were left out because an audit lists them.
        audit_sha256: hash of that audit's JSON.
        validation_part: whether the validation pictures are a part of the data set, with a folder
            of its own. Otherwise they are a share of its training part.
        unlabeled: number of unlabeled pictures.
        unlabeled_sha256: hash of their names and contents.
        softened_sha256: hash of the targets of the softened label errors; None if there are none.
        teachers: the runs whose predictions are learned.
    """

    dataset: str
    dataset_sha256: str
    classes: tuple[str, ...]
    train: tuple[str, ...]
    validation: tuple[str, ...]
    refitted: tuple[str, ...] = ()
    excluded: int = 0
    audit_sha256: str | None = None
    validation_part: bool = False
    unlabeled: int = 0
    unlabeled_sha256: str | None = None
    softened_sha256: str | None = None
    teachers: tuple[Teacher, ...] = ()


class Result(_Record):
    """The result of a run. A run that has one is finished. Accuracies are 0..1.

    Attributes:
        head_accuracy: validation accuracy after the head phase; None without one.
        validation_accuracy: of the model that was kept.
        epochs: number of epochs that trained all layers.
        weights_sha256: hash of the weights file that training started from, if it was a file.
        finished: time of the end, UTC, ISO 8601.
        toolchain: versions of the libraries.
        calibration: temperature and threshold, fitted on the validation pictures. Those of a refit
            were fitted by the run that it repeats.
        refit: the run that was repeated; None if this is not a refit.
    """

    head_accuracy: float | None
    validation_accuracy: float
    epochs: int
    weights_sha256: str | None
    finished: str
    toolchain: dict[str, str]
    calibration: Calibration
    refit: RefitOf | None = None


@dataclass(frozen=True)
class Run:
    """The folder of a finished or unfinished run."""

    folder: Path

    @property
    def model_path(self) -> Path:
        return self.folder / "model.keras"

    @property
    def partial_model_path(self) -> Path:
        """The next model while it is being saved."""
        return self.folder / "partial.keras"

    @property
    def history_path(self) -> Path:
        return self.folder / "history.csv"

    @property
    def backup_path(self) -> Path:
        """Checkpoints of an unfinished run."""
        return self.folder / "backup"

    @property
    def begun(self) -> bool:
        return (self.folder / CONFIG).is_file()

    @property
    def finished(self) -> bool:
        return (self.folder / RESULT).is_file()

    def check_new(self) -> None:
        """Raise `RunError` unless the folder is missing, empty, or from an interrupted `create`."""
        if self.folder.exists() and {p.name for p in self.folder.iterdir()} - BARELY_BEGUN:
            raise RunError(
                f"{self.folder} is not empty. Choose another folder, "
                "or continue an interrupted run with --resume."
            )

    def check_resumable(self, config: TrainingConfig, split: Split) -> None:
        """Raise `RunError` unless this is an unfinished run with the same settings and pictures."""
        if not self.begun:
            raise RunError(f"{self.folder} contains no run to resume. Start one without --resume.")
        if self.finished:
            raise RunError(f"{self.folder}: the run is finished. There is nothing to resume.")
        # The audit itself may differ: the pictures show what it left out.
        begun, this = (s.model_dump(exclude=AUDIT) for s in (self.split(), split))
        if self.config() != config or begun != this:
            raise RunError(
                f"{self.folder}: the run was started with another configuration or other pictures. "
                "Repeat its options and data folder, or choose a new folder."
            )

    def check_space(self, needed: int) -> None:
        """Raise `RunError` if the folder's disk has less than `needed` bytes free."""
        there = next(p for p in (self.folder, *self.folder.absolute().parents) if p.is_dir())
        free = shutil.disk_usage(there).free
        if free < needed:
            raise RunError(
                f"{self.folder}: the disk has {free / 1e6:,.0f} MB free, but training needs "
                f"{needed / 1e6:,.0f} MB. Free some space (and continue an interrupted run with "
                "--resume), or choose a folder on another disk."
            )

    def create(self, config: TrainingConfig, split: Split, parameters: int) -> None:
        """Make the folder for training a network with this many `parameters`.

        Raises:
            RunError: the disk has too little free space.
        """
        # The model, a checkpoint, and room to write the next one of each.
        self.check_space(3 * STATE_BYTES * parameters)
        self.folder.mkdir(parents=True, exist_ok=True)
        self._write(SPLIT, split)
        self._write(CONFIG, config)

    def save(self, model: Any) -> None:
        """Save a Keras `model`, replacing the previous one atomically."""
        model.save(self.partial_model_path)
        self.partial_model_path.replace(self.model_path)

    def epochs(self) -> list[Epoch]:
        """All epochs so far."""
        return read_history(self.history_path) if self.history_path.is_file() else []

    def head_accuracy(self) -> float | None:
        """Validation accuracy, 0..1, of the head that was kept: the one with the lowest loss."""
        head = [epoch for epoch in self.epochs() if epoch.phase == "head"]
        return min(head, key=lambda epoch: epoch.val_loss).val_accuracy if head else None

    def best_accuracy(self) -> float | None:
        """Validation accuracy, 0..1, of the model that was kept; None if there is none yet."""
        accuracies = [epoch.val_accuracy for epoch in self.epochs() if epoch.phase == "all"]
        head = self.head_accuracy()
        return max(accuracies if head is None else [head, *accuracies], default=None)

    def finish(self, result: Result) -> None:
        """Write the result and delete the checkpoints."""
        self._write(RESULT, result)
        shutil.rmtree(self.backup_path, ignore_errors=True)

    def config(self) -> TrainingConfig:
        """Read the configuration. Raises `RunError` if it is missing or damaged."""
        return self._read(CONFIG, TrainingConfig)

    def split(self) -> Split:
        """Read the split. Raises `RunError` if it is missing or damaged."""
        return self._read(SPLIT, Split)

    def result(self) -> Result:
        """Read the result. Raises `RunError` if the run is not finished."""
        if not self.finished:
            raise RunError(f"{self.folder} contains no finished run.")
        return self._read(RESULT, Result)

    def calibration(self) -> Calibration:
        """Temperature and threshold. Raises `RunError` if the run is not finished."""
        return self.result().calibration

    def _read(self, name: str, model: type[M]) -> M:
        try:
            return model.model_validate_json((self.folder / name).read_bytes())
        except (OSError, ValueError) as error:
            raise RunError(f"{self.folder} contains no run ({name}: {error}).") from error

    def _write(self, name: str, value: BaseModel) -> None:
        text = json.dumps(value.model_dump(), indent=1, ensure_ascii=False)
        write_text(self.folder / name, f"{text}\n")


def resolve(pictures: LabelledPictures, names: tuple[str, ...]) -> LabelledPictures:
    """Find the pictures of a split by their `names` among `pictures`.

    Raises:
        RunError: a picture of the split is missing.
    """
    index = {path.as_posix(): i for i, path in enumerate(pictures.paths)}
    missing = [name for name in names if name not in index]
    if missing:
        raise RunError(
            f"{len(missing)} pictures of this run are not in {pictures.root}, first {missing[0]}. "
            "Pass the data folder that the run was trained on."
        )
    return pictures.subset(index[name] for name in names)


def validation_source(split: Split, dataset: Dataset) -> LabelledPictures:
    """The part of the data set that contains the validation pictures of a run.

    Raises:
        RunError: the run used a validation part, but the data set has none.
    """
    if not split.validation_part:
        return dataset.train
    if dataset.validation is None:
        raise RunError(
            f"The data set of {dataset.train.root} has no validation part, but the run was trained "
            "with one. Pass the data folder that the run was trained on."
        )
    return dataset.validation


def file_sha256(path: Path) -> str:
    """SHA-256 (hex) of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
