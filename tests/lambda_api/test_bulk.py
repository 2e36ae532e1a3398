"""Bulk classification: the steps of a run with S3, and each kind of bad input."""

import json
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import fields
from pathlib import Path
from threading import Barrier
from typing import Any

import pytest
from botocore.exceptions import ClientError

from lambda_api.bulk import batches, model, plan, summarize, worker
from lambda_api.bulk.cost import Rates
from lambda_api.bulk.runs import RunError
from lambda_api.classifier import Classifier
from tests.lambda_api.pictures import CHINA, SCIKIT_IMAGE

CAT = SCIKIT_IMAGE / "chelsea.png"
ODD = ["in/with blank.jpg", "in/a+b.jpg", "in/100%.jpg", "in/北京.jpg", "in/" + "x" * 1021]
# Only the seconds and the invocations of the worker cost something.
RATES = {field.name: 0 for field in fields(Rates)} | {"worker_second": 1.0, "worker_call": 1000.0}


class Clock:
    """Context of an invocation with a fixed remaining time."""

    def __init__(self, *remaining_ms: int) -> None:
        self._remaining = list(remaining_ms)

    def get_remaining_time_in_millis(self) -> int:
        return self._remaining.pop(0) if len(self._remaining) > 1 else self._remaining[0]


ENOUGH = Clock(240_000)


@pytest.fixture
def s3(
    aws_client: Callable[[str], Any], bucket: str, bundle: Path, monkeypatch: pytest.MonkeyPatch
) -> Any:
    """S3 with the bucket `pictures`, which also holds the runs."""
    monkeypatch.setenv("RUNS_BUCKET", bucket)
    monkeypatch.setenv("MODEL_URI", str(bundle))
    monkeypatch.setenv("FALLBACK_MODEL", str(bundle))
    monkeypatch.setenv("BULK_RATES", json.dumps(RATES))
    model.classifier.cache_clear()
    return aws_client("s3")


def put(s3: Any, key: str, data: bytes, **options: str) -> None:
    s3.put_object(Bucket="pictures", Key=key, Body=data, **options)


def text(s3: Any, key: str) -> str:
    return s3.get_object(Bucket="pictures", Key=key)["Body"].read().decode()


def start(execution: str = "holiday", **given: object) -> dict[str, Any]:
    return plan.handler({"execution": execution, "input": {"source": "s3://pictures/in/", **given}})


def classify(s3: Any, planned: dict[str, Any], clock: Clock = ENOUGH) -> list[dict[str, int]]:
    """Run the worker on each batch of the manifest, as the Map state does."""
    manifest = text(s3, planned["manifest"]).splitlines()
    return [worker.handler({**planned, "batch": json.loads(line)}, clock) for line in manifest]


def answers(s3: Any, run: str = "holiday") -> dict[str, dict[str, Any]]:
    parts = s3.list_objects_v2(Bucket="pictures", Prefix=f"runs/{run}/parts/")["Contents"]
    lines = [line for part in parts for line in text(s3, part["Key"]).splitlines()]
    return {line["key"]: line for line in map(json.loads, lines)}


def test_a_run_gives_the_answers_of_the_classifier(s3: Any, bundle: Path) -> None:
    for key in ODD:
        put(s3, key, CHINA.read_bytes())
    expected = Classifier(bundle).classify(CHINA.read_bytes())

    counts = classify(s3, start(batch=2, top_k=2))

    assert [each["pictures"] for each in counts] == [2, 2, 1]
    found = answers(s3)
    assert set(found) == set(ODD)
    assert {line["label"] for line in found.values()} == {expected.label}
    assert {line["confidence"] for line in found.values()} == {round(expected.confidence, 6)}
    assert {len(line["predictions"]) for line in found.values()} == {2}
    summary = summarize.handler({"run": "holiday"})
    assert summary["labels"] == {expected.label: 5}
    assert (summary["errors"], summary["missing_parts"]) == ({}, 0)
    assert summary["unsure_share"] in (0.0, 1.0)
    assert 0 < summary["worker_seconds"] == pytest.approx(summary["dollars"] - 3 * 1000)
    assert len(text(s3, "runs/holiday/answers.csv").splitlines()) == 6
    assert json.loads(text(s3, "runs/holiday/summary.json")) == summary


