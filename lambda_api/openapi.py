"""What the OpenAPI document says beyond what FastAPI finds in the routes' signatures."""

from typing import Any

from lambda_api.problems import MEDIA_TYPE, ProblemDocument

_PICTURE = {"type": "string", "format": "binary"}

PICTURE_BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "description": "A JPEG, PNG or WebP picture: as the form's `file`, or as the whole body.",
        "content": {
            "multipart/form-data": {
                "schema": {"type": "object", "required": ["file"], "properties": {"file": _PICTURE}}
            },
            "image/jpeg": {"schema": _PICTURE},
            "image/png": {"schema": _PICTURE},
            "image/webp": {"schema": _PICTURE},
        },
    }
}

_DESCRIPTIONS = {
    400: "No picture in the request",
    401: "Credentials missing or wrong",
    413: "Too many bytes or pixels",
    415: "Not a JPEG, PNG or WebP",
    422: "The picture does not decode, or a parameter is out of range",
    503: "The model cannot serve; the detail says why",
}


def problem_responses(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """FastAPI's `responses` for a route that may answer with these problems."""
    content = {MEDIA_TYPE: {"schema": ProblemDocument.model_json_schema()}}
    return {s: {"description": _DESCRIPTIONS[s], "content": content} for s in statuses}
