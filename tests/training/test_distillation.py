"""Distillation: teachers, unlabeled pictures and mixup."""

import shutil
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf

from convert.bundle import make_bundle
from lambda_api.evaluation import Thresholds
from tests.small_line import LENIENT as LIMITS
from training.__main__ import main
from training.batches import stream
from training.calibration import calibrated
from training.config import TrainingConfig
from training.data import read_folder
from training.errors import RunError
from training.prepare import prepare
from training.run.checkpoint import Checkpoint
from training.run.folder import Run, file_sha256
from training.run.load import open_network
from training.teachers import Lesson, Student, check_teachers, open_teachers

# The network of `small_run`, with the split of its seed, without much to compile.
OPTIONS = [
    "--architecture",
    "custom_cnn",
    "--weights",
    "none",
    "--image-size",
    "64",
    "--batch-size",
    "24",
]


def _options(run: Run, teacher: Run, crops: Path, *more: str) -> list[str]:
    data = ["train", str(crops), str(run.folder), *OPTIONS]
    return [*data, "--augmentation", "light", "--teacher", str(teacher.folder), *more]


def _lesson(teacher: Run, **changes: float | tuple[str, ...]) -> Lesson:
    changes = {"teachers": (str(teacher.folder),), "teacher_share": 1.0} | changes
    return open_teachers(TrainingConfig(image_size=64, **changes))


def _crops(crops: Path, count: int = 4) -> np.ndarray:
    pictures = read_folder(crops / "test")
    return next(stream(pictures, 64, count).as_numpy_iterator())


def test_targets_mix_labels_and_the_mean_of_calibrated_teachers(small_run: Run, crops) -> None:
    pixels = _crops(crops)
    logits = open_network(small_run).predict(pixels, verbose=0)
    temperature = small_run.calibration().temperature
    expected = calibrated(logits, temperature)
    labels = np.eye(3, dtype=np.float32)[[0, 1, 2, 0]]
    none = np.zeros((4, 3), np.float32)

    taught = _lesson(small_run, teachers=(str(small_run.folder),) * 2)
    np.testing.assert_allclose(taught.targets(pixels, labels), expected, atol=1e-5)
    softer = _lesson(small_run, teacher_temperature=3.0)
    np.testing.assert_allclose(
        softer.targets(pixels, labels), calibrated(logits, 3 * temperature), atol=1e-5
    )
    mixed = _lesson(small_run, teacher_share=0.25, label_smoothing=0.3)
    np.testing.assert_allclose(
        mixed.targets(pixels, labels),
        0.75 * (0.7 * labels + 0.1) + 0.25 * expected,
        atol=1e-5,
    )
    np.testing.assert_allclose(mixed.targets(pixels, none), expected, atol=1e-5)


def test_the_loss_uses_the_lesson_in_training_and_the_labels_in_validation(
    small_run: Run, crops: Path
) -> None:
    network = keras.models.load_model(small_run.model_path, compile=False)
    student = Student(network, _lesson(small_run))
    student.compile(loss="categorical_crossentropy", weighted_metrics=["accuracy"])
    pixels = tf.constant(_crops(crops, 6))
    predicted = network(pixels, training=False)
    labels = np.eye(3, dtype=np.float32)[[0] * 6]
    teacher = calibrated(np.log(np.asarray(predicted)), small_run.calibration().temperature)
    taught = -(teacher * np.log(predicted)).sum(axis=1).mean()
    from_labels = -(labels * np.log(predicted)).sum(axis=1).mean()
    loss = student.compute_loss(pixels, labels, predicted)
    assert float(loss) == pytest.approx(taught, abs=1e-4)
    loss = student.compute_loss(pixels, labels, predicted, training=False)
    assert float(loss) == pytest.approx(from_labels, abs=1e-4)
    # An unlabeled picture does not count for the accuracy.
    right = np.eye(3, dtype=np.float32)[np.asarray(predicted).argmax(axis=1)]
    right[0] = 0
    metrics = student.compute_metrics(pixels, right, predicted)
    assert float(metrics["accuracy"]) == 1


class _Killed(Exception):
    """Ends a training after the first epoch, as a crash would."""


def test_a_student_with_unlabeled_pictures_resumes_bit_for_bit(
    small_run: Run, crops: Path, tmp_path: Path, capsys, monkeypatch: pytest.MonkeyPatch
) -> None:
    unlabeled = tmp_path / "unlabeled"
    shutil.copytree(crops / "test" / "coffee", unlabeled / "somewhere")  # copies of test pictures
    for path in sorted((crops / "train" / "flower").iterdir())[:6]:
        shutil.copy(path, unlabeled / f"more {path.name}")
    more = ["--unlabeled", str(unlabeled), "--mixup", "0.4", "--epochs", "2"]
    whole, parts = Run(tmp_path / "whole"), Run(tmp_path / "parts")
    assert main(_options(whole, small_run, crops, *more)) == 0
    printed = capsys.readouterr().out
    assert "8 copies of validation or test pictures are left out" in printed
    split = whole.split()
    assert 1 <= split.unlabeled <= 6  # without those that are validation pictures
    (teacher,) = split.teachers
    assert teacher.run == small_run.folder.name
    assert teacher.model_sha256 == file_sha256(small_run.model_path)
    assert teacher.validation_accuracy == small_run.result().validation_accuracy

    end = Checkpoint.on_epoch_end

    def killed(self: Checkpoint, epoch: int, logs: object = None) -> None:
        end(self, epoch, logs)
        raise _Killed

    with monkeypatch.context() as patched:
        patched.setattr(Checkpoint, "on_epoch_end", killed)
        with pytest.raises(_Killed):
            main(_options(parts, small_run, crops, *more))
    assert len(parts.epochs()) == 1
    assert main([*_options(parts, small_run, crops, *more), "--resume"]) == 0
    assert parts.epochs() == whole.epochs()
    saved = [keras.models.load_model(run.model_path, compile=False) for run in (whole, parts)]
    assert type(saved[0]).__name__ == "Functional"  # loads without the code of distillation
    for one, other in zip(*(model.get_weights() for model in saved), strict=True):
        np.testing.assert_array_equal(one, other)


