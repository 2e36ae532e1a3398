"""Calls to S3 and Secrets Manager, each with timeouts and retries.

boto3 is imported on the first call, so a service without S3 or a secret starts without it.
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
    """A failed call. The message is the error code, without bucket names or keys.

    Attributes:
        code: code from AWS, such as "NoSuchKey", or the exception's name if AWS sent no response.
    """

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class ObjectTooLarge(RuntimeError):
    """An object larger than the limit."""


def secret_text(arn: str) -> str:
    """Return the current text of a secret, "" if it is binary. Raises `AwsError`."""
    with _translate_errors():
        secret = client("secretsmanager").get_secret_value(SecretId=arn)
        return str(secret.get("SecretString", ""))


def download(bucket: str, key: str, path: Path) -> None:
    """Download an object to a file. Raises `AwsError`."""
    with _translate_errors():
        client("s3").download_file(bucket, key, str(path))


def read_object(bucket: str, key: str, max_bytes: int) -> bytes:
    """Return an object's content. Raises `AwsError`, or `ObjectTooLarge` before reading it."""
    with _translate_errors():
        response = client("s3").get_object(Bucket=bucket, Key=key)
        with response["Body"] as body:
            if response["ContentLength"] > max_bytes:
                raise ObjectTooLarge(f"over {max_bytes:,} bytes")
            return bytes(body.read())


def presigned_post(
    bucket: str, key: str, content_type: str, max_bytes: int
) -> tuple[str, dict[str, str]]:
    """Return the URL and form fields that allow anyone to write this object for five minutes.

    S3 checks the content type, and that the size is 1 to `max_bytes` bytes. Raises `AwsError`.
    """
    with _translate_errors():
        post = client("s3").generate_presigned_post(
            bucket,
            key,
            Fields={"Content-Type": content_type},
            Conditions=[{"Content-Type": content_type}, ["content-length-range", 1, max_bytes]],
            ExpiresIn=UPLOAD_EXPIRES_S,
        )
    return post["url"], post["fields"]


@cache
def client(service: str) -> Any:
    """Return the boto3 client of a service, the same one for every call."""
    from boto3.session import Session
    from botocore.config import Config

    config = Config(
        connect_timeout=CONNECT_TIMEOUT_S,
        read_timeout=READ_TIMEOUT_S,
        retries={"total_max_attempts": ATTEMPTS, "mode": "standard"},
        # Regional URLs. The global URL of a new bucket redirects.
        s3={"addressing_style": "virtual"},
        signature_version="s3v4" if service == "s3" else None,
    )
    return Session().client(service, config=config)


@contextmanager
def _translate_errors() -> Iterator[None]:
    """Translate the exceptions of boto3 to `AwsError`."""
    from boto3.exceptions import Boto3Error
    from botocore.exceptions import BotoCoreError, ClientError
    from urllib3.exceptions import HTTPError

    try:
        yield
    except ClientError as error:
        raise AwsError(error.response["Error"]["Code"]) from error
    except (BotoCoreError, Boto3Error, HTTPError) as error:  # HTTPError: a truncated body
        raise AwsError(type(error).__name__) from error
