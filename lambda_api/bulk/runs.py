"""Layout of a run in the bucket: `runs/NAME/` with its manifest, parts and results."""

import json
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from lambda_api import aws

RUN_NAME = re.compile(r"[A-Za-z0-9_-]{1,60}")
S3 = "s3://"
DEFAULT_CONCURRENCY = 5  # young accounts have a quota of 10 concurrent executions


class RunError(RuntimeError):
    """A run that cannot be started or continued. The message says why and what to do."""


@dataclass(frozen=True)
class Counts:
    """Sums over the invocations of the worker in a run.

    Attributes:
        pictures: classified objects, including those with an error.
        failed: objects with an error.
        paid_pictures: as `pictures`, but objects that were classified twice count twice.
        invocations: completed invocations.
        seconds: their duration together.
    """

    pictures: int
    failed: int
    paid_pictures: int
    invocations: int
    seconds: float


@dataclass(frozen=True)
class Run:
    """Keys of a run.

    Attributes:
        bucket: bucket of the service.
        name: name of the run: 1 to 60 letters, digits, "_" or "-".

    Raises:
        RunError: the name is not valid.
    """

    bucket: str
    name: str

    def __post_init__(self) -> None:
        if not RUN_NAME.fullmatch(self.name):
            raise RunError(
                f"{self.name!r} is not a valid name of a run. Use 1 to 60 letters, digits, '_' "
                "or '-'."
            )

    @classmethod
    def of_function(cls, name: str) -> "Run":
        """Return a run in the bucket of the environment variable RUNS_BUCKET."""
        return cls(os.environ["RUNS_BUCKET"], name)

    def key(self, name: str) -> str:
        """Key of a file of the run, such as "summary.json"."""
        return f"runs/{self.name}/{name}"

    def part(self, number: int, *, partial: bool = False) -> str:
        """Key of the answers of a batch; `partial` if the time was up before its end."""
        return self.key(f"parts/{number:05d}{'.partial' if partial else ''}.jsonl")

    def read(self, key: str) -> bytes | None:
        """Return an object's content, None if it does not exist. Raises `aws.AwsError`."""
        try:
            with aws.translate_errors():
                body = aws.client("s3").get_object(Bucket=self.bucket, Key=key)["Body"]
                return bytes(body.read())
        except aws.AwsError as error:
            if error.code == "NoSuchKey":
                return None
            raise

    def read_settings(self) -> dict[str, Any] | None:
        """Return the settings that the plan has written, None if the run does not exist."""
        data = self.read(self.key("run.json"))
        return None if data is None else dict(json.loads(data))

    def write(self, key: str, data: bytes) -> None:
        """Write an object. Raises `aws.AwsError`."""
        with aws.translate_errors():
            aws.client("s3").put_object(Bucket=self.bucket, Key=key, Body=data)

    def finished_parts(self) -> set[int]:
        """Return the numbers of the complete parts. Raises `aws.AwsError`."""
        prefix = self.key("parts/")
        names = (each["Key"].removeprefix(prefix) for each in list_objects(self.bucket, prefix))
        return {int(name[:-6]) for name in names if re.fullmatch(r"\d{5,}\.jsonl", name)}

    def resumed(self) -> int:
        """Return how often the run was resumed. Raises `aws.AwsError`."""
        return sum(1 for _ in list_objects(self.bucket, self.key("resumed/")))

    def write_counts(
        self, part: int, begun: int, pictures: int, failed: int, duration_ms: int
    ) -> None:
        """Record an invocation in the name of an empty object. Raises `aws.AwsError`.

        A listing then has the progress and the cost of the whole run.

        Args:
            part: number of the part.
            begun: number of pictures of the part that earlier invocations had classified.
            pictures: number of pictures of this invocation.
            failed: number of them that have an error.
            duration_ms: milliseconds of the invocation.
        """
        name = f"{part:05d}-{begun}-{pictures}-{failed}-{duration_ms}"
        self.write(self.key(f"counts/{name}"), b"")

    def read_counts(self) -> Counts:
        """Return the sums of what `write_counts` has recorded. Raises `aws.AwsError`."""
        prefix = self.key("counts/")
        names = (each["Key"].removeprefix(prefix) for each in list_objects(self.bucket, prefix))
        found = [[int(number) for number in name.split("-")] for name in names]
        # Pictures that were classified twice count once, but both times were paid for.
        once = {(part, begun): (pictures, failed) for part, begun, pictures, failed, _ in found}
        return Counts(
            pictures=sum(pictures for pictures, _ in once.values()),
            failed=sum(failed for _, failed in once.values()),
            paid_pictures=sum(pictures for _, _, pictures, _, _ in found),
            invocations=len(found),
            seconds=sum(duration for *_, duration in found) / 1000,
        )

    def batches(self) -> Iterator[dict[str, Any]]:
        """Yield the batches of the manifest. Raises `aws.AwsError`."""
        with aws.translate_errors():
            body = aws.client("s3").get_object(Bucket=self.bucket, Key=self.key("manifest.jsonl"))
            for line in body["Body"].iter_lines():
                yield json.loads(line)


def list_objects(bucket: str, prefix: str) -> Iterator[dict[str, Any]]:
    """Yield the objects with a prefix, as boto3 returns them. Raises `aws.AwsError`."""
    with aws.translate_errors():
        pages = aws.client("s3").get_paginator("list_objects_v2")
        for page in pages.paginate(Bucket=bucket, Prefix=prefix):
            yield from page.get("Contents", [])


def split_uri(uri: str) -> tuple[str, str]:
    """Split s3://bucket/key. The key can be empty. Raises `RunError`."""
    bucket, _, key = uri.removeprefix(S3).partition("/")
    if not uri.startswith(S3) or not bucket:
        raise RunError(f"{uri!r} is not an S3 address. Use s3://bucket/prefix.")
    return bucket, key
