"""Query parameters of the routes."""

from typing import Annotated, TypeVar

from fastapi import Request
from pydantic import BaseModel, Field, ValidationError

from lambda_api.problems import Problem, describe_errors

MIN_GRID, MAX_GRID, DEFAULT_GRID = 2, 15, 7


class PredictQuery(BaseModel):
    """Query parameters of `/predict` and `/predict/batch`."""

    top_k: Annotated[
        int | None,
        Field(ge=1, le=1000, description="Number of classes to return. All by default."),
    ] = None


class ExplainQuery(PredictQuery):
    """Query parameters of `/explain`."""

    grid: Annotated[
        int, Field(ge=MIN_GRID, le=MAX_GRID, description="Cells per side of the occlusion map.")
    ] = DEFAULT_GRID
    overlay: Annotated[bool, Field(description="Draw the map over the picture.")] = False


QueryT = TypeVar("QueryT", bound=BaseModel)


def read_query(request: Request, model: type[QueryT]) -> QueryT:
    """Parse the query string. Unknown parameters are ignored.

    Raises:
        Problem: 422, a value is invalid.
    """
    if not request.scope["query_string"]:
        return model()
    try:
        return model.model_validate(dict(request.query_params))
    except ValidationError as error:
        detail = f"query.{describe_errors(error.errors())}"
        raise Problem(422, "invalid-request", detail) from error
