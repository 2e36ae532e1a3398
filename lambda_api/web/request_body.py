"""Read pictures and JSON documents from request bodies."""

import asyncio
import json
import re
from typing import TYPE_CHECKING, Annotated, TypeVar
from urllib.parse import unquote_to_bytes

from fastapi import Request
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from lambda_api.base64_text import decode_base64
from lambda_api.images import PictureMediaType
from lambda_api.problems import Problem, describe_errors
from lambda_api.uploads import UploadBucket

if TYPE_CHECKING:
    from lambda_api.web.form_pictures import NamedPicture

ModelT = TypeVar("ModelT", bound=BaseModel)

MAX_BATCH = 16  # pictures; 250 kB each within a body of 4,000,000 bytes
KEY_EXAMPLE = "uploads/9f2c7d0e4b1a4c5d8e6f70123456789a.jpg"
_MAX_JSON_BYTES = 4096  # S3 keys have at most 1,024 bytes
_HAS_IMAGE = re.compile(rb'"image"\s*:')
_DATA_URL = re.compile(r"\s*data:([^,]{0,200}),", re.IGNORECASE)
_BASE64_PREFIX = re.compile(r"\s*(?:data:)?[^,]{0,200}\bbase64\s*,", re.IGNORECASE)
_IMAGE_HINT = '. Send {"image": "<base64>"}'
_BOMS = (b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff")
_CONTROLS = re.compile(rb"[\x00-\x08\x0e-\x1f]")


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
            (picture,) = await _form_pictures(request, most=1)
            return picture.data
        case _:
            return await request.body()


async def several_pictures(request: Request) -> "list[NamedPicture]":
    """Return the files of a form in their order. Raises as `one_picture`."""
    if media_type(request) != "multipart/form-data":
        received = media_type(request) or "a body without Content-Type"
        raise Problem(
            415,
            "not-a-form",
            f"Received {received[:100]}. Send the pictures as multipart/form-data, each in a field "
            "'file'.",
        )
    return await _form_pictures(request, most=MAX_BATCH)


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
        return decode_picture(parse_json(body, InlinePicture, _IMAGE_HINT).image)
    if is_binary(body):  # a picture with a wrong Content-Type
        return body
    if len(body) > _MAX_JSON_BYTES:
        raise Problem(
            422,
            "invalid-request",
            f'The document is larger than {_MAX_JSON_BYTES:,} bytes and has no field "image". Send '
            'a picture in base64 as {"image": "..."}.',
        )
    hint = _IMAGE_HINT
    if uploads.bucket is not None:
        hint += ', or {"key": "<key from POST /uploads>"}'
    uploaded = parse_json(body, UploadedPicture, hint)
    return await asyncio.to_thread(uploads.read, uploaded.key)


def decode_picture(text: str) -> bytes:
    """Decode base64 or a data URL. Raises `Problem`."""
    if url := _DATA_URL.match(text):
        text = text[url.end() :]
        if not _BASE64_PREFIX.match(url[0]):
            return unquote_to_bytes(text)
        if "%" in text:  # "+", "/" and "=" in percent-encoding
            text = unquote_to_bytes(text).decode("latin-1")
    elif prefix := _BASE64_PREFIX.match(text):
        text = text[prefix.end() :]
    try:
        return decode_base64(text.encode())
    except ValueError:
        detail = "image: is not base64. Encode the bytes of the picture file in base64."
        raise Problem(422, "invalid-request", detail) from None


def media_type(request: Request) -> str:
    """Return the media type of the body in lower case, without its parameters."""
    return request.headers.get("Content-Type", "").partition(";")[0].strip().lower()


async def _form_pictures(request: Request, most: int) -> "list[NamedPicture]":
    # Imported here to shorten the cold start: most requests are not forms.
    from lambda_api.web.form_pictures import form_pictures

    return await form_pictures(request, most)


def is_binary(data: bytes) -> bool:
    """Return True if data begins with control characters, as pictures do and text does not."""
    return _CONTROLS.search(data, 0, 32) is not None
