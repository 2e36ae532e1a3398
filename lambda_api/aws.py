"""What the service asks of AWS, each call with time limits and retries.

boto3 is imported when one of these is first called: a service without S3 or a secret starts
without its 140 ms.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

CONNECT_TIMEOUT_S = 2
READ_TIMEOUT_S = 5
ATTEMPTS = 3
UPLOAD_EXPIRES_S = 300


class AwsError(RuntimeError):
    """What AWS did not do; the message is the error's code, with no name of a bucket or a key.

    Attributes:
        code: such as "NoSuchKey", or the kind of the failure where AWS did not answer.
    """

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class ObjectTooLarge(RuntimeError):
    """An object of more bytes than were asked for."""


def secret_text(arn: str) -> str:
    """A secret's present text, empty where it is binary. Raises `AwsError`."""
    with _reported():
        found = _client("secretsmanager").get_secret_value(SecretId=arn)
        return str(found.get("SecretString", ""))


def download(bucket: str, key: str, path: Path) -> None:
    """Write an object to a file. Raises `AwsError`."""
    with _reported():
        _client("s3").download_file(bucket, key, str(path))


def read_object(bucket: str, key: str, max_bytes: int) -> bytes:
    """An object's bytes. Raises `AwsError`, or `ObjectTooLarge` before anything is read."""
    with _reported():
        found = _client("s3").get_object(Bucket=bucket, Key=key)
        with found["Body"] as body:
            if found["ContentLength"] > max_bytes:
                raise ObjectTooLarge
            return bytes(body.read())


def presigned_post(
    bucket: str, key: str, content_type: str, max_bytes: int
) -> tuple[str, dict[str, str]]:
    """Address and form fields with which anyone may write this one object for five minutes.

    S3 checks the form: 1 to `max_bytes` bytes, and the content type. Raises `AwsError`.
    """
    with _reported():
        post = _client("s3").generate_presigned_post(
            bucket,
            key,
            Fields={"Content-Type": content_type},
            Conditions=[{"Content-Type": content_type}, ["content-length-range", 1, max_bytes]],
            ExpiresIn=UPLOAD_EXPIRES_S,
        )
    return post["url"], post["fields"]


@cache
def _client(service: str) -> Any:
    from boto3.session import Session
    from botocore.config import Config

    config = Config(
        connect_timeout=CONNECT_TIMEOUT_S,
        read_timeout=READ_TIMEOUT_S,
        retries={"total_max_attempts": ATTEMPTS, "mode": "standard"},
        # An address with the region: the one without redirects for a new bucket.
        s3={"addressing_style": "virtual"},
        signature_version="s3v4" if service == "s3" else None,
    )
    return Session().client(service, config=config)


@contextmanager
def _reported() -> Iterator[None]:
    """Turns boto3's many exceptions into `AwsError`."""
    from boto3.exceptions import Boto3Error
    from botocore.exceptions import BotoCoreError, ClientError
    from urllib3.exceptions import HTTPError

    try:
        yield
    except ClientError as error:
        raise AwsError(error.response["Error"]["Code"]) from error
    except (BotoCoreError, Boto3Error, HTTPError) as error:  # the last of a body cut off
        raise AwsError(type(error).__name__) from error
