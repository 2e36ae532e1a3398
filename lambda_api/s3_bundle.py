"""Bundles in S3: where a value of MODEL_URI leads, and the download of their files."""

from pathlib import Path

from lambda_api import aws
from lambda_api.manifest import BundleError
from lambda_api.promotion import CURRENT, MAX_BYTES, read_promoted_version

S3 = "s3://"


def is_pointer(uri: str) -> bool:
    """Whether an s3:// address is that of the pointer to a promoted version."""
    return uri.rstrip("/").endswith(f"/{CURRENT}")


def locate(uri: str) -> tuple[str, str]:
    """Return bucket and prefix of a bundle, that of the promoted version for a pointer.

    Args:
        uri: s3://bucket/prefix, or s3://bucket/.../current.

    Raises:
        BundleError: the pointer cannot be read.
    """
    bucket, _, prefix = uri.removeprefix(S3).rstrip("/").partition("/")
    if not is_pointer(uri):
        return bucket, prefix
    try:
        promoted = read_promoted_version(aws.read_object(bucket, prefix, MAX_BYTES))
    except (aws.AwsError, aws.ObjectTooLarge) as error:
        raise BundleError(f"Cannot read the pointer {CURRENT!r} from S3 ({error}).") from error
    return bucket, f"{prefix.removesuffix(CURRENT)}{promoted.version}"


def download(bucket: str, prefix: str, name: str, folder: Path) -> None:
    """Download a file of a bundle. Raises `BundleError`."""
    try:
        aws.download(bucket, f"{prefix}/{name}".lstrip("/"), folder / name)
    except aws.AwsError as error:
        raise BundleError(f"Cannot download {name} from S3 ({error}).") from error
