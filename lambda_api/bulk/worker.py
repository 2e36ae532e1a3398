"""Second step of a run: classify a batch and write its part."""

import json
import os
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from time import perf_counter
from typing import Any, Protocol

from lambda_api import aws
from lambda_api.bulk.model import SERVICE, classifier
from lambda_api.bulk.runs import Run
from lambda_api.classifier import Classifier, Prediction
from lambda_api.emf import emf_document
from lambda_api.images import PictureError

READERS = aws.CONNECTIONS
MAX_BYTES = 50_000_000
AHEAD_BYTES = 400_000_000  # of the objects in memory that are waiting
RESERVE_MS = 20_000  # one slow picture, and the upload of the part

UNITS = {
    "BulkPictures": "Count",
    "BulkFailures": "Count",
    "BulkUnsure": "Count",
    "BulkDuration": "Milliseconds",
}

# Kind of error by the code of S3.
KINDS = {
    "NoSuchKey": "missing",
    "404": "missing",
    "PreconditionFailed": "changed",
    "412": "changed",
    "AccessDenied": "access_denied",
    "403": "access_denied",
    "InvalidObjectState": "archived",
    "NoSuchBucket": "no_bucket",
}

Item = dict[str, Any]
Line = dict[str, Any]


class Context(Protocol):
    """Context of a Lambda invocation."""

    def get_remaining_time_in_millis(self) -> int: ...


class ModelChanged(RuntimeError):
    """The function loads another version of the model than the run began with."""


class NotDone(RuntimeError):
    """The time was up. A retry continues with the answers that were written."""


def handler(event: dict[str, Any], context: Context) -> dict[str, int]:
    """Classify a batch. A batch whose part exists is not classified again.

    Args:
        event: the output of the plan and `batch`: `part` and `items` with `key`, `bytes`, `etag`
            or `error`.
        context: has the remaining time of the invocation.

    Returns:
        `pictures` and `failed`: numbers of lines, and of lines with an error.

    Raises:
        ModelChanged: the model has another version than the run.
        NotDone: the remaining time is below 20 s; the answers so far are kept.
        AwsError: S3 cannot be reached or throttles.
    """
    start = perf_counter()
    run, batch = Run.of_function(event["run"]), event["batch"]
    number, items = batch["part"], batch["items"]
    if (done := run.read(run.part(number))) is not None:
        return _counts([json.loads(line) for line in done.splitlines()])
    model = classifier()
    if model.manifest.version != event["version"]:
        raise ModelChanged(
            f"The run began with model version {event['version']}, but the function has "
            f"{model.manifest.version}. Start a new run."
        )
    partial = run.read(run.part(number, partial=True)) or b""
    lines: list[Line] = [json.loads(line) for line in partial.splitlines()]
    begun = len(lines)
    rest = items[begun:]
    answers = _answers(model, event["source_bucket"], rest, event["top_k"])
    for line in answers:
        lines.append(line)
        late = context.get_remaining_time_in_millis() < RESERVE_MS
        if late and len(lines) < len(items):
            _write(run, run.part(number, partial=True), lines)
            _count(run, number, begun, lines[begun:], start)
            raise NotDone(f"{len(lines)} of {len(items)} pictures of part {number} are done.")
    _write(run, run.part(number), lines)
    _count(run, number, begun, lines[begun:], start)
    return _counts(lines)


def _answers(model: Classifier, bucket: str, items: list[Item], top_k: int) -> Iterator[Line]:
    """Yield a line per item, in order. Threads read the next objects during the inference."""
    pool = ThreadPoolExecutor(READERS, thread_name_prefix="reader")
    waiting, ahead, ahead_bytes = deque(items), deque[tuple[Item, Future[bytes | str]]](), 0
    try:
        while waiting or ahead:
            while waiting and len(ahead) < READERS and ahead_bytes < AHEAD_BYTES:
                item = waiting.popleft()
                ahead.append((item, pool.submit(_read, bucket, item)))
                ahead_bytes += _size(item)
            item, reading = ahead.popleft()
            data = reading.result()
            ahead_bytes -= _size(item)
            yield _line(model, item, data, top_k)
    finally:
        pool.shutdown(wait=False, cancel_futures=True)


