"""Pictures too large for a request: they go to S3 by a presigned form, then come by their key."""

import re
import secrets
from dataclasses import dataclass

from lambda_api import aws
from lambda_api.problems import Problem
from lambda_api.settings import Settings

SUFFIXES = {"image/jpeg": "jpg", "image/png": "png", "image/webp": "webp"}
_NAME = re.compile(r"[0-9a-f]{32}\.(jpg|png|webp)")


@dataclass(frozen=True)
class UploadForm:
    """What an HTML form, or `curl -F`, needs to put one picture into the bucket.

    Attributes:
        url: where to post it.
        fields: to send before the field `file`.
        key: what the picture will be known by.
    """

    url: str
    fields: dict[str, str]
    key: str


@dataclass(frozen=True)
class Uploads:
    """The part of a bucket that takes pictures.

    Attributes:
        bucket: its name; None where the service has none.
        prefix: of the keys of all uploads, with a slash at its end.
        max_bytes: of one upload.
    """

    bucket: str | None
    prefix: str
    max_bytes: int

    @classmethod
    def of(cls, settings: Settings) -> "Uploads":
        return cls(settings.upload_bucket, settings.upload_prefix, settings.max_upload_bytes)

    def new_form(self, content_type: str) -> UploadForm:
        """A form for one picture under a new random key. Blocks; raises `Problem`."""
        key = f"{self.prefix}{secrets.token_hex(16)}.{SUFFIXES[content_type]}"
        try:
            url, fields = aws.presigned_post(
                self._known_bucket(), key, content_type, self.max_bytes
            )
        except aws.AwsError as error:
            raise _unavailable() from error
        return UploadForm(url, fields, key)

    def read(self, key: str) -> bytes:
        """An uploaded picture. Blocks.

        Raises:
            Problem: 400 for a key that no upload has, 404 for one with nothing in it (yet), 413
                for too many bytes, 503 where S3 does not answer.
        """
        bucket = self._known_bucket()
        # Nothing but what `new_form` gives out: no way to other objects, however it is spelt.
        if not (key.startswith(self.prefix) and _NAME.fullmatch(key.removeprefix(self.prefix))):
            raise Problem(400, "foreign-key", "The key is not one that POST /uploads has given.")
        try:
            return aws.read_object(bucket, key, self.max_bytes)
        except aws.ObjectTooLarge as error:
            raise Problem(
                413, "too-many-bytes", f"The upload is over the limit of {self.max_bytes:,} bytes."
            ) from error
        except aws.AwsError as error:
            if error.code == "NoSuchKey":
                raise Problem(
                    404, "no-such-upload", "There is no picture under this key (any more)."
                ) from error
            raise _unavailable() from error

    def _known_bucket(self) -> str:
        if self.bucket is None:
            raise Problem(
                404, "no-uploads", "This service takes no uploads: send the picture itself."
            )
        return self.bucket


def _unavailable() -> Problem:
    return Problem(503, "storage-unavailable", "S3 does not answer.", {"Retry-After": "5"})
