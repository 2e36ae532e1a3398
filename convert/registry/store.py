"""The few things the registry asks of S3, each with time limits, retries and checksums."""

import base64
import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from boto3.exceptions import Boto3Error
from boto3.session import Session
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from urllib3.exceptions import HTTPError

from convert.registry.errors import ConflictError, RegistryError

CONNECT_TIMEOUT_S = 5
READ_TIMEOUT_S = 60
ATTEMPTS = 3
S3 = "s3://"

_TAKEN = {"PreconditionFailed", "ConditionalRequestConflict", "412", "409"}
_MISSING = {"NoSuchKey", "404"}
_REMEDIES = {
    "NoSuchBucket": "Make the bucket first, or correct its name.",
    "AccessDenied": "The credentials may not do this; a policy has to allow it.",
    "BadDigest": "What arrived is not what was sent; try again.",
    "NoCredentialsError": "Give credentials: AWS_PROFILE, or AWS_ACCESS_KEY_ID and its secret.",
}


def _client() -> Any:
    config = Config(
        connect_timeout=CONNECT_TIMEOUT_S,
        read_timeout=READ_TIMEOUT_S,
        retries={"total_max_attempts": ATTEMPTS, "mode": "standard"},
    )
    # A region is part of the signature; the one without buckets of its own finds all of them.
    # boto3 itself reads AWS_DEFAULT_REGION alone.
    session = Session(region_name=os.environ.get("AWS_REGION") or None)
    return session.client("s3", region_name=session.region_name or "us-east-1", config=config)


@dataclass(frozen=True)
class Store:
    """Objects of one bucket under one prefix; keys are relative to it.

    Every method raises `RegistryError` where S3 does not do it.
    """

    bucket: str
    prefix: str
    _s3: Any = field(default_factory=_client, repr=False, compare=False)

    @classmethod
    def at(cls, address: str) -> "Store":
        """The store of s3://bucket or s3://bucket/prefix."""
        bucket, _, prefix = address.removeprefix(S3).strip("/").partition("/")
        if not address.startswith(S3) or not bucket:
            raise RegistryError(f"{address!r} is no registry; one is s3://bucket/models, say.")
        try:
            return cls(bucket, f"{prefix}/" if prefix else "")
        except (BotoCoreError, ValueError) as error:  # a profile that is not there, say
            raise RegistryError(f"{address}: {error}") from error

    def address(self, key: str) -> str:
        """Of an object, for people."""
        return f"{S3}{self.bucket}/{self.prefix}{key}"

    def read(self, key: str) -> tuple[bytes, str] | None:
        """An object's content and its ETag; None where there is no such object."""
        try:
            with self._doing("read", key):
                found = self._s3.get_object(
                    Bucket=self.bucket, Key=self.prefix + key, ChecksumMode="ENABLED"
                )
                with found["Body"] as body:
                    return bytes(body.read()), str(found["ETag"])
        except _MissingError:
            return None

    def create(self, key: str, content: bytes, content_type: str) -> None:
        """Write an object that is not there yet.

        S3 compares the SHA-256 of what arrives with the one that is sent along, and keeps it.

        Raises:
            ConflictError: there is one.
        """
        self._put(key, content, content_type, IfNoneMatch="*")

    def replace(self, key: str, content: bytes, content_type: str, etag: str) -> None:
        """Write an object in the place of the one with this ETag.

        Raises:
            ConflictError: it is another one by now.
        """
        self._put(key, content, content_type, IfMatch=etag)

    def folders(self, key: str) -> list[str]:
        """Names of what has objects below `key`, which is empty or ends in a slash."""
        return [name.rstrip("/") for name in self._list(key, "CommonPrefixes", "Prefix")]

    def files(self, key: str) -> list[str]:
        """Names of the objects right below `key`, which ends in a slash."""
        return self._list(key, "Contents", "Key")

    def _list(self, key: str, kind: str, name: str) -> list[str]:
        with self._doing("list", key):
            pages = self._s3.get_paginator("list_objects_v2").paginate(
                Bucket=self.bucket, Prefix=self.prefix + key, Delimiter="/"
            )
            found = [entry[name] for page in pages for entry in page.get(kind, [])]
        return [entry.removeprefix(self.prefix + key) for entry in found]

    def _put(self, key: str, content: bytes, content_type: str, **condition: str) -> None:
        digest = base64.b64encode(hashlib.sha256(content).digest()).decode()
        with self._doing("write", key):
            self._s3.put_object(
                Bucket=self.bucket,
                Key=self.prefix + key,
                Body=content,
                ContentType=content_type,
                ChecksumAlgorithm="SHA256",
                ChecksumSHA256=digest,
                **condition,
            )

    @contextmanager
    def _doing(self, what: str, key: str) -> Iterator[None]:
        """Turns boto3's many exceptions into ours."""
        try:
            yield
        except ClientError as error:
            code = error.response["Error"]["Code"]
            if code in _TAKEN:
                raise ConflictError(f"{self.address(key)} was written by somebody else.") from error
            if code in _MISSING:
                raise _MissingError from error
            raise self._error(what, key, code, error) from error
        except (BotoCoreError, Boto3Error, HTTPError) as error:  # the last of a body cut off
            raise self._error(what, key, type(error).__name__, error) from error

    def _error(self, what: str, key: str, code: str, error: Exception) -> RegistryError:
        remedy = _REMEDIES.get(code, "What is promoted is as it was; try again.")
        return RegistryError(f"Cannot {what} {self.address(key)}: {error}. {remedy}")


class _MissingError(RegistryError):
    """There is no such object."""