def _size(item: Item) -> int:
    """Return the bytes that reading an object takes at most. A list of keys has no sizes."""
    return min(item["bytes"] or MAX_BYTES, MAX_BYTES)


def _read(bucket: str, item: Item) -> bytes | str:
    """Return an object's content, or the kind of its error. Raises `AwsError` for others."""
    if kind := item.get("error"):
        return str(kind)
    match = {"IfMatch": item["etag"]} if item.get("etag") else {}
    try:
        with aws.translate_errors():
            answer = aws.client("s3").get_object(Bucket=bucket, Key=item["key"], **match)
            with answer["Body"] as body:
                if answer["ContentLength"] > MAX_BYTES:
                    return "too_large"
                return bytes(body.read())
    except aws.AwsError as error:
        if error.code not in KINDS:  # throttling or the network: the batch is retried
            raise
        kind = KINDS[error.code]
        return "missing" if kind == "access_denied" and _is_gone(bucket, item["key"]) else kind


def _is_gone(bucket: str, key: str) -> bool:
    """Whether there is no object with this key.

    S3 returns 403 for a missing key if the role may list only some prefixes of the bucket.
    """
    try:
        with aws.translate_errors():
            found = aws.client("s3").list_objects_v2(Bucket=bucket, Prefix=key, MaxKeys=1)
    except aws.AwsError:
        return False
    return key not in [each["Key"] for each in found.get("Contents", [])]


def _line(model: Classifier, item: Item, data: bytes | str, top_k: int) -> Line:
    if isinstance(data, str):
        return {"key": item["key"], "error": {"type": data}}
    try:
        prediction = model.classify(data)
    except PictureError as error:
        return {
            "key": item["key"],
            "error": {"type": type(error).__name__, "reason": str(error)},
        }
    except MemoryError:
        return {"key": item["key"], "error": {"type": "out_of_memory"}}
    return {"key": item["key"], **answer(prediction, top_k)}


def answer(prediction: Prediction, top_k: int) -> Line:
    """Return the fields of an answer. `known` only if the bundle can tell."""
    line: Line = {
        "label": prediction.label,
        "confidence": round(prediction.confidence, 6),
        "confident": prediction.confident,
    }
    if prediction.known is not None:
        line["known"] = prediction.known
    if top_k > 1:
        line["predictions"] = [
            {"label": label, "confidence": round(score, 6)}
            for label, score in prediction.scores[:top_k]
        ]
    return line


def _write(run: Run, key: str, lines: list[Line]) -> None:
    run.write(key, "".join(json.dumps(each, ensure_ascii=False) + "\n" for each in lines).encode())


def _counts(lines: list[Line]) -> dict[str, int]:
    return {"pictures": len(lines), "failed": sum("error" in line for line in lines)}


def _count(run: Run, number: int, begun: int, lines: list[Line], start: float) -> None:
    """Write metrics and the counts of an invocation, from which progress and cost are computed."""
    duration_ms = (perf_counter() - start) * 1000
    _write_metrics(lines, duration_ms)
    counts = _counts(lines)
    run.write_counts(number, begun, counts["pictures"], counts["failed"], round(duration_ms))


def _write_metrics(lines: list[Line], duration_ms: float) -> None:
    """Write the metrics of a batch in embedded metric format."""
    counts = _counts(lines)
    metrics = {
        "BulkPictures": counts["pictures"],
        "BulkFailures": counts["failed"],
        "BulkUnsure": sum(not line.get("confident", True) for line in lines),
        "BulkDuration": duration_ms,
    }
    namespace = os.environ.get("POWERTOOLS_METRICS_NAMESPACE", "LandscapeClassifier")
    print(json.dumps(emf_document(namespace, UNITS, metrics, {"service": SERVICE})))
