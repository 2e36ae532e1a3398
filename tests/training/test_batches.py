"""Input pipelines: every picture, in an order that follows seed and epoch."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from training.batches import steps_of, training_batches, validation_batches
from training.config import TrainingConfig
from training.data import LabelledPictures, read_folder, read_picture

CONFIG = TrainingConfig(image_size=32, batch_size=20, augmentation="none", flip=False)


@pytest.fixture(scope="module")
def pictures(crops: Path) -> LabelledPictures:
    return read_folder(crops / "train")


def _context(workers: int = 1, worker: int = 0, replicas: int = 1) -> tf.distribute.InputContext:
    return tf.distribute.InputContext(workers, worker, replicas)


def _epoch(pictures: LabelledPictures, epoch: int, context, config=CONFIG) -> np.ndarray:
    """Return the numbers of the pictures in an epoch. The targets contain these numbers."""
    numbers = np.arange(len(pictures), dtype=np.float32)[:, np.newaxis]
    batches = training_batches(pictures, numbers, config, context, first_epoch=epoch)
    taken = batches.take(steps_of(pictures, config))
    return np.concatenate([targets[:, 0] for _, targets in taken.as_numpy_iterator()]).astype(int)


def test_an_epoch_contains_every_picture_and_full_batches(pictures) -> None:
    epoch = _epoch(pictures, 0, _context())
    assert len(pictures) == 72
    assert len(epoch) == 80
    assert set(epoch[:72]) == set(range(72))
    assert list(epoch[72:]) == list(epoch[:8])


def test_epochs_differ_and_training_can_start_at_any(pictures) -> None:
    numbers = np.arange(72, dtype=np.float32)[:, np.newaxis]
    endless = training_batches(pictures, numbers, CONFIG, _context(), first_epoch=0)
    third = np.concatenate([y[:, 0] for _, y in endless.skip(8).take(4).as_numpy_iterator()])
    np.testing.assert_array_equal(_epoch(pictures, 2, _context()), third)
    assert (_epoch(pictures, 0, _context()) != third).any()


def test_pixels_and_targets_belong_to_the_same_picture(pictures) -> None:
    numbers = np.arange(72, dtype=np.float32)[:, np.newaxis]
    batches = training_batches(pictures, numbers, CONFIG, _context(), first_epoch=0)
    pixels, targets = next(batches.as_numpy_iterator())
    for picture, number in list(zip(pixels, targets[:, 0], strict=True))[:5]:
        path = pictures.root / pictures.paths[int(number)]
        np.testing.assert_allclose(picture, read_picture(path, 32), atol=1e-2)


def test_augmentation_depends_on_the_epoch(pictures) -> None:
    config = CONFIG.model_copy(update={"augmentation": "strong"})
    targets = np.eye(3, dtype=np.float32)[pictures.labels]

    def first(epoch: int) -> np.ndarray:
        batches = training_batches(pictures, targets, config, _context(), first_epoch=epoch)
        return next(batches.as_numpy_iterator())[0]

    np.testing.assert_array_equal(first(1), first(1))
    assert not np.allclose(first(0), first(1))


def test_two_workers_share_every_batch(pictures) -> None:
    whole = _epoch(pictures, 0, _context())
    shares = [_epoch(pictures, 0, _context(2, worker, 2)) for worker in (0, 1)]
    for step in range(4):
        together = np.concatenate([share[step * 10 : step * 10 + 10] for share in shares])
        assert sorted(together) == sorted(whole[step * 20 : step * 20 + 20])


def test_an_indivisible_batch_is_rejected(pictures) -> None:
    with pytest.raises(ValueError, match="20 is not divisible"):
        _epoch(pictures, 0, _context(3, 0, 3))


def test_validation_weights_count_every_picture_once(pictures) -> None:
    config = CONFIG.model_copy(update={"batch_size": 50})
    numbers = np.arange(72, dtype=np.float32)[:, np.newaxis]
    batches = validation_batches(pictures, numbers, config, _context())
    taken = list(batches.take(steps_of(pictures, config)).as_numpy_iterator())
    weights = np.concatenate([weight for _, _, weight in taken])
    answers = np.concatenate([targets[:, 0] for _, targets, _ in taken])
    assert len(weights) == 100
    assert sorted(answers[weights == 1]) == list(range(72))


def test_python_exits_while_an_iterator_in_a_cycle_reads_pictures(crops: Path) -> None:
    script = """
import sys, time
from pathlib import Path
import training.batches
from training.data import read_folder, read_picture

def slow(*arguments):
    time.sleep(0.1)
    return read_picture(*arguments)

training.batches.read_picture = slow
batches = iter(training.batches.stream(read_folder(Path(sys.argv[1])), 32, 4))
next(batches)
cycle = [batches]
cycle.append(cycle)
del batches, cycle
"""
    command = [sys.executable, "-c", script, str(crops / "train")]
    subprocess.run(command, check=True, timeout=60)
