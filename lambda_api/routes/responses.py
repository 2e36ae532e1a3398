"""Response documents as dictionaries, in the shapes of `lambda_api.openapi.schemas`."""

import base64
from typing import Any

from fastapi import Request

from lambda_api.classifier import Classifier, Prediction
from lambda_api.explain import Explanation
from lambda_api.problems import Problem, problem_fields

Document = dict[str, Any]


def model_response(request: Request, classifier: Classifier, content: Document) -> Document:
    """Return a document with the request ID, the model version and the content.

    Adds the model version to the log line.
    """
    version = classifier.manifest.version
    request.state.log["model_version"] = version
    return {"request_id": request.state.request_id, "model_version": version, **content}


def picture_prediction(prediction: Prediction, top_k: int | None) -> Document:
    """Return `schemas.PicturePrediction` with the best `top_k` classes, None for all."""
    return {
        "label": prediction.label,
        "confidence": prediction.confidence,
        "confident": prediction.confident,
        "known": prediction.known,
        "familiarity": prediction.familiarity,
        "predictions": [{"label": x, "confidence": p} for x, p in prediction.scores[:top_k]],
        "image": {
            "format": prediction.picture.format,
            "width": prediction.picture.width,
            "height": prediction.picture.height,
        },
        "timings_ms": prediction.timings_ms(),
    }


def batch_item(filename: str, outcome: Prediction | Problem, top_k: int | None) -> Document:
    """Return `schemas.BatchItem`."""
    if isinstance(outcome, Problem):
        return {"filename": filename, "prediction": None, "error": problem_fields(outcome)}
    document = picture_prediction(outcome, top_k)
    return {"filename": filename, "prediction": document, "error": None}


def occlusion_map(explanation: Explanation, overlay_png: bytes | None) -> Document:
    """Return `schemas.OcclusionMap`."""
    return {
        "label": explanation.prediction.label,
        "grid": len(explanation.drops),
        "drops": explanation.drops.round(6).tolist(),
        "overlay_png": overlay_png and base64.b64encode(overlay_png).decode(),
    }