def test_each_unreadable_object_is_a_line_with_its_reason(s3: Any) -> None:
    put(s3, "in/folder/", b"")
    put(s3, "in/empty.jpg", b"")
    put(s3, "in/archived.jpg", CHINA.read_bytes(), StorageClass="GLACIER")
    put(s3, "in/damaged.jpg", CHINA.read_bytes()[:2000])
    put(s3, "in/notes.txt.jpg", b"not a picture")
    put(s3, "in/deleted.jpg", CHINA.read_bytes())
    put(s3, "in/replaced.jpg", CHINA.read_bytes())
    put(s3, "in/good.jpg", CHINA.read_bytes())
    planned = start()
    s3.delete_object(Bucket="pictures", Key="in/deleted.jpg")
    put(s3, "in/replaced.jpg", CAT.read_bytes())

    (counts,) = classify(s3, planned)

    assert counts == {"pictures": 8, "failed": 7}
    kinds = {key: line.get("error", {}).get("type") for key, line in answers(s3).items()}
    assert kinds == {
        "in/folder/": "folder",
        "in/empty.jpg": "empty",
        "in/archived.jpg": "archived",
        "in/damaged.jpg": "UndecodablePicture",
        "in/notes.txt.jpg": "UnsupportedFormat",
        "in/deleted.jpg": "missing",
        "in/replaced.jpg": "changed",
        "in/good.jpg": None,
    }


def test_a_list_file_with_bad_lines_is_classified(s3: Any) -> None:
    put(s3, "in/a+b %.jpg", CHINA.read_bytes())
    lines = [
        "in/a+b %.jpg",
        "s3://pictures/in/a+b %.jpg",
        "s3://elsewhere/x.jpg",
        "",
        "x" * 1025,
        "in/none.jpg",
    ]
    put(s3, "lists/mine.txt", "\r\n".join(lines).encode() + b"\n\xff\xfe.jpg\n")

    planned = start(source="s3://pictures/lists/mine.txt")
    classify(s3, planned)

    items = json.loads(text(s3, planned["manifest"]))["items"]
    assert [each.get("error") for each in items] == [
        None,
        "duplicate",
        "other_bucket",
        "invalid_key",
        None,
        "invalid_key",
    ]
    assert answers(s3)["in/none.jpg"]["error"] == {"type": "missing"}


def test_a_list_of_a_million_lines_is_planned_batch_by_batch(s3: Any) -> None:
    put(s3, "lists/million.txt", b"".join(b"in/%07d\n" % number for number in range(1_000_000)))

    found = batches.to_batches(batches.find_items("s3://pictures/lists/million.txt"))

    assert isinstance(found, Iterator)  # not a list of all
    assert Counter(map(len, found)) == {500: 2000}


def test_a_deleted_part_is_resumed_and_nothing_is_done_twice(s3: Any) -> None:
    for number in range(4):
        put(s3, f"in/{number}.jpg", CHINA.read_bytes())
    classify(s3, start(batch=1))
    before = answers(s3)
    s3.delete_object(Bucket="pictures", Key="runs/holiday/parts/00003.jsonl")
    assert summarize.handler({"run": "holiday"})["errors"] == {"not_done": 1}

    planned = plan.handler(
        {"execution": "holiday--r1", "input": {"run": "holiday", "resume": True}}
    )
    classify(s3, planned)

    assert planned["batches"] == 1
    assert answers(s3) == before
    assert summarize.handler({"run": "holiday"})["missing_parts"] == 0


