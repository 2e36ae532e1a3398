"""Interruption: a resumed run ends as an uninterrupted one."""

import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import keras
import numpy as np
import pytest

from tests.small_line import SMALL_NETWORK
from training.__main__ import main
from training.run.folder import Run

# A resumed run must draw the same random numbers. On a busy machine, several epochs pass before a
# signal is sent.
EPOCHS = 8
OPTIONS = [*SMALL_NETWORK, "--epochs", str(EPOCHS), "--augmentation", "strong"]


@pytest.fixture(scope="module")
def undisturbed(crops: Path, tmp_path_factory: pytest.TempPathFactory) -> Run:
    run = Run(tmp_path_factory.mktemp("undisturbed") / "run")
    assert main(["train", str(crops), str(run.folder), *OPTIONS]) == 0
    return run


def _interrupt(
    command: list[str], sign: int, reached: Callable[[], bool]
) -> subprocess.CompletedProcess[str]:
    """Train in a separate process, and send a signal as soon as `reached` is true."""
    command = [sys.executable, "-m", "training", *command]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    deadline = time.monotonic() + 200
    while not reached():
        assert process.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.01)
    process.send_signal(sign)
    output, _ = process.communicate(timeout=60)
    return subprocess.CompletedProcess(command, process.returncode, output)


def _weights(run: Run) -> list[np.ndarray]:
    return list(keras.models.load_model(run.model_path, compile=False).get_weights())


def test_a_run_killed_then_interrupted_then_resumed_is_bit_for_bit_the_same(
    crops: Path, tmp_path: Path, undisturbed: Run, capsys
) -> None:
    run = Run(tmp_path / "run")
    command = ["train", str(crops), str(run.folder), *OPTIONS]

    killed = _interrupt(command, signal.SIGKILL, lambda: len(run.epochs()) > 0)
    done = len(run.epochs())
    assert killed.returncode == -signal.SIGKILL
    assert 0 < done < EPOCHS
    assert not run.finished
    (run.backup_path / "partial").mkdir(exist_ok=True)  # a save that was cut off

    interrupted = _interrupt(
        [*command, "--resume"], signal.SIGINT, lambda: len(run.epochs()) > done
    )
    assert interrupted.returncode == 130
    assert "--resume" in interrupted.stdout
    assert not run.finished

    assert main([*command, "--resume", "--seed", "9"]) == 2
    assert "another configuration" in capsys.readouterr().err
    assert main([*command, "--resume"]) == 0
    assert run.epochs() == undisturbed.epochs()
    for resumed, expected in zip(_weights(run), _weights(undisturbed), strict=True):
        np.testing.assert_array_equal(resumed, expected)
    ignored = {"finished"}
    assert run.result().model_dump(exclude=ignored) == undisturbed.result().model_dump(
        exclude=ignored
    )
    assert not run.backup_path.exists()
