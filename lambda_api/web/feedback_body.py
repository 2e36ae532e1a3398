"""Read the body of `POST /feedback`."""

import asyncio
from typing import Annotated, Self

from fastapi import Request
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator
from python_multipart.multipart import parse_options_header

from lambda_api.collection.policy import MAX_NOTE
from lambda_api.collection.records import MAX_LABEL
from lambda_api.problems import Problem, describe_errors
from lambda_api.uploads import UploadBucket
from lambda_api.web.forms import read_form
from lambda_api.web.request_body import (
    decode_picture,
    media_type,
    parse_json,
    utf8,
)

_NO_PICTURE = "send the request_id of a prediction, or the picture"
_FORM, _JSON = "multipart/form-data", "application/json"


class FeedbackFields(BaseModel):
    """Fields of `POST /feedback` without the picture."""

    model_config = ConfigDict(extra="forbid")

    label: Annotated[
        str,
        Field(
            min_length=1,
            max_length=MAX_LABEL,
            description="The right class, or `none` if the picture shows none of the classes.",
        ),
    ]
    note: Annotated[str | None, Field(max_length=MAX_NOTE, description="A remark.")] = None
    request_id: Annotated[
        str | None,
        Field(
            pattern=r"^[A-Za-z0-9._=-]{1,128}$",
            description="ID of the request with the picture. Sufficient if its picture was "
            "collected.",
        ),
    ] = None


class FeedbackRequest(FeedbackFields):
    """JSON body of `POST /feedback`. One of `request_id`, `image` and `key` is required."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"request_id": "dc714cc3-f1f0-4eda-98ea-ea178a22867f", "label": "forest"}],
            "anyOf": [{"required": [name]} for name in ("request_id", "image", "key")],
        },
    )

    image: Annotated[str | None, Field(description="The picture in base64, or a data URL.")] = None
    key: Annotated[str | None, Field(description="Key returned by `POST /uploads`.")] = None

    @model_validator(mode="after")
    def _has_a_picture(self) -> Self:
        if self.request_id is None and self.image is None and self.key is None:
            raise ValueError(_NO_PICTURE)
        if self.image is not None and self.key is not None:
            raise ValueError("send either image or key, not both")
        return self


async def read_feedback(
    request: Request, uploads: UploadBucket
) -> tuple[FeedbackFields, bytes | None]:
    """Return the feedback of a request, and the picture if it has one.

    Raises:
        Problem: 415 for another media type, 422 for invalid fields, 400 for a form without a
            boundary; and those of `UploadBucket.read`.
    """
    received = media_type(request)
    if received == _FORM:
        return _in_form(await request.body(), request.headers["Content-Type"])
    if received != _JSON:
        raise Problem(
            415,
            "not-feedback",
            f"Received {received[:100] or 'a body without Content-Type'}. Send a form with the "
            f"fields 'label' and 'file' ({_FORM}), or {_JSON}.",
        )
    feedback = parse_json(utf8(await request.body()), FeedbackRequest)
    if feedback.image is not None:
        return feedback, decode_picture(feedback.image)
    if feedback.key is not None:
        return feedback, await asyncio.to_thread(uploads.read, feedback.key)
    return feedback, None


def _in_form(body: bytes, content_type: str) -> tuple[FeedbackFields, bytes | None]:
    _, options = parse_options_header(content_type)
    parts = read_form(body, options.get(b"boundary", b"")) if options.get(b"boundary") else []
    if not parts:
        raise Problem(
            400,
            "bad-request",
            "The form has no parts, or its Content-Type has no boundary. The HTTP library sets the "
            "header with the boundary of the form.",
        )
    files = [part.data for part in parts if part.name == "file"]
    if len(files) > 1:
        raise Problem(422, "invalid-request", "Send one picture for each feedback.")
    fields: dict[str, str] = {}
    for part in parts:
        if part.name in fields:
            raise Problem(422, "invalid-request", f"{part.name}: is sent twice. Send it once.")
        if part.name != "file":
            fields[part.name] = part.data.decode("utf-8", "replace")
    try:
        feedback = FeedbackFields.model_validate(fields)
    except ValidationError as error:
        raise Problem(422, "invalid-request", describe_errors(error.errors())) from error
    if not files and feedback.request_id is None:
        raise Problem(422, "invalid-request", f"The form has no file: {_NO_PICTURE} as 'file'.")
    return feedback, files[0] if files else None
