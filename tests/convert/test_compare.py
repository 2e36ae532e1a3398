"""Runs side by side, on validation pictures alone."""

import shutil
from pathlib import Path

import pytest

from convert.__main__ import main
from convert.compare import compare
from convert.progress import Progress
from training.run.folder import Run


def test_a_run_is_measured_before_and_after_conversion(small_run: Run, crops: Path) -> None:
    candidate = compare(small_run, crops, calibration_pictures=20, progress=Progress())
    assert candidate.architecture == "custom_cnn"
    assert candidate.pixels == 80  # 64, enlarged by 1.25 inside the network
    assert candidate.accuracy == pytest.approx(small_run.result().validation_accuracy)
    assert abs(candidate.int8_accuracy - candidate.accuracy) <= 1 - candidate.agreement + 1e-9
    assert candidate.milliseconds > 0
    assert 0.1 < candidate.megabytes < 1


def test_the_table_needs_no_test_pictures(
    small_run: Run, crops: Path, tmp_path: Path, capsys
) -> None:
    shutil.copytree(crops / "train", tmp_path / "train")
    command = ["compare", str(small_run.folder), str(small_run.folder), "--data", str(tmp_path)]
    assert main([*command, "--calibration-pictures", "20"]) == 0
    header, _, *rows = capsys.readouterr().out.strip().splitlines()[-4:]
    assert header.startswith("| run | architecture |")
    assert len(rows) == 2
    assert all(row.startswith(f"| {small_run.folder.name} | custom_cnn | 80 |") for row in rows)


def test_a_run_that_is_not_finished_is_refused(crops: Path, tmp_path: Path, capsys) -> None:
    assert main(["compare", str(tmp_path), "--data", str(crops)]) == 2
    assert "error:" in capsys.readouterr().err
