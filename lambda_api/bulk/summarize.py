"""Last step of a run: one table of all answers, and the summary."""

import csv
import json
import os
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from lambda_api import aws
from lambda_api.bulk.cost import Rates
from lambda_api.bulk.runs import Run

COLUMNS = ("key", "label", "confidence", "confident", "known", "error", "reason")


def handler(event: dict[str, Any], _context: object = None) -> dict[str, Any]:
    """Write `answers.csv` and `summary.json`. Memory does not grow with the number of pictures.

    Pictures of missing parts get the error "not_done".

    Args:
        event: `run`, the name of the run.

    Returns:
        The summary: `pictures`, `labels` (pictures by label), `unsure` and `unknown` (pictures)
        and their shares of the classified pictures, 0..1; `errors` (pictures by kind),
        `missing_parts`, `worker_seconds`, `dollars` (list prices, see `Rates.cost`), `model`,
        `version`.

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
    answered, counts = labels.total(), run.read_counts()
    rates = Rates.from_json(os.environ["BULK_RATES"])
    summary = {
        "run": run.name,
        "source": settings.get("source"),
        "model": settings.get("model"),
        "version": settings.get("version"),
        "pictures": pictures,
        "labels": dict(labels.most_common()),
        "unsure": unsure,
        "unsure_share": _share(unsure, answered),
        "unknown": unknown,
        "unknown_share": _share(unknown, answered),
        "errors": dict(errors.most_common()),
        "missing_parts": len(missing),
        "worker_seconds": round(counts.seconds, 3),
        "dollars": round(rates.cost(counts.paid_pictures, counts.invocations, counts.seconds), 6),
    }
    run.write(run.key("summary.json"), json.dumps(summary, indent=1, ensure_ascii=False).encode())
    return summary


def _share(part: int, whole: int) -> float:
    return round(part / whole, 4) if whole else 0.0


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
