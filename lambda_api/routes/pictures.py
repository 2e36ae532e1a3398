"""The routes that say what pictures show."""

import asyncio
from dataclasses import asdict

from fastapi import FastAPI, Request, params

from lambda_api.aws import UPLOAD_EXPIRES_S
from lambda_api.classifier import Answer, Classifier
from lambda_api.explain import explain, overlay_png
from lambda_api.images import PictureError
from lambda_api.json_output import FastJSONResponse
from lambda_api.loaded_model import current_model
from lambda_api.openapi.document import (
    PICTURE_BODY,
    PICTURES_BODY,
    UPLOAD_BODY,
    answer,
    problem_responses,
)
from lambda_api.problems import Problem, of_picture
from lambda_api.routes import responses as answers
from lambda_api.routes.query import DEFAULT_GRID, ExplainQuery, PredictQuery, read_query
from lambda_api.uploads import Uploads
from lambda_api.web import request_body as intake
from lambda_api.workers import Run


def add_routes(app: FastAPI, authenticated: params.Depends, uploads: Uploads, run: Run) -> None:
    """Add the routes; to the app itself, since a router in between costs each request its time.

    Args:
        app: whose routes they are.
        authenticated: lets a request through, or not, before anything else is looked at.
        uploads: where pictures come from that were uploaded before.
        run: where pictures are decoded and classified.
    """

    @app.post(
        "/predict",
        summary="What a picture shows",
        tags=["pictures"],
        description="Every class with its calibrated probability, the most probable first, and "
        "whether the first is as sure as the model's threshold asks.",
        dependencies=[authenticated],
        responses=answer("Prediction") | problem_responses(400, 401, 404, 413, 415, 422, 429, 503),
        openapi_extra=PICTURE_BODY,
    )
    async def predict(request: Request) -> FastJSONResponse:
        top_k = read_query(request, PredictQuery).top_k
        classifier = current_model(request).classifier()
        data = await intake.one_picture(request, uploads)
        found = await run(classifier.classify, data)
        request.state.answers.append(found)
        return FastJSONResponse(answers.whole(request, classifier, answers.picture(found, top_k)))

    @app.post(
        "/predict/batch",
        summary="What several pictures show",
        tags=["pictures"],
        dependencies=[authenticated],
        description="An answer or an error for each picture; one that is broken spoils no other.",
        responses=answer("Batch") | problem_responses(400, 401, 413, 415, 422, 429, 503),
        openapi_extra=PICTURES_BODY,
    )
    async def predict_batch(request: Request) -> FastJSONResponse:
        top_k = read_query(request, PredictQuery).top_k
        classifier = current_model(request).classifier()
        results = []
        for picture in await intake.several_pictures(request):
            outcome = await run(_answer_or_problem, classifier, picture.data)
            if isinstance(outcome, Answer):
                request.state.answers.append(outcome)
            results.append(answers.batch_item(picture.filename, outcome, top_k))
        return FastJSONResponse(answers.whole(request, classifier, {"results": results}))

    @app.post(
        "/explain",
        summary="What a picture shows, and which parts of it say so",
        tags=["pictures"],
        dependencies=[authenticated],
        description="The answer of /predict with an occlusion map: each cell of a grid is covered "
        "in turn, and what the label's probability loses by it is the cell's value. Takes as long "
        f"as grid * grid + 1 predictions ({DEFAULT_GRID**2 + 1} for {DEFAULT_GRID}).",
        responses=answer("ExplainedPrediction")
        | problem_responses(400, 401, 404, 413, 415, 422, 429, 503),
        openapi_extra=PICTURE_BODY,
    )
    async def explain_(request: Request) -> FastJSONResponse:
        query = read_query(request, ExplainQuery)
        classifier = current_model(request).classifier()
        data = await intake.one_picture(request, uploads)
        explanation = await run(explain, classifier, data, query.grid)
        request.state.answers.append(explanation.answer)
        drawn = await run(overlay_png, explanation) if query.overlay else None
        content = {
            **answers.picture(explanation.answer, query.top_k),
            "explanation": answers.occlusion_map(explanation, drawn),
        }
        return FastJSONResponse(answers.whole(request, classifier, content))

    @app.post(
        "/uploads",
        summary="Where to upload a picture too large for a request",
        tags=["pictures"],
        dependencies=[authenticated],
        description="A form for S3, good for one picture and five minutes. Afterwards, send its "
        "key to /predict or /explain.",
        status_code=201,
        responses=answer("Upload", status=201) | problem_responses(401, 404, 413, 422, 429, 503),
        openapi_extra=UPLOAD_BODY,
    )
    async def new_upload(request: Request) -> FastJSONResponse:
        wanted = await intake.json_body(request, intake.UploadRequest)
        form = await asyncio.to_thread(uploads.new_form, wanted.content_type)
        content = {
            **asdict(form),
            "expires_in_s": UPLOAD_EXPIRES_S,
            "max_bytes": uploads.max_bytes,
        }
        return FastJSONResponse(content, 201)


def _answer_or_problem(classifier: Classifier, data: bytes) -> Answer | Problem:
    try:
        return classifier.classify(data)
    except PictureError as error:
        return of_picture(error)
