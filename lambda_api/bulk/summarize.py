"""Last step of a run: one table of all answers, and the summary."""

import csv
import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from lambda_api import aws
from lambda_api.bulk.runs import Run

COLUMNS = ("key", "label", "confidence", "confident", "known", "error", "reason")


def handler(event: dict[str, Any], _context: object = None) -> dict[str, Any]:
    """Write `answers.csv` and `summary.json`. Memory does not grow with the number of pictures.

    Pictures of missing parts get the error "not_done".

    Args:
        event: `run`, the name of the run.

    Returns:
        The summary: `pictures`, `labels` (pictures by label), `unsure`, `unknown`, `errors`
        (pictures by kind), `missing_parts`, `model`, `version`.

    Raises:
        AwsError: S3 refused a request.
    """
    run = Run.of_function(event["run"])
    settings = run.read_settings() or {}
    labels, errors = Counter[str](), Counter[str]()
    unsure = unknown = pictures = 0
    missing: list[int] = []
    with TemporaryDirectory() as folder:
        file = Path(folder) / "answers.csv"
        with file.open("w", encoding="utf-8", newline="") as table:
            rows = csv.DictWriter(table, COLUMNS, extrasaction="ignore")
            rows.writeheader()
            for line in _lines(run, missing):
                pictures += 1
                error = line.pop("error", None)
                if error:
                    errors[error["type"]] += 1
                    line |= {"error": error["type"], "reason": error.get("reason", "")}
                else:
                    labels[line["label"]] += 1
                    unsure += not line["confident"]
                    unknown += line.get("known") is False
                rows.writerow(line)
        with aws.translate_errors():
            aws.client("s3").upload_file(str(file), run.bucket, run.key("answers.csv"))
    summary = {
        "run": run.name,
        "source": settings.get("source"),
        "model": settings.get("model"),
        "version": settings.get("version"),
        "pictures": pictures,
        "labels": dict(labels.most_common()),
        "unsure": unsure,
        "unknown": unknown,
        "errors": dict(errors.most_common()),
        "missing_parts": len(missing),
    }
    run.write(run.key("summary.json"), json.dumps(summary, indent=1, ensure_ascii=False).encode())
    return summary


def _lines(run: Run, missing: list[int]) -> Iterator[dict[str, Any]]:
    """Yield the answers in the order of the manifest. Appends missing parts to `missing`."""
    for batch in run.batches():
        number, items = batch["part"], batch["items"]
        data = run.read(run.part(number))
        if data is None:
            missing.append(number)
            data = run.read(run.part(number, partial=True)) or b""
        lines = data.splitlines()
        yield from map(json.loads, lines)
        for item in items[len(lines) :]:
            yield {"key": item["key"], "error": {"type": "not_done"}}
