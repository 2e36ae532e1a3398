"""Classification on all cores: each process reads ahead, decodes and infers."""

import signal
from collections import deque
from collections.abc import Generator, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor, ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from functools import partial
from itertools import chain, islice
from multiprocessing import get_context
from pathlib import Path

from lambda_api.classifier import Classifier
from lambda_api.classify.answers import Outcome, classify, unreadable
from lambda_api.classify.native_logs import native_logs_discarded
from lambda_api.classify.sorting import Sorting
from lambda_api.classify.sources import Source
from lambda_api.workers import PROCESSORS

CHUNK = 16  # pictures that a process gets at once
AHEAD = 3  # chunks of each process that are waiting or done
FEW = 64  # fewer pictures take less time than the start of processes
DIED = "the process that decoded it has died"

Classified = tuple[Source, Outcome]


class _Process:
    """State of a process: its classifier, its reader, and where pictures are sorted to."""

    classifier: Classifier
    reader: ThreadPoolExecutor
    sorting: Sorting | None


def classify_all(
    classifier: Classifier, bundle: Path, sources: Iterable[Source], sorting: Sorting | None
) -> Generator[Classified, None, None]:
    """Yield an outcome for each source, in order. Memory does not grow with their number.

    Args:
        classifier: classifier of the bundle; classifies a few pictures without further processes.
        bundle: folder of the bundle, which each process loads.
        sources: pictures.
        sorting: folder for the pictures of each label, or None.
    """
    waiting = iter(sources)
    first = list(islice(waiting, FEW + 1))
    if len(first) <= FEW or PROCESSORS == 1:
        _set_up(classifier, sorting)
        for source in chain(first, waiting):
            yield _classify_chunk([source])[0]
        return
    yield from _in_processes(bundle, chain(first, waiting), sorting)


def _in_processes(
    bundle: Path, sources: Iterator[Source], sorting: Sorting | None
) -> Iterator[Classified]:
    pool = _pool(bundle, sorting, PROCESSORS)
    running: deque[tuple[list[Source], Future[list[Classified]]]] = deque()
    try:
        while True:
            for chunk in _chunks(sources, PROCESSORS * AHEAD - len(running)):
                running.append((chunk, _submit(pool, chunk)))
            if not running:
                return
            chunk, future = running.popleft()
            try:
                done = future.result()
            except BrokenProcessPool:
                # A picture has crashed its decoder, or the system has killed a process.
                done = list(_one_by_one(bundle, chunk, sorting))
                pool.shutdown(wait=False)
                pool = _pool(bundle, sorting, PROCESSORS)
                running = deque((each, _submit(pool, each)) for each, _ in running)
            yield from done
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _submit(pool: ProcessPoolExecutor, chunk: list[Source]) -> Future[list[Classified]]:
    """Submit a chunk. A pool that is broken already gives a future that says so."""
    try:
        return pool.submit(_classify_chunk, chunk)
    except BrokenProcessPool as error:
        broken: Future[list[Classified]] = Future()
        broken.set_exception(error)
        return broken


def _one_by_one(
    bundle: Path, sources: list[Source], sorting: Sorting | None
) -> Iterator[Classified]:
    """Classify pictures of which one may crash its process."""
    pool = _pool(bundle, sorting, 1)
    try:
        for source in sources:
            try:
                yield from pool.submit(_classify_chunk, [source]).result()
            except BrokenProcessPool:
                yield source, DIED
                pool = _pool(bundle, sorting, 1)
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _chunks(sources: Iterator[Source], number: int) -> Iterator[list[Source]]:
    for _ in range(number):
        if chunk := list(islice(sources, CHUNK)):
            yield chunk


def _pool(bundle: Path, sorting: Sorting | None, processes: int) -> ProcessPoolExecutor:
    # A forked copy of this process would share LiteRT's threads and locks.
    return ProcessPoolExecutor(
        processes, get_context("spawn"), partial(_start_process, bundle, sorting)
    )


def _start_process(bundle: Path, sorting: Sorting | None) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C stops the parent, which ends the pool
    with native_logs_discarded():
        _set_up(Classifier(bundle), sorting)


def _set_up(classifier: Classifier, sorting: Sorting | None) -> None:
    _Process.classifier, _Process.sorting = classifier, sorting
    _Process.reader = ThreadPoolExecutor(1, thread_name_prefix="reader")


def _classify_chunk(sources: list[Source]) -> list[Classified]:
    """Classify pictures. A thread reads the next ones meanwhile."""
    reading = [_Process.reader.submit(_read, source) for source in sources]
    return [
        (source, _classify(source, future.result()))
        for source, future in zip(sources, reading, strict=True)
    ]


def _read(source: Source) -> bytes | str:
    if source.error:
        return source.error
    try:
        return source.read()
    except OSError as error:
        return unreadable(error)


def _classify(source: Source, data: bytes | str) -> Outcome:
    outcome = data if isinstance(data, str) else classify(_Process.classifier, data)
    if _Process.sorting and isinstance(data, bytes) and not isinstance(outcome, str):
        try:
            _Process.sorting.place(source, data, outcome)
        except OSError as error:
            return f"cannot be sorted: {error.strerror or error}"
    return outcome
