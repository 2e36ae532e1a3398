"""Read pictures and JSON documents from request bodies."""

import asyncio
import json
import re
from dataclasses import dataclass
from typing import Annotated, TypeVar
from urllib.parse import unquote_to_bytes

from fastapi import Request
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from python_multipart.multipart import parse_options_header
from starlette.datastructures import UploadFile
from starlette.exceptions import HTTPException

from lambda_api.base64_text import decode_base64
from lambda_api.images import NoPicture, PictureMediaType
from lambda_api.problems import Problem, describe_errors
from lambda_api.uploads import UploadBucket
from lambda_api.web.forms import FormPart, decode_transfer, is_binary, read_form

ModelT = TypeVar("ModelT", bound=BaseModel)

MAX_BATCH = 16  # pictures; 250 kB each within a body of 4,000,000 bytes
KEY_EXAMPLE = "uploads/9f2c7d0e4b1a4c5d8e6f70123456789a.jpg"
_MAX_TEXT_FIELDS = 8
_MAX_JSON_BYTES = 4096  # S3 keys have at most 1,024 bytes
_MAX_NAMES = 5  # names of fields in an error message
_HAS_IMAGE = re.compile(rb'"image"\s*:')
_DATA_URL = re.compile(r"\s*data:([^,]{0,200}),", re.IGNORECASE)
_BOMS = (b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff")
_CHARSETS = {b"utf-8", b"utf8"}


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


class InlinePicture(BaseModel):
    """JSON body of `POST /predict` and `POST /explain` with the picture itself."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={"examples": [{"image": "data:image/jpeg;base64,/9j/4AAQSkZJRg..."}]},
    )

    image: Annotated[str, Field(description="The picture in base64, or a data URL.")]


@dataclass(frozen=True, slots=True)
class NamedPicture:
    """A picture with the file name from the form."""

    filename: str
    data: bytes


async def one_picture(request: Request, uploads: UploadBucket) -> bytes:
    """Return the picture of a request: from a form, a JSON document, or the whole body.

    A JSON document has the picture in base64, or the key of an earlier upload.

    Raises:
        NoPicture: a form without the field `file`.
        Problem: an invalid JSON body, a missing upload, or a malformed form.
        HTTPException: a form with too many parts.
    """
    match media_type(request):
        case "application/json":
            return await _picture_in_json(request, uploads)
        case "multipart/form-data":
            (picture,) = await _files(request, most=1)
            return picture.data
        case _:
            return await request.body()


async def several_pictures(request: Request) -> list[NamedPicture]:
    """Return the files of a form in their order. Raises as `one_picture`."""
    if media_type(request) != "multipart/form-data":
        received = media_type(request) or "a body without Content-Type"
        raise Problem(
            415,
            "not-a-form",
            f"Received {received[:100]}. Send the pictures as multipart/form-data, each in a field "
            "'file'.",
        )
    return await _files(request, most=MAX_BATCH)


async def json_body(request: Request, model: type[ModelT]) -> ModelT:
    """Parse a JSON body of at most 4,096 bytes.

    A body parameter of FastAPI would be read before the credentials are checked.

    Raises:
        Problem: 422, the body does not fit the model.
    """
    body = await request.body()
    if len(body) > _MAX_JSON_BYTES:
        raise Problem(
            422, "invalid-request", f"The document is larger than {_MAX_JSON_BYTES:,} bytes."
        )
    return parse_json(utf8(body), model)


def utf8(document: bytes) -> bytes:
    """Return a JSON document in UTF-8 without a byte order mark, which Windows tools write."""
    if document.startswith(_BOMS):
        return document.decode(json.detect_encoding(document), "replace").encode()
    return document


def parse_json(body: bytes, model: type[ModelT], hint: str = "") -> ModelT:
    """Parse a JSON document in UTF-8. Raises `Problem` with `hint` behind the reason."""
    try:
        return model.model_validate_json(body)
    except ValidationError as error:
        raise Problem(422, "invalid-request", describe_errors(error.errors()) + hint) from error


async def _picture_in_json(request: Request, uploads: UploadBucket) -> bytes:
    body = utf8(await request.body())
    if _HAS_IMAGE.search(body):
        return decode_picture(parse_json(body, InlinePicture).image)
    if is_binary(body):  # a picture with a wrong Content-Type
        return body
    if len(body) > _MAX_JSON_BYTES:
        raise Problem(
            422,
            "invalid-request",
            f'The document is larger than {_MAX_JSON_BYTES:,} bytes and has no field "image". Send '
            'a picture in base64 as {"image": "..."}.',
        )
    hint = '. Send {"image": "<base64>"}'
    if uploads.bucket is not None:
        hint += ', or {"key": "<key from POST /uploads>"}'
    uploaded = parse_json(body, UploadedPicture, hint)
    return await asyncio.to_thread(uploads.read, uploaded.key)


def decode_picture(text: str) -> bytes:
    """Decode base64 or a data URL. Raises `Problem`."""
    if url := _DATA_URL.match(text):
        text = text[url.end() :]
        if not url[1].rstrip().lower().endswith(";base64"):
            return unquote_to_bytes(text)
        if "%" in text:  # "+", "/" and "=" in percent-encoding
            text = unquote_to_bytes(text).decode("latin-1")
    try:
        return decode_base64(text.encode())
    except ValueError:
        detail = "image: is not base64. Encode the bytes of the picture file in base64."
        raise Problem(422, "invalid-request", detail) from None


def media_type(request: Request) -> str:
    """Return the media type of the body in lower case, without its parameters."""
    return request.headers.get("Content-Type", "").partition(";")[0].strip().lower()


async def _files(request: Request, most: int) -> list[NamedPicture]:
    body = await request.body()
    _, options = parse_options_header(request.headers["Content-Type"])
    boundary = options.get(b"boundary")
    if not boundary:
        raise Problem(
            400,
            "bad-request",
            "The Content-Type has no boundary. Do not set the header yourself: the HTTP library "
            "sets it with the boundary of the form.",
        )
    problem: Problem | None = None
    # A charset is about names. Starlette would decode them with any Python codec of that name.
    if options.get(b"charset", b"utf-8").lower() in _CHARSETS:
        try:
            if files := await _standard_files(request, most):
                return files
        except HTTPException as error:
            problem = _form_problem(error)
    parts = read_form(body, boundary)
    if files := _files_of_other_clients(parts, most):
        return files
    raise problem or NoPicture(_missing_file(parts))


async def _standard_files(request: Request, most: int) -> list[NamedPicture]:
    async with request.form(max_files=most, max_fields=_MAX_TEXT_FIELDS) as form:
        files = [file for file in form.getlist("file") if isinstance(file, UploadFile)]
        return [
            NamedPicture(
                file.filename or "",
                decode_transfer(
                    await file.read(), file.headers.get("content-transfer-encoding", "")
                ),
            )
            for file in files
        ]


def _files_of_other_clients(parts: list[FormPart], most: int) -> list[NamedPicture]:
    """Return the files of a form that Starlette does not accept, none if it has too many parts."""
    files = [part for part in parts if part.name == "file" and part.is_file]
    if len(files) > most or len(parts) - len(files) > _MAX_TEXT_FIELDS:
        return []
    return [NamedPicture(part.filename or "", part.data) for part in files]


def _form_problem(error: HTTPException) -> Problem:
    detail = str(error.detail)
    if detail == "Invalid multipart data.":
        detail += (
            " The body does not begin with the boundary of the Content-Type, or a part is "
            "incomplete."
        )
    return Problem(400, "bad-request", detail)


def _missing_file(parts: list[FormPart]) -> str:
    """Describe a form without a file named 'file'."""
    detail = "The form has no file field named 'file'."
    if any(part.name == "file" for part in parts):
        return (
            "The form has no file field named 'file': the field has text. With curl, write "
            "-F file=@photo.jpg with an @."
        )
    names = dict.fromkeys(part.name[:50] for part in parts)
    if names:
        listed = ", ".join(repr(name) for name in list(names)[:_MAX_NAMES])
        return f"{detail} Received: {listed}."
    return detail
