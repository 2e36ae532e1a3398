"""Distillation: finished runs teach a new one with the mean of their predictions.

The teachers see the same augmented pictures as the student (Beyer et al. 2022, "Knowledge
distillation: A good teacher is patient and consistent", arXiv:2106.05237). Unlabeled pictures are
learned from the teachers alone.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras
import tensorflow as tf

from training.config import TrainingConfig
from training.errors import RunError
from training.layout import composed
from training.run.folder import Run, Split, Teacher, file_sha256
from training.run.load import open_network


def check_teachers(
    config: TrainingConfig, dataset: str, classes: tuple[str, ...], validation: tuple[str, ...]
) -> tuple[Teacher, ...]:
    """Check that the runs of `config.teachers` can teach a run, before the work starts.

    Args:
        config: the configuration of the student.
        dataset: name of the student's data folder.
        classes: the student's classes.
        validation: the student's validation pictures, as in `Split.validation`.

    Returns:
        The teachers, as a run records them.

    Raises:
        RunError: a run is missing, unfinished or damaged; it has other classes or another picture
            size than the student; or it was trained on validation pictures of the student.
    """
    teachers = []
    for name in config.teachers:
        run = Run(Path(name))
        if not run.finished:
            state = "is unfinished: continue it with --resume" if run.begun else "is not a run"
            raise RunError(f"The teacher {name} {state}, or pass another run with --teacher.")
        split, result = run.split(), run.result()
        _check_input(name, run.config(), config)
        if composed(split.classes) != composed(classes):
            raise RunError(
                f"The teacher {name} has the classes {', '.join(split.classes)}, but the pictures "
                f"have {', '.join(classes)}. Pass a run with the same classes."
            )
        _check_validation(name, split, dataset, validation)
        if not run.model_path.is_file():
            raise RunError(
                f"{run.model_path}: no such file. Restore it, or train the teacher again."
            )
        teachers.append(
            Teacher(
                run=run.folder.resolve().name,
                architecture=run.config().architecture,
                validation_accuracy=result.validation_accuracy,
                model_sha256=file_sha256(run.model_path),
            )
        )
    return tuple(teachers)


def _check_input(name: str, teacher: TrainingConfig, student: TrainingConfig) -> None:
    if teacher.image_size != student.image_size:
        raise RunError(
            f"The teacher {name} was trained on pictures that are decoded at {teacher.image_size} "
            f"pixels per side, but this run decodes at {student.image_size}. Use --image-size "
            f"{teacher.image_size}, and --upscale for a larger size inside the network."
        )


def _check_validation(name: str, split: Split, dataset: str, validation: tuple[str, ...]) -> None:
    seen = set(split.train) & set(validation) if split.dataset == dataset else set()
    if seen and not split.validation_part:
        raise RunError(
            f"The teacher {name} was trained on {len(seen)} of the validation pictures of this "
            f"run, first {min(seen)}, so the validation figures would be too high. Use the split "
            "of the teacher: the same --split-seed (or --seed) and --validation-fraction."
        )


@dataclass(frozen=True)
class Lesson:
    """Targets from labels and teachers.

    Attributes:
        teachers: networks from pixels to logits, and the temperature of each.
        share: of the teachers' prediction in the target of a labeled picture, 0..1.
        smoothing: label smoothing, 0..1.
    """

    teachers: tuple[tuple[Any, float], ...]
    share: float
    smoothing: float

    def predict(self, pixels: Any) -> Any:
        """The mean of the teachers' probabilities, float32, (batch, classes)."""
        predictions = [
            tf.nn.softmax(network(pixels, training=False) / temperature)
            for network, temperature in self.teachers
        ]
        return tf.stop_gradient(tf.add_n(predictions) / len(predictions))

    def targets(self, pixels: Any, labels: Any) -> Any:
        """Mix labels and the teachers' predictions.

        Args:
            pixels: float32 0..255, (batch, size, size, 3).
            labels: float32, (batch, classes). A row sums to 1; to 0 for an unlabeled picture; or to
                a number between them if mixup mixed the two.

        Returns:
            Probabilities, float32, (batch, classes).
        """
        labeled = tf.reduce_sum(labels, axis=-1, keepdims=True)
        smoothed = labels * (1 - self.smoothing) + labeled * self.smoothing / labels.shape[-1]
        kept = 1 - self.share
        return kept * smoothed + (1 - kept * labeled) * self.predict(pixels)


def open_teachers(config: TrainingConfig) -> Lesson:
    """Load the networks of `config.teachers`.

    The logits of each are divided by the temperature of its run and by
    `config.teacher_temperature`.

    Raises:
        RunError: a model cannot be read, or does not fit its run.
    """
    runs = [Run(Path(name)) for name in config.teachers]
    teachers = tuple(
        (open_network(run), run.calibration().temperature * config.teacher_temperature)
        for run in runs
    )
    return Lesson(teachers, config.teacher_share, config.label_smoothing)


class Student(keras.Model):  # type: ignore[misc]
    """A network that learns the targets of a lesson. It shares the layers of `network`.

    Labels reach it as targets; an unlabeled picture has a row of zeros and counts for the loss, but
    not for the accuracy. Validation uses the labels alone.
    """

    def __init__(self, network: Any, lesson: Lesson) -> None:
        super().__init__(network.inputs, network.outputs)
        self._lesson = lesson
        self._distance = keras.losses.CategoricalCrossentropy()

    def compute_loss(
        self,
        x: Any = None,
        y: Any = None,
        y_pred: Any = None,
        sample_weight: Any = None,
        training: bool = True,
    ) -> Any:
        """Cross-entropy with the targets of the lesson; on validation, the compiled loss."""
        if training:
            return self._distance(self._lesson.targets(x, y), y_pred)
        return super().compute_loss(x, y, y_pred, sample_weight, training)

    def compute_metrics(self, x: Any, y: Any, y_pred: Any, sample_weight: Any = None) -> Any:
        """Metrics of the labeled pictures."""
        if sample_weight is None:
            sample_weight = tf.reduce_sum(y, axis=-1)
        return super().compute_metrics(x, y, y_pred, sample_weight)
