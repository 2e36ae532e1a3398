"""Objects to classify, and their batches."""

import hashlib
import json
from collections.abc import Iterable, Iterator
from typing import Any

from lambda_api import aws
from lambda_api.bulk.runs import RunError, list_objects, split_uri

MAX_PICTURES = 500
# Step Functions limits the input of a state to 262,144 bytes:
# https://docs.aws.amazon.com/step-functions/latest/dg/service-quotas.html
MAX_JSON_BYTES = 100_000
MAX_PICTURE_BYTES = 256_000_000
MAX_KEY_BYTES = 1024
LISTS = (".txt", ".lst", ".list")
# Objects in these classes have to be restored before they can be read.
ARCHIVED = {"GLACIER", "DEEP_ARCHIVE"}

Item = dict[str, Any]


def find_items(source: str) -> Iterator[Item]:
    """Yield the objects of `source`: `key`, `bytes`, `etag`, or `error` if it is not a picture.

    Args:
        source: s3://bucket/prefix, or s3://bucket/list.txt with one key or s3:// address of the
            same bucket per line.

    Raises:
        RunError: the source is not an S3 address.
        AwsError: the source cannot be listed or read.
    """
    bucket, key = split_uri(source)
    return _listed(bucket, key) if key.endswith(LISTS) else _stored(bucket, key)


def _stored(bucket: str, prefix: str) -> Iterator[Item]:
    for each in list_objects(bucket, prefix):
        item: Item = {"key": each["Key"], "bytes": each["Size"], "etag": each["ETag"]}
        if each.get("StorageClass") in ARCHIVED:
            item["error"] = "archived"
        elif not each["Size"]:
            item["error"] = "folder" if each["Key"].endswith("/") else "empty"
        yield item


def _listed(bucket: str, key: str) -> Iterator[Item]:
    seen: set[bytes] = set()
    with aws.translate_errors():
        lines = aws.client("s3").get_object(Bucket=bucket, Key=key)["Body"].iter_lines()
        for line in lines:
            text = line.decode("utf-8", "replace").removeprefix("\ufeff").rstrip("\r\n")
            if not text.strip():
                continue
            item: Item = {"key": text, "bytes": 0}
            if text.startswith("s3://"):
                try:
                    named, item["key"] = split_uri(text)
                except RunError:
                    named = ""
                if named != bucket:
                    item = {"key": text, "bytes": 0, "error": "other_bucket"}
            # A digest takes less memory than a key of up to 1,024 bytes.
            digest = hashlib.sha256(item["key"].encode()).digest()[:16]
            if "\ufffd" in text or not 0 < len(item["key"].encode()) <= MAX_KEY_BYTES:
                item = {"key": text[:MAX_KEY_BYTES], "bytes": 0, "error": "invalid_key"}
            elif digest in seen:
                item["error"] = "duplicate"
            seen.add(digest)
            yield item


def to_batches(items: Iterable[Item], max_pictures: int = MAX_PICTURES) -> Iterator[list[Item]]:
    """Group items. A batch is limited by its count, its JSON and the bytes of its pictures."""
    batch: list[Item] = []
    json_bytes = picture_bytes = 0
    for item in items:
        size = len(json.dumps(item)) + 2
        if batch and (
            len(batch) == max_pictures
            or json_bytes + size > MAX_JSON_BYTES
            or picture_bytes + item["bytes"] > MAX_PICTURE_BYTES
        ):
            yield batch
            batch, json_bytes, picture_bytes = [], 0, 0
        batch.append(item)
        json_bytes += size
        picture_bytes += item["bytes"]
    if batch:
        yield batch
