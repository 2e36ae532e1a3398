"""Route that stores what a client says about a prediction."""

from fastapi import APIRouter, Request

from lambda_api.json_output import FastJSONResponse
from lambda_api.openapi.operations import (
    COMMON_RESPONSES,
    FEEDBACK_BODY,
    problem_responses,
    success,
)
from lambda_api.problems import Problem
from lambda_api.routes.dependencies import AUTHENTICATED, services

router = APIRouter(tags=["feedback"], dependencies=AUTHENTICATED, responses=COMMON_RESPONSES)


@router.post(
    "/feedback",
    summary="Correct or confirm a prediction",
    status_code=201,
    responses=success("FeedbackReceipt", 201)
    | success("FeedbackReceipt")
    | problem_responses(400, 401, 404, 409, 413, 415, 422, 429, 503),
    openapi_extra=FEEDBACK_BODY,
)
async def feedback(request: Request) -> FastJSONResponse:
    """Store a picture with its prediction and the right label, for the next training.

    A request ID suffices if the service collected the picture. Otherwise send the picture: it is
    classified again.
    """
    store = services(request).collection.store
    if store is None:
        raise Problem(
            404, "no-feedback", "This service stores no feedback. Its operator can set COLLECT."
        )
    from lambda_api.routes.feedback_response import respond

    return await respond(request, store)
