"""Answers as JSON documents, in the shape of `schemas`.

The routes that answer for pictures send these dictionaries as they are: to have pydantic check what
we have just made would cost a tenth of a millisecond for each picture.
"""

import base64
from typing import Any

from fastapi import Request

from lambda_api.classifier import Answer, Classifier
from lambda_api.explain import Explanation
from lambda_api.problems import Problem, problem_fields

Document = dict[str, Any]


def whole(request: Request, classifier: Classifier, content: Document) -> Document:
    """An answer: which request, which model, and the content."""
    version = classifier.manifest.version
    request.state.log["model_version"] = version
    return {"request_id": request.state.request_id, "model_version": version, **content}


def picture(answer: Answer, top_k: int | None) -> Document:
    """As `schemas.PictureAnswer`, with the best `top_k` classes."""
    return {
        "label": answer.label,
        "confidence": answer.confidence,
        "confident": answer.confident,
        "predictions": [{"label": x, "confidence": p} for x, p in answer.scores[:top_k]],
        "image": {
            "format": answer.picture.format,
            "width": answer.picture.width,
            "height": answer.picture.height,
        },
        "timings_ms": answer.timings_ms(),
    }


def batch_item(filename: str, outcome: Answer | Problem, top_k: int | None) -> Document:
    """As `schemas.BatchItem`."""
    if isinstance(outcome, Problem):
        return {"filename": filename, "prediction": None, "error": problem_fields(outcome)}
    return {"filename": filename, "prediction": picture(outcome, top_k), "error": None}


def occlusion_map(explanation: Explanation, overlay_png: bytes | None) -> Document:
    """As `schemas.OcclusionMap`."""
    return {
        "label": explanation.answer.label,
        "grid": len(explanation.drops),
        "drops": explanation.drops.round(6).tolist(),
        "overlay_png": overlay_png and base64.b64encode(overlay_png).decode(),
    }