def test_a_worker_out_of_time_is_continued_by_its_retry(
    s3: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(3):
        put(s3, f"in/{number}.jpg", CHINA.read_bytes())
    planned = start()
    with pytest.raises(worker.NotDone, match="1 of 3 pictures of part 1"):
        classify(s3, planned, Clock(1000))
    read: list[str] = []
    reader = worker._read
    monkeypatch.setattr(
        worker, "_read", lambda b, item: read.append(item["key"]) or reader(b, item)
    )

    (counts,) = classify(s3, planned)
    again = classify(s3, planned)

    assert sorted(read) == ["in/1.jpg", "in/2.jpg"]
    assert [counts] == again == [{"pictures": 3, "failed": 0}]


@pytest.mark.parametrize(
    ("object_bytes", "number"),
    [
        pytest.param(8_000, 32, id="small"),
        pytest.param(20_000_000, 20, id="large"),
        pytest.param(0, 8, id="unknown size"),
        pytest.param(200_000_000, 8, id="refused after its headers"),
    ],
)
def test_objects_are_read_ahead_up_to_their_number_and_size(
    bundle: Path, monkeypatch: pytest.MonkeyPatch, object_bytes: int, number: int
) -> None:
    begun: list[str] = []
    all_at_once = Barrier(number, timeout=30)

    def read(_: str, item: dict[str, Any]) -> str:
        begun.append(item["key"])
        all_at_once.wait()
        return "missing"

    monkeypatch.setattr(worker, "_read", read)
    items = [{"key": str(n), "bytes": object_bytes} for n in range(100)]

    lines = worker._answers(Classifier(bundle), "pictures", items, 1)

    assert next(lines)["key"] == "0"
    assert len(begun) == number
    lines.close()


def test_concurrency_is_at_most_the_reserved(s3: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    put(s3, "in/a.jpg", CHINA.read_bytes())
    monkeypatch.setenv("BULK_RESERVED", "3")

    assert start("wide", concurrency=50)["concurrency"] == 3
    assert start("narrow", concurrency=2)["concurrency"] == 2


def test_a_deleted_object_is_missing_for_a_role_that_gets_403(
    s3: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(s3, "in/secret.jpg", CHINA.read_bytes())

    def refuse(**_: object) -> None:
        error = {"Error": {"Code": "AccessDenied"}}
        raise ClientError(error, "GetObject")

    monkeypatch.setattr(worker.aws.client("s3"), "get_object", refuse)
    assert worker._read("pictures", {"key": "in/secret.jpg"}) == "access_denied"
    assert worker._read("pictures", {"key": "in/gone.jpg"}) == "missing"


def test_a_run_keeps_its_model_version(s3: Any) -> None:
    put(s3, "in/a.jpg", CHINA.read_bytes())
    with pytest.raises(worker.ModelChanged, match="Start a new run"):
        classify(s3, start() | {"version": "another"})


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        ({"source": "s3://pictures/none/"}, "No objects found"),
        ({"source": "/home/me"}, "is not an S3 address"),
        ({"run": "a b"}, "is not a valid name"),
        ({"top_k": 0}, "top_k: 0 is not a whole number"),
        ({"run": "none", "resume": True}, "no run 'none' to resume"),
    ],
)
def test_wrong_input_of_a_run_is_refused(s3: Any, given: dict[str, Any], reason: str) -> None:
    with pytest.raises(RunError, match=reason):
        start(**given)


def test_a_used_name_is_refused_but_the_plan_can_be_retried(s3: Any) -> None:
    put(s3, "in/a.jpg", CHINA.read_bytes())
    assert start() == start()
    with pytest.raises(RunError, match="exists"):
        start("other", run="holiday")


def test_batches_are_limited_by_count_json_and_picture_bytes() -> None:
    small = {"key": "k", "bytes": 1}
    long = {"key": "ü" * 512, "bytes": 1}
    large = {"key": "k", "bytes": 200_000_000}

    assert [len(batch) for batch in batches.to_batches([small] * 1001)] == [500, 500, 1]
    assert [len(batch) for batch in batches.to_batches([large] * 2)] == [1, 1]
    limited = list(batches.to_batches([long] * 500))
    assert sum(map(len, limited)) == 500
    assert max(len(json.dumps(batch)) for batch in limited) <= batches.MAX_JSON_BYTES
