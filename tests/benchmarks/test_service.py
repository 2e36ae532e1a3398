"""`make bench` with small numbers, and its committed results."""

import json
import subprocess
import sys
from pathlib import Path

from benchmarks.service.report import markdown
from tests.conftest import ROOT

SMALL = "--starts 1 --rounds 20 --seconds 0.5 --requests 1100"


def test_short_run_writes_its_results(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "benchmarks.service", f"--out={tmp_path}", *SMALL.split()]

    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)

    assert result.returncode == 0, result.stderr
    measured = json.loads((tmp_path / "service.json").read_text())
    assert measured["cold_start"]["unwanted_modules"] == []
    assert measured["load"]["errors_or_other_answers"] == 0
    assert set(measured["load"]["rss_mb"]) == {"after_1000", "after_1100"}
    assert measured["imports_ms"]["lambda_api"] > 0
    assert (tmp_path / "service.md").read_text().strip() in result.stdout


def test_committed_results_are_from_a_full_run_and_match_the_report() -> None:
    measured = json.loads((ROOT / "benchmarks" / "results" / "service.json").read_text())

    assert measured["load"]["seconds"] >= 60
    assert measured["load"]["requests"] >= 20_000
    assert (ROOT / "benchmarks" / "results" / "service.md").read_text() == markdown(measured)
