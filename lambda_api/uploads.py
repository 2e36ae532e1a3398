"""Uploads to S3 with presigned forms, for pictures that are too large for a request."""

import re
import secrets
from dataclasses import dataclass

from lambda_api import aws
from lambda_api.images import MEDIA_TYPES, PictureMediaType
from lambda_api.problems import Problem
from lambda_api.settings import Settings

_MAX_REASON = 300  # characters in the log
_NAME = re.compile(rf"[0-9a-f]{{32}}\.({'|'.join(MEDIA_TYPES.values())})")


@dataclass(frozen=True)
class PresignedForm:
    """A presigned HTML form that uploads one picture to S3.

    Attributes:
        url: URL to post the form to.
        fields: form fields to send before the field `file`.
        key: key of the picture after the upload.
    """

    url: str
    fields: dict[str, str]
    key: str


@dataclass(frozen=True)
class UploadBucket:
    """The S3 bucket for uploads.

    Attributes:
        bucket: name of the bucket; None if the service has none.
        prefix: prefix of the keys of all uploads, with a trailing slash.
        max_bytes: size limit of one upload.
    """

    bucket: str | None
    prefix: str
    max_bytes: int

    @classmethod
    def of(cls, settings: Settings) -> "UploadBucket":
        return cls(settings.upload_bucket, settings.upload_prefix, settings.max_upload_bytes)

    def new_form(self, content_type: PictureMediaType) -> PresignedForm:
        """Create a form for one picture with a new random key.

        Blocks. Raises `Problem`: 404 without a bucket, 503 if S3 does not respond.
        """
        key = f"{self.prefix}{secrets.token_hex(16)}.{MEDIA_TYPES[content_type]}"
        try:
            url, fields = aws.presigned_post(
                self._required_bucket(), key, content_type, self.max_bytes
            )
        except aws.AwsError as error:
            raise _unavailable(error) from error
        return PresignedForm(url, fields, key)

    def read(self, key: str) -> bytes:
        """Return the content of an uploaded picture. Blocks.

        Raises:
            Problem: 400 for an invalid key, 404 for a missing object or bucket, 413 for an object
                that is too large, 503 if S3 does not respond.
        """
        bucket = self._required_bucket()
        # Only keys that `new_form` creates: no other object in the bucket can be read.
        if not (key.startswith(self.prefix) and _NAME.fullmatch(key.removeprefix(self.prefix))):
            raise Problem(400, "foreign-key", "The key was not created by POST /uploads.")
        try:
            return aws.read_object(bucket, key, self.max_bytes)
        except aws.ObjectTooLarge as error:
            raise Problem(
                413, "too-many-bytes", f"The upload is larger than {self.max_bytes:,} bytes."
            ) from error
        except aws.AwsError as error:
            if error.code == "NoSuchKey":
                raise Problem(
                    404,
                    "no-such-upload",
                    "No picture has this key. Uploads are deleted after some time.",
                ) from error
            raise _unavailable(error) from error

    def _required_bucket(self) -> str:
        if self.bucket is None:
            raise Problem(
                404, "no-uploads", "This service has no uploads. Send the picture itself."
            )
        return self.bucket


def _unavailable(error: aws.AwsError) -> Problem:
    log = {"aws_error": error.code, "aws_reason": str(error.__cause__)[:_MAX_REASON]}
    if error.temporary:
        return Problem(
            503,
            "storage-unavailable",
            "S3 does not respond. Try again.",
            {"Retry-After": "5"},
            log=log,
        )
    return Problem(
        503,
        "storage-unavailable",
        "S3 rejected the request of the service. The log has the reason under the request ID. "
        "A retry does not help.",
        log=log,
    )
