"""Calls to S3 and Secrets Manager, each with timeouts and retries.

boto3 is imported on the first call, so a service without S3 or a secret starts without it.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from http import HTTPStatus
from pathlib import Path
from typing import Any

CONNECT_TIMEOUT_S = 2
READ_TIMEOUT_S = 5
ATTEMPTS = 3
# At the same time, for a bulk worker: S3 needs up to 100 ms for a small object, and a picture takes
# about 5 ms. botocore's default is 10.
CONNECTIONS = 32
UPLOAD_EXPIRES_S = 300
_TEMPORARY_CODES = {"RequestTimeout", "Throttling", "ThrottlingException", "SlowDown"}
_ANY_REGION = "us-east-1"  # S3 answers requests for buckets of other regions with their region


class AwsError(RuntimeError):
    """A failed call. The message is the error code, without bucket names or keys.

    For a file or an address of the AWS configuration, the reason follows the code.

    Attributes:
        code: code from AWS, such as "NoSuchKey", or the exception's name if AWS sent no response.
        temporary: whether a retry may help. False for errors of the configuration, such as missing
            credentials or permissions.
    """

    def __init__(self, code: str, reason: str = "", *, temporary: bool) -> None:
        super().__init__(f"{code}: {reason}" if reason else code)
        self.code, self.temporary = code, temporary


class ObjectTooLarge(RuntimeError):
    """An object larger than the limit."""


def secret_text(arn: str) -> str:
    """Return the current text of a secret, "" if it is binary. Raises `AwsError`."""
    with translate_errors():
        secret = client("secretsmanager", _region_in(arn)).get_secret_value(SecretId=arn)
        return str(secret.get("SecretString", ""))


def download(bucket: str, key: str, path: Path) -> None:
    """Download an object to a file. Raises `AwsError`."""
    with translate_errors():
        client("s3").download_file(bucket, key, str(path))


def read_object(bucket: str, key: str, max_bytes: int) -> bytes:
    """Return an object's content. Raises `AwsError`, or `ObjectTooLarge` before reading it."""
    with translate_errors():
        response = client("s3").get_object(Bucket=bucket, Key=key)
        with response["Body"] as body:
            if response["ContentLength"] > max_bytes:
                raise ObjectTooLarge(f"over {max_bytes:,} bytes")
            return bytes(body.read())


def write_object(bucket: str, key: str, data: bytes) -> None:
    """Write an object, or replace it. Raises `AwsError`."""
    with translate_errors():
        client("s3").put_object(Bucket=bucket, Key=key, Body=data)


def list_keys(bucket: str, prefix: str) -> Iterator[str]:
    """List the keys that begin with `prefix`, sorted by S3. Raises `AwsError`."""
    with translate_errors():
        pages = client("s3").get_paginator("list_objects_v2")
        for page in pages.paginate(Bucket=bucket, Prefix=prefix):
            yield from (entry["Key"] for entry in page.get("Contents", ()))


def presigned_post(
    bucket: str, key: str, content_type: str, max_bytes: int
) -> tuple[str, dict[str, str]]:
    """Return the URL and form fields that allow anyone to write this object for five minutes.

    S3 checks the content type, and that the size is 1 to `max_bytes` bytes. Raises `AwsError`.
    """
    with translate_errors():
        from botocore.exceptions import NoCredentialsError

        if _session().get_credentials() is None:
            raise NoCredentialsError  # botocore would raise an AttributeError
        region = None if _session().region_name else _bucket_region(bucket)
        post = client("s3", region).generate_presigned_post(
            bucket,
            key,
            Fields={"Content-Type": content_type},
            Conditions=[{"Content-Type": content_type}, ["content-length-range", 1, max_bytes]],
            ExpiresIn=UPLOAD_EXPIRES_S,
        )
    return post["url"], post["fields"]


@cache
def client(service: str, region: str | None = None) -> Any:
    """Return the boto3 client of a service, the same one for every call.

    Args:
        service: boto3's name of the service.
        region: region of the resource, if known. By default, as `new_client`.
    """
    return new_client(
        service,
        region,
        session=_session(),
        connect_timeout=CONNECT_TIMEOUT_S,
        read_timeout=READ_TIMEOUT_S,
        max_pool_connections=CONNECTIONS,
        # Regional URLs. The global URL of a new bucket redirects.
        s3={"addressing_style": "virtual"},
        signature_version="s3v4" if service == "s3" else None,
    )


def new_client(
    service: str, region: str | None = None, *, session: Any = None, **config: Any
) -> Any:
    """Return a new boto3 client with retries.

    Without `region`, the region is the one of AWS_REGION, AWS_DEFAULT_REGION or the AWS profile.
    S3 needs none: it redirects to the region of a bucket.

    Args:
        service: boto3's name of the service.
        region: region of the resource.
        session: boto3 session; by default, a new one.
        config: options of botocore's `Config`.
    """
    from botocore.config import Config

    session = session or _new_session()
    if service == "s3":
        region = region or session.region_name or _ANY_REGION
    retries = {"total_max_attempts": ATTEMPTS, "mode": "standard"}
    return session.client(service, region_name=region, config=Config(retries=retries, **config))


@cache
def _session() -> Any:
    return _new_session()


def _new_session() -> Any:
    from boto3.session import Session

    # boto3 reads AWS_DEFAULT_REGION and the profile, but not AWS_REGION, which the AWS command
    # line, CDK and the other SDKs read.
    return Session(region_name=os.environ.get("AWS_REGION", "").strip() or None)


def forget_clients() -> None:
    """Make the next calls read the environment again."""
    for cached in (client, _session, _bucket_region):
        cached.cache_clear()


@contextmanager
def translate_errors() -> Iterator[None]:
    """Translate the exceptions of boto3 to `AwsError`, with the original as its cause."""
    from boto3.exceptions import Boto3Error
    from botocore.exceptions import BotoCoreError, ClientError, HTTPClientError
    from botocore.exceptions import ConnectionError as BotoConnectionError
    from urllib3.exceptions import HTTPError

    try:
        yield
    except ClientError as error:
        code = error.response["Error"]["Code"]
        status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 500)
        temporary = status >= HTTPStatus.INTERNAL_SERVER_ERROR or code in _TEMPORARY_CODES
        raise AwsError(code, temporary=temporary) from error
    # HTTPError: a truncated body
    except (HTTPClientError, BotoConnectionError, Boto3Error, HTTPError) as error:
        raise AwsError(type(error).__name__, temporary=True) from error
    except BotoCoreError as error:
        raise AwsError(type(error).__name__, temporary=False) from error
    except (OSError, ValueError) as error:
        # Files, programs and addresses that the AWS configuration names.
        raise AwsError(type(error).__name__, f"{error}", temporary=False) from error


def _region_in(arn: str) -> str | None:
    """Return the region in an ARN, None if it has none."""
    fields = arn.split(":")  # arn:partition:service:region:account:resource
    return fields[3] or None if len(fields) > 5 and fields[0] == "arn" else None


@cache
def _bucket_region(bucket: str) -> str:
    """Ask S3 for the region of a bucket: a form must be signed for it."""
    from botocore.exceptions import ClientError

    try:
        response = client("s3", _ANY_REGION).head_bucket(Bucket=bucket)
    except ClientError as error:  # S3 reports the region with a rejection too
        response = error.response
    headers = response["ResponseMetadata"]["HTTPHeaders"]
    return str(headers.get("x-amz-bucket-region", _ANY_REGION))