def _unfinished(run: Run, crops: Path) -> None:
    (run.folder / "result.json").unlink()


def _other_classes(run: Run, crops: Path) -> None:
    split = (run.folder / "split.json").read_text()
    (run.folder / "split.json").write_text(split.replace('"hubble"', '"galaxy"'))


def _other_size(run: Run, crops: Path) -> None:
    config = (run.folder / "config.json").read_text()
    (run.folder / "config.json").write_text(config.replace('"image_size": 64', '"image_size": 96'))


def _without_model(run: Run, crops: Path) -> None:
    run.model_path.unlink()


def _no_run(run: Run, crops: Path) -> None:
    shutil.rmtree(run.folder)


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (_unfinished, "teacher is unfinished"),
        (_other_classes, "has the classes coffee, flower, galaxy, but the pictures have coffee"),
        (_other_size, "decoded at 96 pixels per side, but this run decodes at 64"),
        (_without_model, "model.keras: no such file"),
        (_no_run, "teacher is not a run"),
    ],
)
def test_an_unusable_teacher_is_reported_before_the_pictures_are_read(
    small_run: Run, crops: Path, tmp_path: Path, capsys, spoil, message
) -> None:
    teacher, run = Run(tmp_path / "teacher"), Run(tmp_path / "run")
    shutil.copytree(small_run.folder, teacher.folder)
    spoil(teacher, crops)
    assert main(_options(run, teacher, crops)) == 2
    output = capsys.readouterr()
    assert message in output.err
    assert "Checking" not in output.out
    assert not run.folder.exists()


def test_a_teacher_of_another_split_is_rejected(
    small_run: Run, crops: Path, tmp_path: Path, capsys
) -> None:
    run = Run(tmp_path / "run")
    assert main(_options(run, small_run, crops, "--seed", "1")) == 2
    assert "of the validation pictures of this run" in capsys.readouterr().err
    split = small_run.split()
    config = TrainingConfig(image_size=64, teachers=(str(small_run.folder),))
    with pytest.raises(RunError, match="--split-seed"):
        check_teachers(config, split.dataset, split.classes, split.train)
    assert check_teachers(config, "other pictures", split.classes, split.train)
    assert check_teachers(config, split.dataset, split.classes, split.validation)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "no such folder"),
        ({}, "contains no pictures"),
        ({"whole.jpg": b"\xff\xd8\xff", "note.txt": b"text"}, "1 of 1 files"),
    ],
)
def test_an_unusable_unlabeled_folder_is_rejected(
    small_run: Run, crops: Path, tmp_path: Path, capsys, content, message
) -> None:
    unlabeled, run = tmp_path / "unlabeled", Run(tmp_path / "run")
    if content is not None:
        unlabeled.mkdir()
        for name, data in content.items():
            (unlabeled / name).write_bytes(data)
    assert main(_options(run, small_run, crops, "--unlabeled", str(unlabeled))) == 2
    assert message in capsys.readouterr().err
    assert not run.folder.exists()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--unlabeled", "pictures"], "need a teacher"),
        (["--teacher", "run", "--epochs", "0"], "Use --epochs 1 or more"),
        (["--teacher-share", "1.5"], "less than or equal to 1"),
    ],
)
def test_contradicting_options_are_rejected(
    crops: Path, tmp_path: Path, capsys, options, message
) -> None:
    assert main(["train", str(crops), str(tmp_path / "run"), *OPTIONS, *options]) == 2
    assert message in capsys.readouterr().err


def test_a_split_seed_keeps_the_split_of_another_seed(small_run: Run, crops: Path) -> None:
    config = small_run.config().model_copy(update={"seed": 1})
    assert prepare(crops, config, None).split.validation != small_run.split().validation
    config = config.model_copy(update={"split_seed": 0})
    assert prepare(crops, config, None).split.validation == small_run.split().validation


def test_the_card_of_a_student_names_its_teachers_without_their_folders(
    small_run: Run, crops: Path, tmp_path: Path
) -> None:
    run = Run(tmp_path / "run")
    shutil.copytree(small_run.folder, run.folder)
    config = small_run.config().model_copy(
        update={"teachers": (str(small_run.folder),), "mixup": 0.2, "unlabeled": "/data/more"}
    )
    split = small_run.split()
    teachers = check_teachers(config, split.dataset, split.classes, split.validation)
    (run.folder / "config.json").write_text(config.model_dump_json())
    taught = split.model_copy(update={"teachers": teachers, "unlabeled": 5})
    (run.folder / "split.json").write_text(taught.model_dump_json())
    manifest = make_bundle(
        run, crops, tmp_path / "small", scheme="float32", thresholds=Thresholds(**LIMITS)
    )
    assert manifest.training["teachers"] == [small_run.folder.name]
    assert manifest.training["teachers_sha256"] == [file_sha256(small_run.model_path)]
    card = (tmp_path / "small" / "MODEL_CARD.md").read_text()
    assert " --mixup 0.2 --teacher small --unlabeled more --epochs 6\n" in card
    assert str(tmp_path) not in card
