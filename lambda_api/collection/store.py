"""Folder or S3 prefix that collected objects are written to.

Every object is complete or absent: a folder gets a temporary file that is renamed, and S3 shows an
object only when all of it has arrived.
"""

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Protocol

from lambda_api import aws

# https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html
_S3 = re.compile(r"s3://([a-z0-9][a-z0-9.-]{1,61}[a-z0-9])/([\w.-]+(?:/[\w.-]+)*)/?")


class StoreError(RuntimeError):
    """A failed read or write. The message has no path, bucket or key."""


class MissingObject(StoreError):
    """An object that does not exist."""


class Store(Protocol):
    """A place for objects, by names with slashes."""

    def write(self, name: str, data: bytes) -> None:
        """Write an object, or replace it. Raises `StoreError`."""

    def read(self, name: str, max_bytes: int) -> bytes:
        """Return an object. Raises `MissingObject`; `StoreError`, also if it is larger."""

    def names(self, prefix: str) -> Iterator[str]:
        """List the objects whose names begin with `prefix`, sorted. Raises `StoreError`."""


@dataclass(frozen=True)
class FolderStore:
    """Objects as files in a folder. Files that begin with a dot are not objects."""

    folder: Path

    def write(self, name: str, data: bytes) -> None:
        """As `Store.write`. Other users of the machine cannot read the file."""
        path = self.folder / name
        with _file_errors():
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            with NamedTemporaryFile(
                dir=path.parent, prefix=".", suffix=".partial", delete=False
            ) as file:
                try:
                    file.write(data)
                    file.flush()
                    os.fsync(file.fileno())  # else a power failure could leave an empty file
                    Path(file.name).replace(path)
                except BaseException:
                    Path(file.name).unlink(missing_ok=True)
                    raise

    def read(self, name: str, max_bytes: int) -> bytes:
        """As `Store.read`."""
        with _file_errors(), (self.folder / name).open("rb") as file:
            data = file.read(max_bytes + 1)
        if len(data) > max_bytes:
            raise StoreError(f"over {max_bytes:,} bytes")
        return data

    def names(self, prefix: str) -> Iterator[str]:
        """As `Store.names`."""
        with _file_errors():
            files = [path for path in (self.folder / prefix).rglob("*") if path.is_file()]
        names = (path.relative_to(self.folder) for path in files)
        yield from sorted(
            name.as_posix() for name in names if not any(part[0] == "." for part in name.parts)
        )


@dataclass(frozen=True)
class S3Store:
    """Objects below a prefix of a bucket."""

    bucket: str
    prefix: str

    def write(self, name: str, data: bytes) -> None:
        """As `Store.write`.

        The object is replaced even if it exists. This restarts the time until it expires, so a
        picture outlives the records that refer to it.
        """
        with _aws_errors():
            aws.write_object(self.bucket, self.prefix + name, data)

    def read(self, name: str, max_bytes: int) -> bytes:
        """As `Store.read`."""
        with _aws_errors():
            return aws.read_object(self.bucket, self.prefix + name, max_bytes)

    def names(self, prefix: str) -> Iterator[str]:
        """As `Store.names`."""
        with _aws_errors():
            for key in aws.list_keys(self.bucket, self.prefix + prefix):
                yield key.removeprefix(self.prefix)


def open_store(place: str) -> Store:
    """Return the store at a place.

    Args:
        place: s3://bucket/prefix, or a folder.

    Raises:
        ValueError: not an address of S3 with a prefix.
    """
    if not place.startswith("s3://"):
        return FolderStore(Path(place))
    if not (address := _S3.fullmatch(place)):
        raise ValueError(
            "must be s3://bucket/prefix, such as s3://my-bucket/collected, or a folder"
        )
    return S3Store(address[1], f"{address[2]}/")


def check_writable(store: Store) -> None:
    """Check that a folder can be created and written. S3 is not called.

    Raises:
        ValueError: the reason.
    """
    if not isinstance(store, FolderStore):
        return
    try:
        store.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with NamedTemporaryFile(dir=store.folder, prefix=".", suffix=".partial"):
            pass
    except OSError as error:
        raise ValueError(
            f"the folder cannot be written ({error.strerror}). Set a folder that the service may "
            "write, or s3://bucket/prefix"
        ) from error


@contextmanager
def _file_errors() -> Iterator[None]:
    try:
        yield
    except FileNotFoundError as error:
        raise MissingObject("no such file") from error
    except OSError as error:
        raise StoreError(error.strerror or type(error).__name__) from error


@contextmanager
def _aws_errors() -> Iterator[None]:
    try:
        yield
    except aws.ObjectTooLarge as error:
        raise StoreError(str(error)) from error
    except aws.AwsError as error:
        kind = MissingObject if error.code in {"NoSuchKey", "404"} else StoreError
        raise kind(error.code) from error
