"""`make bench`: measure the page in a browser and write `benchmarks/results/page.json` and `.md`.

Needs Chromium. Layout shift is the sum of the browser's `layout-shift` entries without those after
an input; below 0.1 is good (https://web.dev/articles/cls).
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from shutil import which
from statistics import median
from time import perf_counter
from typing import Any

from playwright.sync_api import Browser, Page, sync_playwright

from benchmarks.machine import description
from benchmarks.ports import free_port

ROOT = Path(__file__).parents[1]
RESULTS = ROOT / "benchmarks" / "results"
PHOTO = ROOT / "frontend" / "samples" / "houses.jpg"
SIZES = {"phone": (390, 844), "tablet": (820, 1180), "laptop": (1280, 720), "desktop": (1440, 1000)}
FLAGS = ("--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage")
GOAL_SHIFT = 0.1
GOAL_MS = 500  # from the upload to verdict and chart
VERDICT = ".lc-verdict"
_READY = ".lc-status.lc-ready"
LAYOUT_SHIFT = """() => new Promise(done => {
  let total = 0;
  new PerformanceObserver(list => {
    for (const entry of list.getEntries()) if (!entry.hadRecentInput) total += entry.value;
  }).observe({type: 'layout-shift', buffered: true});
  setTimeout(() => done(total), 300);
})"""
_PAINT = "() => performance.getEntriesByName('first-contentful-paint')[0]?.startTime"
# The label of the first bar: the example has none.
_HAS_CHART = (
    "() => document.querySelector('.js-plotly-plot .annotation-text')?.textContent.includes('%')"
)


@contextmanager
def _running() -> Iterator[str]:
    """Run the demo on free ports; its address is valid until the block ends."""
    with tempfile.TemporaryDirectory() as folder:
        for name in ("frontend", "lambda_api", "env_file", "models", "scripts", ".streamlit"):
            (Path(folder) / name).symlink_to(ROOT / name)
        (Path(folder) / ".env.example").write_bytes((ROOT / ".env.example").read_bytes())
        ports = {"API_PORT": str(free_port()), "PAGE_PORT": str(free_port())}
        process = subprocess.Popen(
            [sys.executable, "-m", "scripts.demo"],
            cwd=folder,
            env={**os.environ, **ports},
            stdout=subprocess.PIPE,
            text=True,
        )
        try:
            assert process.stdout  # noqa: S101 - a pipe
            for line in process.stdout:
                if "Press Ctrl-C" in line:
                    break
            yield f"http://127.0.0.1:{ports['PAGE_PORT']}"
        finally:
            process.terminate()
            process.wait()


def _open(browser: Browser, address: str, size: str, scheme: str = "light") -> Page:
    width, height = SIZES[size]
    page = browser.new_page(
        viewport={"width": width, "height": height},
        color_scheme="dark" if scheme == "dark" else "light",
    )
    page.goto(address)
    page.locator(_READY).wait_for()
    page.locator(".js-plotly-plot .bars .point").first.wait_for()
    return page


def _timed(page: Page, start: Callable[[], None]) -> dict[str, float]:
    """Return milliseconds from an action to the verdict and to the chart."""
    started = perf_counter()
    start()
    page.locator(VERDICT).wait_for()
    verdict_ms = (perf_counter() - started) * 1000
    page.wait_for_function(_HAS_CHART)
    return {"verdict": verdict_ms, "chart": (perf_counter() - started) * 1000}


def measure(visits: int) -> dict[str, Any]:
    """Measure layout shift, first paint, and times to verdict and chart.

    Args:
        visits: number of visits for each time.
    """
    chromium = next(filter(None, map(which, ("chromium", "chromium-browser", "google-chrome"))), "")
    if not chromium:
        raise SystemExit("Chromium not found; on Debian: apt-get install chromium")
    shifts: dict[str, float] = {}
    paints: list[float] = []
    uploads: list[dict[str, float]] = []
    with _running() as address, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=list(FLAGS))
        _open(browser, address, "desktop").close()  # the first visit imports pandas and Plotly
        for size in SIZES:
            for scheme in ("light", "dark"):
                page = _open(browser, address, size, scheme)
                shifts[f"{size}, {scheme}"] = round(page.evaluate(LAYOUT_SHIFT), 4)
                paints.append(page.evaluate(_PAINT))
                page.close()
        for _ in range(visits):
            page = _open(browser, address, "desktop")
            files = page.locator('[data-testid="stFileUploader"] input[type=file]')
            uploads.append(_timed(page, lambda: files.set_input_files(PHOTO)))  # noqa: B023
            page.close()
        browser.close()
    return {
        "machine": description("streamlit", "plotly"),
        "layout_shift": shifts,
        "first_paint_ms": round(median(paints)),
        "upload_ms": {
            name: round(median(one[name] for one in uploads)) for name in ("verdict", "chart")
        },
        "visits": visits,
    }


def markdown(results: dict[str, Any]) -> str:
    """Return the report of a run."""
    machine = "\n".join(f"| {name} | {value} |" for name, value in results["machine"].items())
    shifts = "\n".join(
        f"| {name} | {value:.3f} |" for name, value in results["layout_shift"].items()
    )
    worst, upload = max(results["layout_shift"].values()), results["upload_ms"]
    goals = "\n".join(
        f"| {what} | {goal} | {value} | {'met' if met else '**missed**'} |"
        for what, goal, value, met in (
            ("largest layout shift", f"below {GOAL_SHIFT}", f"{worst:.3f}", worst < GOAL_SHIFT),
            ("upload to verdict", f"{GOAL_MS} ms", f"{upload['verdict']} ms",
             upload["verdict"] <= GOAL_MS),
            ("upload to chart", f"{GOAL_MS} ms", f"{upload['chart']} ms",
             upload["chart"] <= GOAL_MS),
        )
    )  # fmt: skip
    return f"""\
# Benchmarks of the page

Measured with `make bench`, in Chromium on the same machine. Times are medians of
{results["visits"]} visits. They depend on the machine and on other processes: see the load average.

| machine | |
|---|---|
{machine}

| goal | | measured | |
|---|---|---|---|
{goals}

First contentful paint: {results["first_paint_ms"]} ms.

| layout shift while loading | |
|---|---|
{shifts}
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, and write the results."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.page", description=__doc__)
    parser.add_argument("--out", type=Path, default=RESULTS, help="folder for the results")
    parser.add_argument("--visits", type=int, default=7, help="number of visits for each time")
    parsed = parser.parse_args(arguments)
    results = measure(parsed.visits)
    parsed.out.mkdir(parents=True, exist_ok=True)
    (parsed.out / "page.json").write_text(json.dumps(results, indent=2) + "\n", encoding="utf-8")
    report = markdown(results)
    (parsed.out / "page.md").write_text(report, encoding="utf-8")
    print(report)
    return 0


if __name__ == "__main__":
    sys.exit(main())
