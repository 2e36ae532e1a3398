"""Read pictures and JSON documents from request bodies."""

import asyncio
from dataclasses import dataclass
from typing import Annotated, TypeVar

from fastapi import Request
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from python_multipart.multipart import parse_options_header
from starlette.datastructures import UploadFile

from lambda_api.images import NoPicture, PictureMediaType
from lambda_api.problems import Problem, describe_errors
from lambda_api.uploads import UploadBucket

ModelT = TypeVar("ModelT", bound=BaseModel)

MAX_BATCH = 16  # pictures; 250 kB each within a body of 4,000,000 bytes
KEY_EXAMPLE = "uploads/9f2c7d0e4b1a4c5d8e6f70123456789a.jpg"
_MAX_TEXT_FIELDS = 8
_MAX_JSON_BYTES = 4096  # S3 keys have at most 1,024 bytes


class UploadRequest(BaseModel):
    """Body of `POST /uploads`."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"content_type": "image/jpeg"}]}
    )

    content_type: PictureMediaType


class UploadedPicture(BaseModel):
    """JSON body of `POST /predict` and `POST /explain`."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"key": KEY_EXAMPLE}]}
    )

    key: Annotated[str, Field(description="Key returned by `POST /uploads`.")]


@dataclass(frozen=True, slots=True)
class NamedPicture:
    """A picture with the file name from the form."""

    filename: str
    data: bytes


async def one_picture(request: Request, uploads: UploadBucket) -> bytes:
    """Return the picture of a request: from a form, an earlier upload, or the whole body.

    Raises:
        NoPicture: a form without the field `file`.
        Problem: an invalid JSON body, a missing upload, or a form that is not in UTF-8.
        HTTPException: a malformed form, or one with too many parts.
    """
    match _media_type(request):
        case "application/json":
            uploaded = await json_body(request, UploadedPicture)
            return await asyncio.to_thread(uploads.read, uploaded.key)
        case "multipart/form-data":
            (picture,) = await _files(request, most=1)
            return picture.data
        case _:
            return await request.body()


async def several_pictures(request: Request) -> list[NamedPicture]:
    """Return the files of a form in their order. Raises as `one_picture`."""
    if _media_type(request) != "multipart/form-data":
        raise Problem(
            415, "not-a-form", "Send the pictures as multipart/form-data, each in a field 'file'."
        )
    return await _files(request, most=MAX_BATCH)


async def json_body(request: Request, model: type[ModelT]) -> ModelT:
    """Parse a JSON body.

    A body parameter of FastAPI would be read before the credentials are checked.

    Raises:
        Problem: 422, the body does not fit the model.
    """
    body = await request.body()
    if len(body) > _MAX_JSON_BYTES:
        raise Problem(
            422, "invalid-request", f"The document is larger than {_MAX_JSON_BYTES:,} bytes."
        )
    try:
        return model.model_validate_json(body)
    except ValidationError as error:
        raise Problem(422, "invalid-request", describe_errors(error.errors())) from error


def _media_type(request: Request) -> str:
    return request.headers.get("Content-Type", "").partition(";")[0].strip().lower()


async def _files(request: Request, most: int) -> list[NamedPicture]:
    # Starlette would decode names with any Python codec that the request names.
    _, options = parse_options_header(request.headers["Content-Type"])
    if options.get(b"charset", b"utf-8").lower() != b"utf-8":
        raise Problem(400, "not-utf-8", "The form must be in UTF-8. Remove its charset parameter.")
    async with request.form(max_files=most, max_fields=_MAX_TEXT_FIELDS) as form:
        files = [file for file in form.getlist("file") if isinstance(file, UploadFile)]
        if not files:
            raise NoPicture("The form has no file field named 'file'.")
        return [NamedPicture(file.filename or "", await file.read()) for file in files]
