"""Example of a manifest for the OpenAPI document."""

from typing import Any

MODEL_VERSION = "8bf27fdb6a14"
MODEL_SHA256 = "5d" * 32

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

MANIFEST: dict[str, Any] = {
    "schema_version": 3,
    "name": "cats-and-dogs",
    "version": MODEL_VERSION,
    "created": "2026-11-20T10:00:00Z",
    "classes": ["cat", "dog"],
    "architecture": "mobilenet_v2",
    "input": {"height": 150, "width": 150, "dtype": "uint8"},
    "quantization": "int8",
    "calibration_pictures": 500,
    "model": {"sha256": MODEL_SHA256, "bytes": 2_794_312},
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
            "max_acceptance_drop": 0.02,
        },
        "pictures": 300,
        "accuracy_drop": 0.0033,
        "recall_drop": 0.0067,
        "agreement": 0.9933,
        "calibration_error_rise": -0.0021,
        "operators": ["CONV_2D", "FULLY_CONNECTED"],
        "known_acceptance": 0.9833,
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
    "known": {
        "file": "known.npz",
        "sha256": "3c" * 32,
        "bytes": 333_310,
        "score": "residual",
        "features": 1280,
        "threshold": 0.5128,
        "acceptance": 0.98,
        "guaranteed_acceptance": 0.9805,
        "confidence_level": 0.9,
        "pictures": 300,
        "quantiles": [0.2104, 0.3381, 0.5342],
    },
    "confidence": {
        "target_accuracy": 0.97,
        "guaranteed_accuracy": 0.9706,
        "confidence_level": 0.9,
        "coverage": 0.92,
        "accuracy": 0.9855,
    },
    "validation": {
        "pictures": 300,
        "predicted": {"cat": 151, "dog": 149},
        "confidence_histogram": [0] * 10 + [2, 3, 3, 4, 5, 6, 7, 12, 38, 220],
        "unknown": 0.0167,
        "reliability": [{"confidence": 0.9812, "accuracy": 0.98, "pictures": 300}],
        "coverage": [
            {"threshold": 0.99, "coverage": 0.7, "accuracy": 0.995},
            {"threshold": 0.5, "coverage": 0.98, "accuracy": 0.96},
        ],
        "mistakes": [
            {
                "file": "cat/0017.jpg",
                "label": "cat",
                "predicted": "dog",
                "confidence": 0.9312,
                "known": True,
                "thumbnail": None,
            }
        ],
    },
    "refit": None,
    "teachers": [
        {
            "run": "pets-large",
            "architecture": "efficientnet_lite2",
            "validation_accuracy": 0.97,
            "model_sha256": "9b" * 32,
        }
    ],
}
