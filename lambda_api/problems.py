"""RFC 9457 problem documents (`application/problem+json`) for errors."""

from collections.abc import Iterable, Mapping
from http import HTTPStatus
from itertools import islice
from typing import Any

from fastapi import FastAPI, Request
from starlette.exceptions import HTTPException

from lambda_api import images
from lambda_api.json_output import FastJSONResponse

MEDIA_TYPE = "application/problem+json"
_TYPE = "urn:landscape-classifier:problem:"
_MAX_DESCRIBED = 5

_PICTURE_PROBLEMS: dict[type[images.PictureError], tuple[int, str]] = {
    images.NoPicture: (400, "no-picture"),
    images.TooManyPixels: (413, "too-many-pixels"),
    images.UnsupportedFormat: (415, "unsupported-format"),
    images.UndecodablePicture: (422, "undecodable-picture"),
}


class Problem(Exception):
    """An error response.

    Args:
        status: HTTP status.
        slug: last part of the problem's `type`, for programs.
        detail: error and remedy, for people.
        headers: additional headers of the response.
        log: additional fields of the log line, for operators.
    """

    def __init__(
        self,
        status: int,
        slug: str,
        detail: str,
        headers: Mapping[str, str] | None = None,
        log: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(detail)
        self.status, self.slug, self.detail, self.headers = status, slug, detail, headers
        self.log = log or {}


def problem_fields(problem: Problem) -> dict[str, str | int]:
    """Return the fields of a problem document, without the request ID."""
    return {
        "type": _TYPE + problem.slug,
        "title": HTTPStatus(problem.status).phrase,
        "status": problem.status,
        "detail": problem.detail,
    }


def problem_response(problem: Problem, request_id: str) -> FastJSONResponse:
    """Return the HTTP response for `problem`."""
    return FastJSONResponse(
        {**problem_fields(problem), "request_id": request_id},
        status_code=problem.status,
        headers=dict(problem.headers or {}),
        media_type=MEDIA_TYPE,
    )


def picture_problem(error: images.PictureError) -> Problem:
    """Return the problem for a picture that cannot be classified."""
    status, slug = _PICTURE_PROBLEMS[type(error)]
    return Problem(status, slug, str(error))


def describe_errors(errors: Iterable[Mapping[str, Any]]) -> str:
    """Describe the first of pydantic's validation errors, without the rejected values."""
    return "; ".join(
        ": ".join([*([".".join(map(str, e["loc"]))] if e["loc"] else []), e["msg"]])
        for e in islice(errors, _MAX_DESCRIBED)
    )


def install(app: FastAPI) -> None:
    """Register exception handlers that send problem documents."""

    def respond(request: Request, problem: Problem) -> FastJSONResponse:
        return problem_response(problem, request.state.request_id)

    @app.exception_handler(Problem)
    async def _(request: Request, error: Problem) -> FastJSONResponse:
        request.state.log.update(error.log)
        return respond(request, error)

    @app.exception_handler(images.PictureError)
    async def _(request: Request, error: images.PictureError) -> FastJSONResponse:
        return respond(request, picture_problem(error))

    @app.exception_handler(HTTPException)
    async def _(request: Request, error: HTTPException) -> FastJSONResponse:
        slug = HTTPStatus(error.status_code).phrase.lower().replace(" ", "-")
        detail, headers = error.detail, dict(error.headers or {})
        if error.status_code == HTTPStatus.NOT_FOUND:
            detail = "There is no such route. GET / lists the routes."
        elif allowed := headers.get("Allow"):
            headers["Allow"] = allowed = ", ".join(sorted(allowed.split(", ")))
            detail = f"This route does not support {request.method}. Use {allowed}."
        return respond(request, Problem(error.status_code, slug, detail, headers))
