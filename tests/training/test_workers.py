"""Training on several machines: two worker processes here."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.ports import free_ports
from tests.small_line import SMALL_NETWORK
from training.__main__ import main
from training.run.folder import Run

# Without random numbers and clipping, which each worker applies to its own share.
OPTIONS = [*SMALL_NETWORK, "--epochs", "1", "--augmentation", "none", "--no-flip", "--dropout", "0"]
OPTIONS += ["--clip-norm", "1000"]


def test_two_workers_train_like_one_device(crops: Path, tmp_path: Path) -> None:
    together, alone = Run(tmp_path / "together"), Run(tmp_path / "alone")
    addresses = [f"127.0.0.1:{port}" for port in free_ports(2)]
    processes = []
    for index in (0, 1):
        task = {"cluster": {"worker": addresses}, "task": {"type": "worker", "index": index}}
        processes.append(
            subprocess.Popen(
                [sys.executable, "-m", "training", "train", crops, together.folder, *OPTIONS],
                env=os.environ | {"TF_CONFIG": json.dumps(task)},
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
            )
        )
    outputs = [process.communicate(timeout=250)[0] for process in processes]
    assert [process.returncode for process in processes] == [0, 0], outputs
    assert main(["train", str(crops), str(alone.folder), *OPTIONS]) == 0
    for two, one in zip(together.epochs(), alone.epochs(), strict=True):
        assert two.loss == pytest.approx(one.loss, rel=1e-3)
        assert two.accuracy == pytest.approx(one.accuracy, abs=0.02)
        assert two.val_accuracy == pytest.approx(one.val_accuracy, abs=0.1)
    assert together.result().calibration.temperature > 0
    assert (together.folder / "report" / "report.html").is_file()


def test_an_indivisible_batch_is_rejected_before_training(
    crops: Path, tmp_path: Path, capsys, monkeypatch
) -> None:
    class TwoDevices:
        num_replicas_in_sync = 2

    monkeypatch.setattr("training.train.choose_strategy", TwoDevices)
    arguments = ["train", str(crops), str(tmp_path / "run"), *SMALL_NETWORK, "--batch-size", "7"]
    assert main(arguments) == 2
    assert "A batch of 7 pictures cannot be divided among 2 devices" in capsys.readouterr().err
    assert not (tmp_path / "run").exists()
