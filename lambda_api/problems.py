"""Errors as RFC 9457 `application/problem+json`, each with the request's id."""

from collections.abc import Mapping
from http import HTTPStatus

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel
from starlette.exceptions import HTTPException

from lambda_api import images

MEDIA_TYPE = "application/problem+json"
_TYPE = "urn:landscape-classifier:problem:"

# What a picture that cannot be classified is answered with: status, slug.
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


class ProblemDocument(BaseModel):
    """The body of every answer other than success (RFC 9457)."""

    type: str
    title: str
    status: int
    detail: str
    request_id: str


def problem_response(problem: Problem, request_id: str) -> JSONResponse:
    """The HTTP answer for `problem`."""
    document = ProblemDocument(
        type=_TYPE + problem.slug,
        title=HTTPStatus(problem.status).phrase,
        status=problem.status,
        detail=problem.detail,
        request_id=request_id,
    )
    return JSONResponse(
        document.model_dump(),
        status_code=problem.status,
        headers=dict(problem.headers or {}),
        media_type=MEDIA_TYPE,
    )


def install(app: FastAPI) -> None:
    """Answer every expected exception of `app` as a problem."""

    def answer(request: Request, problem: Problem) -> JSONResponse:
        return problem_response(problem, request.state.request_id)

    @app.exception_handler(Problem)
    async def _(request: Request, error: Problem) -> JSONResponse:
        return answer(request, error)

    @app.exception_handler(images.PictureError)
    async def _(request: Request, error: images.PictureError) -> JSONResponse:
        status, slug = _PICTURE_PROBLEMS[type(error)]
        return answer(request, Problem(status, slug, str(error)))

    @app.exception_handler(RequestValidationError)
    async def _(request: Request, error: RequestValidationError) -> JSONResponse:
        found = [f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors()]
        return answer(request, Problem(422, "invalid-request", "; ".join(found)))

    @app.exception_handler(HTTPException)
    async def _(request: Request, error: HTTPException) -> JSONResponse:
        slug = HTTPStatus(error.status_code).phrase.lower().replace(" ", "-")
        return answer(request, Problem(error.status_code, slug, error.detail, error.headers))
