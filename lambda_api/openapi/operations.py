"""Parts of OpenAPI operations: parameters, request bodies and responses.

Schemas are referenced by name, so that `schemas` is imported with the OpenAPI document only.
"""

from typing import Any

from pydantic import BaseModel

from lambda_api.collection.policy import MAX_NOTE
from lambda_api.images import MEDIA_TYPES, NAMES
from lambda_api.problems import MEDIA_TYPE
from lambda_api.web.request_body import (
    MAX_BATCH,
    InlinePicture,
    UploadedPicture,
    UploadRequest,
)

Responses = dict[int | str, dict[str, Any]]

SCHEMAS = "#/components/schemas/"
_BINARY = {"type": "string", "format": "binary"}
_FORM = {
    "type": "object",
    "required": ["file"],
    "properties": {"file": {**_BINARY, "description": "The picture."}},
}
_BATCH_FORM = {
    "type": "object",
    "required": ["file"],
    "properties": {
        "file": {
            "type": "array",
            "items": _BINARY,
            "minItems": 1,
            "maxItems": MAX_BATCH,
            "description": "The pictures, one field of this name for each.",
        }
    },
}


def _json(*models: type[BaseModel] | str) -> dict[str, Any]:
    names = [model if isinstance(model, str) else model.__name__ for model in models]
    schemas = [{"$ref": SCHEMAS + name} for name in names]
    return {"application/json": {"schema": schemas[0] if len(schemas) == 1 else {"oneOf": schemas}}}


PICTURE_BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "description": "A picture: as the field `file` of a form, as the whole body, in base64 in "
        "a JSON document, or as the key of an earlier upload.",
        "content": {
            "multipart/form-data": {"schema": _FORM},
            **{media_type: {"schema": _BINARY} for media_type in MEDIA_TYPES},
            **_json(InlinePicture, UploadedPicture),
        },
    }
}
BATCH_BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "description": f"1 to {MAX_BATCH} pictures in a form.",
        "content": {"multipart/form-data": {"schema": _BATCH_FORM}},
    }
}
UPLOAD_BODY: dict[str, Any] = {
    "requestBody": {"required": True, "content": _json(UploadRequest)},
}

FEEDBACK_BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "description": "The right label, with the ID of a request whose picture was collected, or "
        "with the picture.",
        "content": {
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "required": ["label"],
                    "properties": {
                        "file": {**_BINARY, "description": "The picture."},
                        "label": {"type": "string", "description": "A class, or `none`."},
                        "request_id": {"type": "string"},
                        "note": {"type": "string", "maxLength": MAX_NOTE},
                    },
                }
            },
            **_json("FeedbackRequest"),
        },
    }
}

_PROBLEMS = {
    400: "No picture in the request, a malformed form, an invalid key, or two body lengths",
    401: "Missing or wrong credentials",
    404: "No upload has this key, no picture is stored for this request ID, or the service has no "
    "uploads or stores no feedback",
    408: "The request body did not arrive in time",
    409: "Several pictures were classified under this request ID",
    413: "Too many bytes or pixels, or too much memory to decode. `detail` contains the limit",
    415: f"Not a {NAMES}. For a batch: not a form. For feedback: neither a form nor JSON",
    422: "The picture cannot be decoded, or a parameter or label is invalid",
    429: "Too many failed logins from this address",
    431: "The headers are too large",
    500: "Unexpected error. Find its details in the log by the request ID",
    503: "No model is loaded, S3 cannot be used, or the request timed out. See `detail`",
}
_HEADERS = {
    "X-Request-ID": "ID of the request, also in the log.",
    "X-Cold-Start": "`true` if a process was started for this request, else `false`.",
}
_PROBLEM_HEADERS: dict[int, dict[str, str]] = {
    401: {"WWW-Authenticate": "The challenge. A gateway may rename this header."},
    429: {"Retry-After": "Seconds to wait before the next attempt."},
    503: {"Retry-After": "Seconds to wait before the next attempt."},
}


def query_parameters(model: type[BaseModel]) -> dict[str, Any]:
    """Return FastAPI's `openapi_extra` for a route that reads its query as this model."""
    return {"parameters": [{"$ref": SCHEMAS + model.__name__}]}


def success(schema: str, status: int = 200) -> Responses:
    """Return FastAPI's `responses` for a route that responds with this model of `schemas`."""
    description = "Successful response"
    return {status: {"description": description, "content": _json(schema), "headers": _headers()}}


def problem_responses(*statuses: int) -> Responses:
    """Return FastAPI's `responses` for a route that may respond with these errors."""
    return {
        status: {
            "description": _PROBLEMS[status],
            "content": {MEDIA_TYPE: {"schema": {"$ref": SCHEMAS + "ProblemDocument"}}},
            "headers": _headers(**_PROBLEM_HEADERS.get(status, {})),
        }
        for status in statuses
    }


def _headers(**more: str) -> dict[str, dict[str, Any]]:
    return {
        name: {"description": text, "schema": {"type": "string"}}
        for name, text in (_HEADERS | more).items()
    }


# Every route may respond with these.
COMMON_RESPONSES = problem_responses(400, 408, 413, 431, 500)
