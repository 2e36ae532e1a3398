"""Comparison of runs on validation pictures."""

import shutil
from pathlib import Path

import pytest

from convert.__main__ import main
from convert.compare import run_figures
from convert.progress import Progress
from training.run.folder import Run


def test_run_is_measured_before_and_after_conversion(small_run: Run, crops: Path) -> None:
    figures = run_figures(small_run, crops, calibration_pictures=20, progress=Progress())

    assert figures.architecture == "custom_cnn"
    assert figures.pixels == 80  # 64, upscaled by 1.25 in the network
    assert figures.accuracy == pytest.approx(small_run.result().validation_accuracy)
    assert abs(figures.int8_accuracy - figures.accuracy) <= 1 - figures.agreement + 1e-9
    assert figures.milliseconds > 0
    assert 0.1 < figures.megabytes < 1


def test_table_needs_no_test_pictures(small_run: Run, crops: Path, tmp_path: Path, capsys) -> None:
    shutil.copytree(crops / "train", tmp_path / "train")
    command = ["compare", str(small_run.folder), str(small_run.folder), "--data", str(tmp_path)]

    assert main([*command, "--calibration-pictures", "20"]) == 0
    header, _, *rows = capsys.readouterr().out.strip().splitlines()[-4:]
    assert header.startswith("| run | architecture |")
    assert len(rows) == 2
    assert all(row.startswith(f"| {small_run.folder.name} | custom_cnn | 80 |") for row in rows)


def test_unfinished_run_is_rejected(crops: Path, tmp_path: Path, capsys) -> None:
    assert main(["compare", str(tmp_path), "--data", str(crops)]) == 2
    assert "error:" in capsys.readouterr().err
