"""Errors as RFC 9457 `application/problem+json`, each with the request's id."""

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
_MAX_SAID = 5

_PICTURE_PROBLEMS: dict[type[images.PictureError], tuple[int, str]] = {
    images.NoPicture: (400, "no-picture"),
    images.TooManyPixels: (413, "too-many-pixels"),
    images.UnsupportedFormat: (415, "unsupported-format"),
    images.UndecodablePicture: (422, "undecodable-picture"),
}


class Problem(Exception):
    """An answer other than success.

    Args:
        status: HTTP status.
        slug: the kind of problem, for programs; the last part of its `type`.
        detail: what happened and what to do, for people.
        headers: of the answer.
    """

    def __init__(
        self, status: int, slug: str, detail: str, headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(detail)
        self.status, self.slug, self.detail, self.headers = status, slug, detail, headers


def problem_fields(problem: Problem) -> dict[str, str | int]:
    """A problem's document but for the request's id."""
    return {
        "type": _TYPE + problem.slug,
        "title": HTTPStatus(problem.status).phrase,
        "status": problem.status,
        "detail": problem.detail,
    }


def problem_response(problem: Problem, request_id: str) -> FastJSONResponse:
    """The HTTP answer for `problem`."""
    return FastJSONResponse(
        {**problem_fields(problem), "request_id": request_id},
        status_code=problem.status,
        headers=dict(problem.headers or {}),
        media_type=MEDIA_TYPE,
    )


def of_picture(error: images.PictureError) -> Problem:
    """What a picture that cannot be classified is answered with."""
    status, slug = _PICTURE_PROBLEMS[type(error)]
    return Problem(status, slug, str(error))


def said(errors: Iterable[Mapping[str, Any]]) -> str:
    """What pydantic found wrong first, without the values."""
    return "; ".join(
        ": ".join([*([".".join(map(str, e["loc"]))] if e["loc"] else []), e["msg"]])
        for e in islice(errors, _MAX_SAID)
    )


def install(app: FastAPI) -> None:
    """Answer every expected exception of `app` as a problem."""

    def answer(request: Request, problem: Problem) -> FastJSONResponse:
        return problem_response(problem, request.state.request_id)

    @app.exception_handler(Problem)
    async def _(request: Request, error: Problem) -> FastJSONResponse:
        return answer(request, error)

    @app.exception_handler(images.PictureError)
    async def _(request: Request, error: images.PictureError) -> FastJSONResponse:
        return answer(request, of_picture(error))

    @app.exception_handler(HTTPException)
    async def _(request: Request, error: HTTPException) -> FastJSONResponse:
        slug = HTTPStatus(error.status_code).phrase.lower().replace(" ", "-")
        return answer(request, Problem(error.status_code, slug, error.detail, error.headers))
