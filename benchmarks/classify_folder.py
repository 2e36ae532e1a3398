"""Throughput and memory of `classify FOLDER`: `python -m benchmarks.classify_folder DATA`.

DATA is a folder of pictures. The bare throughput is that of one process per core, each of which
decodes and infers pictures that are already in memory. Both are measured in turns, because other
processes of the machine may change the result. The measured folders
contain symbolic links to the pictures of DATA. Linux only.
"""

import argparse
import json
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import cycle, islice
from multiprocessing import get_context
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Event, Thread
from typing import Any

import psutil

from benchmarks.machine import description
from lambda_api.classifier import Classifier
from lambda_api.images.files import scan
from lambda_api.settings import BUNDLED_MODEL
from lambda_api.workers import PROCESSORS

ROOT = Path(__file__).parents[1]
RESULTS = ROOT / "benchmarks" / "results" / "classify_folder.json"
IN_MEMORY = 500  # pictures of each process of the bare measurement
FEW_FILES = 200  # enough for all processes to start
SAMPLE_S = 0.2


def main() -> None:
    """Measure, print and store the results."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("data", type=Path, metavar="DATA", help="folder of pictures")
    parser.add_argument("--rounds", type=int, default=3, help="rounds of the throughput")
    parser.add_argument("--files", type=int, default=4000, help="files of a round")
    parser.add_argument("--sizes", type=int, nargs="*", default=[1000, 10_000, 100_000])
    parsed = parser.parse_args()
    pictures = scan(parsed.data).all_pictures()
    if not pictures:
        raise SystemExit(f"error: no pictures in {parsed.data}")
    result: dict[str, Any] = {
        "machine": description("ai-edge-litert", "pillow"),
        "files_of_a_round": parsed.files,
        "rounds": [_round(pictures, parsed.files) for _ in range(parsed.rounds)],
        "memory": [_memory(pictures, size) for size in parsed.sizes],
    }
    for name in ("share_of_bare", "share_of_bare_by_cpu_time"):
        result[name] = round(statistics.median(each[name] for each in result["rounds"]), 3)
    text = json.dumps(result, indent=1)
    print(text)
    RESULTS.write_text(text + "\n", encoding="utf-8")


def _round(pictures: list[Path], files: int) -> dict[str, float]:
    bare, bare_cpu = _bare(pictures, files)
    with _folder(pictures, files) as folder:
        seconds, cpu, _ = _classify(folder)
    # The difference of both is without the start of the processes.
    with _folder(pictures, FEW_FILES) as folder:
        few_seconds, few_cpu, _ = _classify(folder)
    steady = (files - FEW_FILES) / (seconds - few_seconds)
    bare_ms = 1000 * bare_cpu / files
    steady_ms = 1000 * (cpu - few_cpu) / (files - FEW_FILES)
    return {
        "bare_pictures_per_s": round(bare, 1),
        "classify_pictures_per_s": round(steady, 1),
        "classify_pictures_per_s_with_start": round(files / seconds, 1),
        "bare_cpu_ms": round(bare_ms, 3),
        "classify_cpu_ms": round(steady_ms, 3),
        "share_of_bare": round(steady / bare, 3),
        "share_of_bare_by_cpu_time": round(bare_ms / steady_ms, 3),
    }


def _bare(pictures: list[Path], files: int) -> tuple[float, float]:
    """Return pictures per second of all cores together, and seconds of processor time."""
    with get_context("spawn").Pool(PROCESSORS, _load, (pictures[:IN_MEMORY],)) as pool:
        each = files // PROCESSORS
        pool.map(_classify_in_memory, [1] * PROCESSORS * 4, chunksize=1)  # all have loaded
        begun = time.perf_counter()
        cpu = sum(pool.map(_classify_in_memory, [each] * PROCESSORS, chunksize=1))
        return each * PROCESSORS / (time.perf_counter() - begun), cpu


_loaded: list[Any] = []


def _load(pictures: list[Path]) -> None:
    _loaded[:] = [Classifier(BUNDLED_MODEL), [path.read_bytes() for path in pictures]]


def _classify_in_memory(number: int) -> float:
    classifier, data = _loaded
    begun = time.process_time()
    for picture in islice(cycle(data), number):
        classifier.classify(picture)
    return time.process_time() - begun


def _classify(folder: Path) -> tuple[float, float, float]:
    """Return seconds, seconds of processor time, and the peak memory in MB of the command."""
    with TemporaryDirectory() as outputs:
        output = Path(outputs) / "results.jsonl"
        command = [sys.executable, "-m", "lambda_api", "classify"]
        command += [str(folder), "--output", str(output)]
        before, begun = _children_cpu(), time.perf_counter()
        with (
            subprocess.Popen(  # noqa: S603 - our own command
                command, cwd=ROOT
            ) as process,
            _peak(process.pid) as peak,
        ):
            process.wait()
        seconds = time.perf_counter() - begun
        if process.returncode:
            raise SystemExit(f"error: classify returned {process.returncode}")
        return seconds, _children_cpu() - before, peak[0]


def _children_cpu() -> float:
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


@contextmanager
def _peak(pid: int) -> Iterator[list[float]]:
    """Sample the memory of a process and its children; pages that they share count once."""
    peak, done = [0.0], Event()

    def sample() -> None:
        root = psutil.Process(pid)
        while not done.wait(SAMPLE_S):
            try:
                processes = [root, *root.children(recursive=True)]
                used = sum(each.memory_full_info().pss for each in processes) / 1e6
            except psutil.Error:  # a process has ended
                continue
            peak[0] = max(peak[0], round(used, 1))

    thread = Thread(target=sample)
    thread.start()
    try:
        yield peak
    finally:
        done.set()
        thread.join()


@contextmanager
def _folder(pictures: list[Path], files: int) -> Iterator[Path]:
    """Create a folder with links to the pictures, a thousand in each of its folders."""
    with TemporaryDirectory() as name:
        root = Path(name)
        for number, picture in enumerate(islice(cycle(pictures), files)):
            inner = root / f"{number // 1000:04d}"
            inner.mkdir(exist_ok=True)
            (inner / f"{number:07d}{picture.suffix}").symlink_to(picture.resolve())
        yield root


def _memory(pictures: list[Path], files: int) -> dict[str, float]:
    with _folder(pictures, files) as folder:
        seconds, _, peak = _classify(folder)
    return {"files": files, "seconds": round(seconds, 1), "peak_mb": peak}


if __name__ == "__main__":
    main()
