"""Interruption: a resumed run ends as an uninterrupted one."""

import signal
import subprocess
import sys
import time
from pathlib import Path

import keras
import numpy as np
import pytest

from tests.small_line import SMALL_NETWORK
from training.__main__ import main
from training.run.folder import Run

OPTIONS = [*SMALL_NETWORK, "--epochs", "3"]
# A resumed run must draw the same random numbers.
RANDOM = [*OPTIONS, "--augmentation", "strong"]
# Less to compile.
PLAIN = [*OPTIONS, "--augmentation", "none", "--upscale", "1"]


@pytest.fixture(scope="module")
def undisturbed(crops: Path, tmp_path_factory: pytest.TempPathFactory) -> Run:
    run = Run(tmp_path_factory.mktemp("undisturbed") / "run")
    assert main(["train", str(crops), str(run.folder), *RANDOM]) == 0
    return run


def _interrupt(
    crops: Path, run: Run, options: list[str], sign: int
) -> subprocess.CompletedProcess[str]:
    """Train in a separate process, and interrupt it in its second epoch."""
    command = [sys.executable, "-m", "training", "train", str(crops), str(run.folder)]
    command += options
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    deadline = time.monotonic() + 200
    while not (run.backup_path / "0" / "state.json").is_file():
        assert process.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.01)
    process.send_signal(sign)
    output, _ = process.communicate(timeout=60)
    assert not run.finished
    return subprocess.CompletedProcess(command, process.returncode, output)


def _weights(run: Run) -> list[np.ndarray]:
    return list(keras.models.load_model(run.model_path, compile=False).get_weights())


def test_a_killed_and_resumed_run_is_bit_for_bit_the_same(
    crops: Path, tmp_path: Path, undisturbed: Run
) -> None:
    run = Run(tmp_path / "run")
    assert _interrupt(crops, run, RANDOM, signal.SIGKILL).returncode == -signal.SIGKILL
    assert len(run.epochs()) < 3
    arguments = ["train", str(crops), str(run.folder), *RANDOM]
    assert main([*arguments, "--resume"]) == 0
    assert run.epochs() == undisturbed.epochs()
    for resumed, expected in zip(_weights(run), _weights(undisturbed), strict=True):
        np.testing.assert_array_equal(resumed, expected)
    ignored = {"finished"}
    assert run.result().model_dump(exclude=ignored) == undisturbed.result().model_dump(
        exclude=ignored
    )
    assert not run.backup_path.exists()


def test_an_interrupted_run_can_be_resumed_unchanged_only(
    crops: Path, tmp_path: Path, capsys
) -> None:
    run = Run(tmp_path / "run")
    done = _interrupt(crops, run, PLAIN, signal.SIGINT)
    assert done.returncode == 130
    assert "--resume" in done.stdout
    arguments = ["train", str(crops), str(run.folder), *PLAIN, "--resume"]
    assert main([*arguments, "--seed", "9"]) == 2
    assert "another configuration" in capsys.readouterr().err
    (run.folder / "backup" / "partial").mkdir()  # a save that was cut off
    assert main(arguments) == 0
    assert run.finished
    assert len(run.epochs()) == 3
