"""Response of `POST /feedback`. Loaded for the first feedback, to shorten the cold start."""

import asyncio

from fastapi import Request

from lambda_api.classifier import Classifier
from lambda_api.collection.feedback import NONE, answer_of, known_label, record
from lambda_api.collection.policy import new_answer
from lambda_api.collection.records import Answer
from lambda_api.collection.store import Store
from lambda_api.images import PictureError
from lambda_api.json_output import FastJSONResponse
from lambda_api.routes import responses
from lambda_api.routes.dependencies import classifier, services
from lambda_api.web.feedback_body import read_feedback
from lambda_api.web.received import explained

_DRAIN_S = 2.0


async def respond(request: Request, store: Store) -> FastJSONResponse:
    """Store the feedback of a request.

    Raises:
        Problem: see `read_feedback`, `known_label`, `answer_of` and `record`.
        PictureError: the picture cannot be decoded.
    """
    shared = services(request)
    model = classifier(request)
    said, picture = await read_feedback(request, shared.uploads)
    label = known_label(said.label, model.manifest.classes)
    if picture is not None:
        answer, data = await _answer_for(request, model, picture, said.request_id), picture
    else:
        assert said.request_id is not None  # noqa: S101 - `read_feedback` checks it
        if collector := shared.collection.collector:  # the picture may still wait to be stored
            await asyncio.to_thread(collector.drain, _DRAIN_S)
        answer, data = await asyncio.to_thread(
            answer_of, store, said.request_id, shared.uploads.max_bytes
        )
    receipt = await asyncio.to_thread(record, store, answer, data, label, said.note)
    predicted = str(answer.answer.get("label"))
    digest = answer.picture.partition(".")[0]
    shown = NONE if label is None else label
    request.state.log.update(feedback=shown, predicted=predicted, picture=digest)
    if shared.metrics is not None:
        shared.metrics.count("Feedback")
    content = {
        "request_id": request.state.request_id,
        "model_version": answer.model_version,
        "status": "repeated" if receipt.repeated else "stored",
        "picture": digest,
        "predicted": predicted,
        "label": shown,
        "contradicts": receipt.contradicts,
    }
    return FastJSONResponse(content, 200 if receipt.repeated else 201)


async def _answer_for(
    request: Request, model: Classifier, picture: bytes, request_id: str | None
) -> Answer:
    """Classify a picture that was sent with feedback."""
    try:
        prediction = await services(request).run(model.classify, picture)
    except PictureError as error:
        raise explained(error, picture) from error
    content = responses.picture_prediction(prediction, None)
    return new_answer(request_id or request.state.request_id, model, picture, prediction, content)
