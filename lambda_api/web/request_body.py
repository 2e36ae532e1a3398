"""Where a request has its pictures: in a form, as its body, or in the bucket of the uploads."""

import asyncio
from dataclasses import dataclass
from typing import Annotated, Literal, TypeVar

from fastapi import Request
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from python_multipart.multipart import parse_options_header
from starlette.datastructures import UploadFile

from lambda_api.images import NoPicture
from lambda_api.problems import Problem, said
from lambda_api.uploads import Uploads

ModelT = TypeVar("ModelT", bound=BaseModel)

MAX_BATCH = 16  # pictures; at 4,000,000 bytes a request, 250 kB each
_MAX_TEXT_FIELDS = 8
_MAX_JSON_BYTES = 4096  # the longest key that S3 knows has 1,024


class UploadRequest(BaseModel):
    """Body of `POST /uploads`."""

    model_config = ConfigDict(extra="forbid")

    content_type: Literal["image/jpeg", "image/png", "image/webp"]


class UploadedPicture(BaseModel):
    """JSON body of `POST /predict` and `POST /explain`."""

    model_config = ConfigDict(extra="forbid")

    key: Annotated[str, Field(description="Of an earlier upload.")]


@dataclass(frozen=True, slots=True)
class NamedPicture:
    """A picture as sent, with the file name that the sender gave it."""

    filename: str
    data: bytes


async def one_picture(request: Request, uploads: Uploads) -> bytes:
    """The picture of a request, whatever the body calls itself.

    Raises:
        NoPicture: a form without its `file`.
        Problem: a JSON body that names no upload, or one that cannot be had; a form not in UTF-8.
        HTTPException: a form that is broken or has too many parts.
    """
    match _media_type(request):
        case "application/json":
            named = await json_body(request, UploadedPicture)
            return await asyncio.to_thread(uploads.read, named.key)
        case "multipart/form-data":
            (picture,) = await _files(request, most=1)
            return picture.data
        case _:
            return await request.body()


async def several_pictures(request: Request) -> list[NamedPicture]:
    """The files of a form, in their order. Raises as `one_picture`."""
    if _media_type(request) != "multipart/form-data":
        raise Problem(
            415, "not-a-form", "Send the pictures as multipart/form-data, each as a field 'file'."
        )
    return await _files(request, most=MAX_BATCH)


async def json_body(request: Request, model: type[ModelT]) -> ModelT:
    """The body as a document; not FastAPI's way, which reads it before it asks for credentials.

    Raises:
        Problem: 422, it is not such a document.
    """
    body = await request.body()
    if len(body) > _MAX_JSON_BYTES:
        raise Problem(422, "invalid-request", f"The document is over {_MAX_JSON_BYTES:,} bytes.")
    try:
        return model.model_validate_json(body)
    except ValidationError as error:
        raise Problem(422, "invalid-request", said(error.errors())) from error


def _media_type(request: Request) -> str:
    return request.headers.get("Content-Type", "").partition(";")[0].strip().lower()


async def _files(request: Request, most: int) -> list[NamedPicture]:
    # Starlette decodes names by any codec of Python's that the request asks for.
    _, options = parse_options_header(request.headers["Content-Type"])
    if options.get(b"charset", b"utf-8").lower() != b"utf-8":
        raise Problem(400, "not-utf-8", "The names in a form are UTF-8: leave out its charset.")
    async with request.form(max_files=most, max_fields=_MAX_TEXT_FIELDS) as form:
        files = [file for file in form.getlist("file") if isinstance(file, UploadFile)]
        if not files:
            raise NoPicture("The form has no file field named 'file'.")
        return [NamedPicture(file.filename or "", await file.read()) for file in files]
