"""Examples of the answers, by the name of their schema. Loaded with the OpenAPI document only."""

from typing import Any

_REQUEST_ID = "dc714cc3-f1f0-4eda-98ea-ea178a22867f"
_VERSION = "8bf27fdb6a14"
_PICTURE: dict[str, Any] = {
    "label": "buildings",
    "confidence": 0.9718,
    "confident": True,
    "predictions": [
        {"label": "buildings", "confidence": 0.9718},
        {"label": "glacier", "confidence": 0.0121},
    ],
    "image": {"format": "JPEG", "width": 640, "height": 427},
    "timings_ms": {"decode": 3.694, "inference": 2.874},
}
_WHOLE = {"request_id": _REQUEST_ID, "model_version": _VERSION}
_PROBLEM = {
    "type": "urn:landscape-classifier:problem:undecodable-picture",
    "title": "Unprocessable Content",
    "status": 422,
    "detail": "The JPEG picture is damaged or incomplete.",
}
_METRICS = {
    "accuracy": 0.95,
    "macro_f1": 0.95,
    "calibration_error": 0.0114,
    "per_class": {
        "cat": {"precision": 0.9412, "recall": 0.96, "f1": 0.9505, "support": 100},
        "dog": {"precision": 0.9592, "recall": 0.94, "f1": 0.9495, "support": 100},
    },
    "confusion": [[96, 4], [6, 94]],
}
_KEY = "uploads/9f2c7d0e4b1a4c5d8e6f70123456789a.jpg"

EXAMPLES: dict[str, Any] = {
    "Root": {
        "name": "Landscape Classifier",
        "version": "0.1.0",
        "links": {"health": {"href": "health"}, "predict": {"href": "predict"}},
    },
    "Health": {
        "status": "ok",
        "model": {"name": "intel-scenes", "version": _VERSION, "sha256": "5d" * 32},
        "source": "folder",
        "classes": ["buildings", "forest", "glacier", "mountain", "sea", "street"],
        "load_ms": 61.7,
        "uptime_s": 754.2,
        "cold_start": False,
        "fallback": None,
    },
    "Manifest": {
        "schema_version": 2,
        "name": "cats-and-dogs",
        "version": _VERSION,
        "created": "2026-11-20T10:00:00Z",
        "classes": ["cat", "dog"],
        "architecture": "mobilenet_v2",
        "input": {"height": 150, "width": 150, "dtype": "uint8"},
        "quantization": "int8",
        "calibration_pictures": 500,
        "model": {"sha256": "5d" * 32, "bytes": 2_794_312},
        "temperature": 0.71,
        "confidence_threshold": 0.83,
        "evaluation": {
            "pictures": "test",
            "count": 200,
            "keras": _METRICS,
            "bundle": _METRICS,
            "agreement": 0.99,
        },
        "gate": {
            "thresholds": {
                "max_accuracy_drop": 0.005,
                "max_recall_drop": 0.02,
                "min_agreement": 0.98,
                "max_calibration_error_rise": 0.01,
                "max_bytes": 50_000_000,
            },
            "pictures": 300,
            "accuracy_drop": 0.0033,
            "recall_drop": 0.0067,
            "agreement": 0.9933,
            "calibration_error_rise": -0.0021,
            "operators": ["CONV_2D", "FULLY_CONNECTED"],
        },
        "dataset": {
            "name": "pets",
            "sha256": "7a" * 32,
            "train": 1200,
            "validation": 300,
            "test": 200,
        },
        "toolchain": {"tensorflow": "2.21.0"},
        "training": {"epochs": 5},
    },
    "Prediction": {**_WHOLE, **_PICTURE},
    "Batch": {
        **_WHOLE,
        "results": [
            {"filename": "palace.jpg", "prediction": _PICTURE, "error": None},
            {"filename": "cut-off.jpg", "prediction": None, "error": _PROBLEM},
        ],
    },
    "ExplainedPrediction": {
        **_WHOLE,
        **_PICTURE,
        "explanation": {
            "label": "buildings",
            "grid": 2,
            "drops": [[0.4112, 0.1206], [0.0371, -0.0042]],
            "overlay_png": None,
        },
    },
    "UploadedPicture": {"key": _KEY},
    "UploadRequest": {"content_type": "image/jpeg"},
    "Upload": {
        "url": "https://pictures.s3.eu-central-1.amazonaws.com/",
        "fields": {"key": _KEY, "Content-Type": "image/jpeg", "policy": "eyJleHBpcmF0aW9u…"},
        "key": _KEY,
        "expires_in_s": 300,
        "max_bytes": 25_000_000,
    },
    "ProblemDocument": {**_PROBLEM, "request_id": _REQUEST_ID},
}
