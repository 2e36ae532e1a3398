"""Routes that classify and explain pictures."""

import asyncio
from dataclasses import asdict

from fastapi import APIRouter, Request

from lambda_api.aws import UPLOAD_EXPIRES_S
from lambda_api.classifier import Classifier, Prediction
from lambda_api.explain import explain, overlay_png
from lambda_api.images import PictureError
from lambda_api.json_output import FastJSONResponse
from lambda_api.openapi.operations import (
    BATCH_BODY,
    COMMON_RESPONSES,
    PICTURE_BODY,
    UPLOAD_BODY,
    problem_responses,
    query_parameters,
    success,
)
from lambda_api.problems import Problem, picture_problem
from lambda_api.routes import responses
from lambda_api.routes.dependencies import AUTHENTICATED, classifier, services
from lambda_api.web.query import ExplainQuery, PredictQuery, read_query
from lambda_api.web.request_body import UploadRequest, json_body, one_picture, several_pictures

router = APIRouter(tags=["pictures"], dependencies=AUTHENTICATED, responses=COMMON_RESPONSES)


@router.post(
    "/predict",
    summary="Classify a picture",
    responses=success("Prediction") | problem_responses(400, 401, 404, 413, 415, 422, 429, 503),
    openapi_extra=PICTURE_BODY | query_parameters(PredictQuery),
)
async def predict(request: Request) -> FastJSONResponse:
    """Return the calibrated probability of every class, the most probable first.

    `confident` is `false` if the highest probability is below the model's threshold, or the picture
    is not `known`.
    """
    top_k = read_query(request, PredictQuery).top_k
    model, shared = classifier(request), services(request)
    data = await one_picture(request, shared.uploads)
    try:
        prediction = await shared.run(model.classify, data)
    except PictureError as error:
        raise _explained(error, data) from error
    _note(request, model, data, prediction)
    content = responses.picture_prediction(prediction, top_k)
    return FastJSONResponse(responses.model_response(request, model, content))


@router.post(
    "/predict/batch",
    summary="Classify several pictures",
    responses=success("Batch") | problem_responses(400, 401, 413, 415, 422, 429, 503),
    openapi_extra=BATCH_BODY | query_parameters(PredictQuery),
)
async def predict_batch(request: Request) -> FastJSONResponse:
    """Return a prediction or an error for each picture.

    An error does not affect the other pictures.
    """
    top_k = read_query(request, PredictQuery).top_k
    model, run = classifier(request), services(request).run
    pictures = await several_pictures(request)
    outcomes = await asyncio.gather(
        *(run(_prediction_or_problem, model, picture.data) for picture in pictures)
    )
    results = []
    for picture, outcome in zip(pictures, outcomes, strict=True):
        if isinstance(outcome, Prediction):
            _note(request, model, picture.data, outcome)
        results.append(responses.batch_item(picture.filename, outcome, top_k))
    return FastJSONResponse(responses.model_response(request, model, {"results": results}))


@router.post(
    "/explain",
    summary="Classify a picture and explain the prediction",
    responses=success("ExplainedPrediction")
    | problem_responses(400, 401, 404, 413, 415, 422, 429, 503),
    openapi_extra=PICTURE_BODY | query_parameters(ExplainQuery),
)
async def explain_(request: Request) -> FastJSONResponse:
    """Return the response of /predict and an occlusion map.

    Each cell of a grid is covered in turn. The value of the cell is the drop of the label's
    probability. A request takes as long as `grid * grid + 1` predictions.
    """
    query = read_query(request, ExplainQuery)
    model, shared = classifier(request), services(request)
    data = await one_picture(request, shared.uploads)
    try:
        explanation = await explain(model, data, query.grid, shared.run)
    except PictureError as error:
        raise _explained(error, data) from error
    _note(request, model, data, explanation.prediction)
    overlay = await shared.run(overlay_png, explanation) if query.overlay else None
    content = {
        **responses.picture_prediction(explanation.prediction, query.top_k),
        "explanation": responses.occlusion_map(explanation, overlay),
    }
    return FastJSONResponse(responses.model_response(request, model, content))


@router.post(
    "/uploads",
    summary="Create a form to upload a large picture",
    status_code=201,
    responses=success("Upload", 201) | problem_responses(401, 404, 413, 422, 429, 503),
    openapi_extra=UPLOAD_BODY,
)
async def new_upload(request: Request) -> FastJSONResponse:
    """Return a presigned S3 form that is valid for one picture and five minutes.

    After the upload, send its key to /predict or /explain.
    """
    wanted = await json_body(request, UploadRequest)
    uploads = services(request).uploads
    form = await asyncio.to_thread(uploads.new_form, wanted.content_type)
    content = {
        **asdict(form),
        "expires_in_s": UPLOAD_EXPIRES_S,
        "max_bytes": uploads.max_bytes,
    }
    return FastJSONResponse(content, 201)


def _note(request: Request, model: Classifier, data: bytes, prediction: Prediction) -> None:
    """Add a prediction to the log and the metrics, and offer its picture to the collection."""
    request.state.predictions.append(prediction)
    collection = services(request).collection
    if collection.collector is not None:
        answer = responses.picture_prediction(prediction, None)
        collection.offer(request.state.request_id, model, data, prediction, answer)


def _prediction_or_problem(model: Classifier, data: bytes) -> Prediction | Problem:
    try:
        return model.classify(data)
    except PictureError as error:
        return picture_problem(_explained(error, data))


def _explained(error: PictureError, data: bytes) -> PictureError:
    # Imported here to shorten the cold start: most pictures can be decoded.
    from lambda_api.web.received import explained

    return explained(error, data)
