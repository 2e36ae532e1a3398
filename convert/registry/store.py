"""Objects in S3, with timeouts, retries, checksums and conditional writes."""

import base64
import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from convert.registry.errors import ConflictError, RegistryError
from lambda_api import aws

CONNECT_TIMEOUT_S = 5
READ_TIMEOUT_S = 60
S3 = "s3://"

_CONFLICT = {"PreconditionFailed", "ConditionalRequestConflict", "412", "409"}
_MISSING = {"NoSuchKey", "404"}
_REMEDIES = {
    "NoSuchBucket": "Create the bucket first, or correct its name.",
    "AccessDenied": "Add a policy that allows this to the credentials.",
    "BadDigest": "The content was changed on the way. Try again.",
    "NoCredentialsError": "Set AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY.",
}


def _client() -> Any:
    return aws.new_client("s3", connect_timeout=CONNECT_TIMEOUT_S, read_timeout=READ_TIMEOUT_S)


@dataclass(frozen=True)
class Store:
    """Objects under one prefix of a bucket. Keys are relative to the prefix.

    Every method raises `RegistryError` if the request to S3 fails.
    """

    bucket: str
    prefix: str
    client: Any = field(default_factory=_client, repr=False, compare=False)

    @classmethod
    def at(cls, address: str) -> "Store":
        """Open the store at s3://bucket or s3://bucket/prefix."""
        bucket, _, prefix = address.removeprefix(S3).strip("/").partition("/")
        if not address.startswith(S3) or not bucket:
            raise RegistryError(
                f"{address!r} is not a registry. Use an address such as s3://bucket/models."
            )
        try:
            with aws.translate_errors():
                return cls(bucket, f"{prefix}/" if prefix else "")
        except aws.AwsError as error:  # such as an unknown profile or an invalid AWS_ENDPOINT_URL
            raise RegistryError(f"{address}: {error.__cause__}") from error

    def address(self, key: str) -> str:
        """Address of an object, for messages."""
        return f"{S3}{self.bucket}/{self.prefix}{key}"

    def read(self, key: str) -> tuple[bytes, str] | None:
        """Content and ETag of an object; None if there is no such object."""
        try:
            with self._translate_errors("read", key):
                response = self.client.get_object(
                    Bucket=self.bucket, Key=self.prefix + key, ChecksumMode="ENABLED"
                )
                with response["Body"] as body:
                    return bytes(body.read()), str(response["ETag"])
        except _MissingError:
            return None

    def create(self, key: str, content: bytes, content_type: str) -> None:
        """Write a new object.

        S3 verifies the SHA-256 that is sent with the content, and stores it.

        Raises:
            ConflictError: the object already exists.
        """
        self._put(key, content, content_type, IfNoneMatch="*")

    def replace(self, key: str, content: bytes, content_type: str, etag: str) -> None:
        """Overwrite an object if it still has this ETag.

        Raises:
            ConflictError: the object was changed in the meantime.
        """
        self._put(key, content, content_type, IfMatch=etag)

    def folders(self, key: str) -> list[str]:
        """Names of the folders in folder `key`, which is empty or ends with a slash."""
        return [name.rstrip("/") for name in self._list(key, "CommonPrefixes", "Prefix")]

    def files(self, key: str) -> list[str]:
        """Names of the objects in folder `key`, which ends with a slash, without subfolders."""
        return self._list(key, "Contents", "Key")

    def _list(self, key: str, kind: str, name: str) -> list[str]:
        with self._translate_errors("list", key):
            pages = self.client.get_paginator("list_objects_v2").paginate(
                Bucket=self.bucket, Prefix=self.prefix + key, Delimiter="/"
            )
            keys = [entry[name] for page in pages for entry in page.get(kind, [])]
        return [found.removeprefix(self.prefix + key) for found in keys]

    def _put(self, key: str, content: bytes, content_type: str, **condition: str) -> None:
        digest = base64.b64encode(hashlib.sha256(content).digest()).decode()
        with self._translate_errors("write", key):
            self.client.put_object(
                Bucket=self.bucket,
                Key=self.prefix + key,
                Body=content,
                ContentType=content_type,
                ChecksumAlgorithm="SHA256",
                ChecksumSHA256=digest,
                **condition,
            )

    @contextmanager
    def _translate_errors(self, action: str, key: str) -> Iterator[None]:
        """Translate errors of S3 to `RegistryError`."""
        try:
            with aws.translate_errors():
                yield
        except aws.AwsError as error:
            if error.code in _CONFLICT:
                raise ConflictError(
                    f"{self.address(key)} was changed by another client."
                ) from error
            if error.code in _MISSING:
                raise _MissingError from error
            raise self._error(action, key, error) from error

    def _error(self, action: str, key: str, error: aws.AwsError) -> RegistryError:
        remedy = _REMEDIES.get(error.code, "The promoted version is unchanged. Try again.")
        return RegistryError(f"Cannot {action} {self.address(key)}: {error.__cause__}. {remedy}")


class _MissingError(RegistryError):
    """The object does not exist."""
