"""First step of a run: list the pictures and write the manifest of batches."""

import json
import os
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from lambda_api import aws
from lambda_api.bulk import batches
from lambda_api.bulk.model import classifier
from lambda_api.bulk.runs import DEFAULT_CONCURRENCY, Run, RunError, split_uri

MAX_CONCURRENCY = 1000


def handler(event: dict[str, Any], _context: object = None) -> dict[str, Any]:
    """Plan a run, or the missing parts of an earlier one.

    Args:
        event: `execution`, the name of the execution, and `input`, its input: `source`, and
            optionally `run`, `top_k`, `batch`, `concurrency`; or `run` and `resume`.

    Returns:
        `run`, `source_bucket`, `top_k`, `version`, `concurrency`, `manifest` (its key),
        `batches`: number of batches to classify.

    Raises:
        RunError: the input is not valid, the run exists, or there are no pictures.
        AwsError: S3 refused a request.
    """
    given = event["input"]
    run = Run.of_function(str(given.get("run") or event["execution"]))
    settings = run.read_settings()
    if given.get("resume"):
        if settings is None:
            raise RunError(f"There is no run {run.name!r} to resume.")
        done = run.finished_parts()
        missing = [batch for batch in run.batches() if batch["part"] not in done]
        lines = "".join(json.dumps(batch) + "\n" for batch in missing)
        key = run.key(f"resumed/{event['execution']}.jsonl")
        run.write(key, lines.encode())
        concurrency = _whole(given, "concurrency", settings["concurrency"], MAX_CONCURRENCY)
        settings |= {"concurrency": concurrency}
        return _output(run, settings, key, len(missing))
    if settings is not None and settings["execution"] != event["execution"]:
        raise RunError(f"Run {run.name!r} exists. Choose another name, or resume it.")
    settings = {
        "execution": event["execution"],
        "source": str(given.get("source", "")),
        "top_k": _whole(given, "top_k", 1, 1000),
        "concurrency": _whole(given, "concurrency", DEFAULT_CONCURRENCY, MAX_CONCURRENCY),
        "model": classifier().manifest.name,
        "version": classifier().manifest.version,
    }
    limit = _whole(given, "batch", batches.MAX_PICTURES, batches.MAX_PICTURES)
    split_uri(settings["source"])
    with TemporaryDirectory() as folder:
        file = Path(folder) / "manifest.jsonl"
        pictures = number = total = 0
        with file.open("w", encoding="utf-8") as manifest:
            found = batches.find_items(settings["source"])
            for number, batch in enumerate(batches.to_batches(found, limit), 1):
                manifest.write(json.dumps({"part": number, "items": batch}) + "\n")
                pictures += len(batch)
                total += sum(item["bytes"] for item in batch)
        if not pictures:
            raise RunError(f"No objects found in {settings['source']}. Check the prefix.")
        with aws.translate_errors():
            aws.client("s3").upload_file(str(file), run.bucket, run.key("manifest.jsonl"))
    settings |= {"pictures": pictures, "batches": number, "bytes": total}
    # Written last: a run without this file has not begun, so the plan can be repeated.
    run.write(run.key("run.json"), json.dumps(settings, indent=1).encode())
    return _output(run, settings, run.key("manifest.jsonl"), number)


def _output(run: Run, settings: dict[str, Any], manifest: str, count: int) -> dict[str, Any]:
    # More batches than instances would be throttled until their retries are used up.
    instances = int(os.environ.get("BULK_RESERVED") or MAX_CONCURRENCY)
    return {
        "run": run.name,
        "source_bucket": split_uri(settings["source"])[0],
        "top_k": settings["top_k"],
        "version": settings["version"],
        "concurrency": min(settings["concurrency"], instances),
        "manifest": manifest,
        "batches": count,
    }


def _whole(given: dict[str, Any], name: str, default: int, maximum: int) -> int:
    value = given.get(name)
    if value is None:
        return default
    if not isinstance(value, int) or isinstance(value, bool) or not 1 <= value <= maximum:
        raise RunError(f"{name}: {value!r} is not a whole number from 1 to {maximum}.")
    return value
