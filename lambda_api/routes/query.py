"""What a request asks for in its query string.

Not parameters of the routes: with the first of those FastAPI imports pydantic's old version, which
is a tenth of the start, and reads them more slowly.
"""

from typing import Annotated, TypeVar

from fastapi import Request
from pydantic import BaseModel, Field, ValidationError

from lambda_api.problems import Problem, said

MIN_GRID, MAX_GRID, DEFAULT_GRID = 2, 15, 7


class PredictQuery(BaseModel):
    """Of `/predict` and `/predict/batch`."""

    top_k: Annotated[
        int | None,
        Field(ge=1, le=1000, description="Only the best so many; all classes if absent."),
    ] = None


class ExplainQuery(PredictQuery):
    """Of `/explain`."""

    grid: Annotated[
        int, Field(ge=MIN_GRID, le=MAX_GRID, description="Cells a side of the occlusion map.")
    ] = DEFAULT_GRID
    overlay: Annotated[bool, Field(description="Whether to draw the map over the picture.")] = False


QueryT = TypeVar("QueryT", bound=PredictQuery)


def read_query(request: Request, model: type[QueryT]) -> QueryT:
    """The query string as a document; names that it does not know are ignored.

    Raises:
        Problem: 422, a value is out of range.
    """
    if not request.scope["query_string"]:
        return model()
    try:
        return model.model_validate(dict(request.query_params))
    except ValidationError as error:
        raise Problem(422, "invalid-request", f"query.{said(error.errors())}") from error
