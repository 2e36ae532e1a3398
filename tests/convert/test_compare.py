"""Comparison of runs on validation pictures."""

import json
import shutil
from pathlib import Path

import pytest

from convert.__main__ import main
from convert.compare import RunFigures, paired_table, run_figures
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
    report = json.loads((small_run.folder / "report" / "metrics.json").read_text())
    assert figures.log_loss == pytest.approx(report["log_loss"], abs=1e-4)
    assert figures.int8_log_loss == pytest.approx(figures.log_loss, rel=0.3)
    assert figures.right.keys() == set(small_run.split().validation)
    assert sum(figures.right.values()) / 15 == pytest.approx(figures.int8_accuracy, abs=1e-6)


def test_pairs_are_compared_by_the_pictures_on_which_they_differ() -> None:
    def run(name: str, right: list[int]) -> RunFigures:
        numbers = dict.fromkeys(("accuracy", "log_loss", "int8_accuracy", "int8_log_loss"), 0.5)
        numbers |= {"calibration_error": 0.0, "agreement": 1.0, "milliseconds": 1, "megabytes": 1}
        answers = {str(i): i in right for i in range(20)}
        return RunFigures(name=name, architecture="a", pixels=1, epochs=1, right=answers, **numbers)

    one, other = run("one", list(range(12))), run("other", [0, 1, *range(12, 20)])
    # Ten to eight of 18 that differ: twice the binomial tail of eight or fewer is 0.815.
    assert paired_table([one, other]).splitlines()[2:] == ["| one | other | 10 | 8 | 0.815 |"]
    assert paired_table([one, one]).endswith("| one | one | 0 | 0 | 1.000 |")
    elsewhere = other.model_copy(update={"right": {"another": True}})
    assert paired_table([one, elsewhere]) == ""


def test_table_needs_no_test_pictures(small_run: Run, crops: Path, tmp_path: Path, capsys) -> None:
    shutil.copytree(crops / "train", tmp_path / "train")
    command = ["compare", str(small_run.folder), str(small_run.folder), "--data", str(tmp_path)]

    assert main([*command, "--calibration-pictures", "20"]) == 0
    header, _, *rows, _, pairs, _, pair = capsys.readouterr().out.strip().splitlines()[-8:]
    assert header.startswith("| run | architecture |")
    assert len(rows) == 2
    assert all(row.startswith(f"| {small_run.folder.name} | custom_cnn | 80 |") for row in rows)
    assert pairs.startswith("| run | other run |")
    assert pair.endswith("| 0 | 0 | 1.000 |")


def test_unfinished_run_is_rejected(crops: Path, tmp_path: Path, capsys) -> None:
    assert main(["compare", str(tmp_path), "--data", str(crops)]) == 2
    assert "error:" in capsys.readouterr().err
