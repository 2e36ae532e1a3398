"""Pictures a second of `classify FOLDER` beside plain scripts, with some and all processors."""

import os
import resource
import subprocess
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from benchmarks.machine import limited_to
from benchmarks.peers import environments
from benchmarks.peers.cold_start import BUNDLE
from benchmarks.peers.decoders import large_picture
from benchmarks.peers.speeds import summary
from benchmarks.service.child import picture

SMALL, LARGE = "150x150", "12 megapixels"
KINDS = ("the service", "a loop", "a pool of processes")


def measure(rounds: int, folders: list[tuple[str, int]]) -> dict[str, dict[str, Any]]:
    """Classify folders with each kind in turn, from the start of the command to its end.

    Args:
        rounds: for each folder and number of processors.
        folders: size of the pictures, `SMALL` or `LARGE`, and number of files of each folder.

    Returns:
        By folder and processors, such as "2000 of 150x150 | 1", and by kind: the summary of the
        rounds, see `speeds.summary`.
    """
    found: dict[str, dict[str, Any]] = {}
    usable = sorted(os.sched_getaffinity(0))
    with TemporaryDirectory() as name:
        for size, number in folders:
            folder = Path(name) / f"{number} of {size}"
            _fill(folder, picture() if size == SMALL else large_picture(), number)
            for processors in sorted({1, min(2, len(usable)), len(usable)}):
                results: dict[str, list[dict[str, float]]] = {kind: [] for kind in KINDS}
                for _ in range(rounds):
                    for kind in KINDS:
                        results[kind].append(_run(kind, folder, usable[:processors]))
                found[f"{folder.name} | {processors}"] = {
                    kind: summary(each) for kind, each in results.items()
                }
    return found


def _fill(folder: Path, content: bytes, number: int) -> None:
    folder.mkdir()
    first = folder / "0000.jpg"
    first.write_bytes(content)
    for link in range(1, number):
        (folder / f"{link:04d}.jpg").hardlink_to(first)


def _run(kind: str, folder: Path, processors: list[int]) -> dict[str, float]:
    """Return pictures a second, and milliseconds of processor time for a picture."""
    output = folder.with_name("results.csv")
    output.unlink(missing_ok=True)
    if kind == "the service":
        command: list[str | Path] = [
            environments.python("service"), "-m", "lambda_api", "classify", folder,
            "--model", BUNDLE, "--output", output,
        ]  # fmt: skip
    else:
        processes = 1 if kind == "a loop" else len(processors)
        program = environments.PROGRAMS / "folder.py"
        command = [environments.python("lambda-bare"), program, folder, output, str(processes)]
    before, start = _cpu(), time.perf_counter()
    with limited_to(processors):
        subprocess.run(  # noqa: S603 - our own command
            command, cwd=environments.ROOT, check=True, stdout=subprocess.DEVNULL,
            env={**os.environ, "BUNDLE": str(BUNDLE), "PYTHONPATH": environments.SEARCH},
        )  # fmt: skip
    seconds, cpu_s = time.perf_counter() - start, _cpu() - before
    rows = len(output.read_text(encoding="utf-8").splitlines()) - (kind == "the service")
    if rows != len(list(folder.iterdir())):
        raise RuntimeError(f"{kind}: {rows} rows")
    return {"pictures_a_second": rows / seconds, "cpu_ms": 1000 * cpu_s / rows}


def _cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime
