"""`python -m lambda_api classify` on many pictures: processes, and an interrupt."""

import json
import os
import signal
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import get_context
from pathlib import Path

import psutil
import pytest
from PIL import Image

from lambda_api.classifier import Classifier
from lambda_api.classify.pool import FEW, _submit
from tests.lambda_api.classify_command import run, start
from tests.lambda_api.pictures import CHINA

MANY = 6 * FEW


@pytest.fixture(scope="module")
def many(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Many small crops of a photo, one of them damaged."""
    folder = tmp_path_factory.mktemp("many")
    with Image.open(CHINA) as photo:
        for number in range(MANY):
            file = folder / f"{number % 7}" / f"{number:03d}.jpg"
            file.parent.mkdir(exist_ok=True)
            photo.crop((number, number // 2, number + 60, number // 2 + 60)).save(file)
    damaged = folder / "3" / "003.jpg"
    damaged.write_bytes(damaged.read_bytes()[:300])
    return folder


def test_processes_answer_in_order_and_a_dead_one_is_replaced(many: Path, bundle: Path) -> None:
    with start("--json", many) as process:
        first = process.stdout.readline()
        # The children are the workers and multiprocessing's resource tracker.
        workers = [
            child
            for child in psutil.Process(process.pid).children()
            if "resource_tracker" not in " ".join(child.cmdline())
        ]
        workers[0].kill()
        output, errors = process.stdout.read(), process.stderr.read()

    assert process.returncode == 1, errors
    lines = [json.loads(line) for line in [first, *output.splitlines()]]
    assert [line["file"] for line in lines] == sorted(str(file) for file in many.rglob("*.jpg"))
    classifier = Classifier(bundle)
    for line in lines[::20]:
        expected = classifier.classify(Path(line["file"]).read_bytes())
        assert (line["label"], line["confidence"]) == (
            expected.label,
            round(expected.confidence, 6),
        )
    failed = [line for line in lines if "error" in line]
    assert [Path(line["file"]).name for line in failed] == ["003.jpg"]
    assert errors.splitlines() == [
        f"1 of {MANY} files could not be classified.",
        f"  {failed[0]['file']}: {failed[0]['error']}",
    ]


def test_interrupted_output_is_continued(many: Path, tmp_path: Path) -> None:
    output = tmp_path / "results.jsonl"
    partial = tmp_path / "results.jsonl.partial"
    with start(many, "--output", output) as process:
        while not (partial.exists() and partial.stat().st_size > 1000):
            assert process.poll() is None, process.stderr.read()
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate()
    assert process.returncode == 130, errors
    assert "Interrupted. The same command continues." in errors
    assert not output.exists()
    # Mark an answer to see that it is kept, and tear the last line.
    settings, first, *others = partial.read_bytes().splitlines(keepends=True)
    marked = json.loads(first) | {"label": "kept"}
    partial.write_bytes(b"".join([settings, json.dumps(marked).encode() + b"\n", *others]) + b'{"f')

    assert run(many, "--output", output) == 1

    lines = [json.loads(line) for line in output.read_text().splitlines()]
    assert [line["file"] for line in lines] == sorted(str(file) for file in many.rglob("*.jpg"))
    assert lines[0] == marked
    assert not partial.exists()


def test_chunk_for_a_broken_pool_is_not_lost() -> None:
    with ProcessPoolExecutor(1, get_context("spawn")) as broken:
        with pytest.raises(BrokenProcessPool):
            broken.submit(os._exit, 1).result()

        future = _submit(broken, [])

    with pytest.raises(BrokenProcessPool):
        future.result()
