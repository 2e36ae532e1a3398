"""CloudWatch metrics in embedded metric format (EMF), as lines on stdout."""

import sys
from collections.abc import Sequence

from lambda_api.classifier import Prediction
from lambda_api.emf import emf_document
from lambda_api.json_output import to_line
from lambda_api.log import SERVICE

UNITS = {
    "Requests": "Count",
    "Duration": "Milliseconds",
    "Errors": "Count",
    "ClientErrors": "Count",
    "ColdStarts": "Count",
    "ModelLoadTime": "Milliseconds",
    "FailedLogins": "Count",
    "SlowedLogins": "Count",
    "DecodeTime": "Milliseconds",
    "InferenceTime": "Milliseconds",
    "Confidence": "None",
    "UnsureAnswers": "Count",
    "UnknownPictures": "Count",
    "Predictions": "Count",
    "Feedback": "Count",
    "CollectErrors": "Count",
}


class RequestMetrics:
    """Writes the metrics of requests.

    All metrics have the dimension `service`. `Predictions` also has `label`.

    Args:
        namespace: CloudWatch namespace.
    """

    def __init__(self, namespace: str) -> None:
        self._namespace = namespace

    def write(
        self,
        *,
        status: int,
        duration_ms: float,
        predictions: Sequence[Prediction],
        login: str | None,
        cold_start_load_ms: float | None,
    ) -> None:
        """Write the metrics of one request.

        Args:
            status: status of the HTTP response.
            duration_ms: duration of the request in milliseconds.
            predictions: one for each classified picture.
            login: "failed" for wrong credentials, "slowed" if logins were rate-limited, else None.
            cold_start_load_ms: time to load the model in milliseconds, for the first request of a
                process; else None.
        """
        metrics: dict[str, list[float]] = {"Requests": [1], "Duration": [duration_ms]}
        # Zero counts are left out: a sum does not need them.
        if status >= 400:
            metrics["Errors" if status >= 500 else "ClientErrors"] = [1]
        if cold_start_load_ms is not None:
            metrics["ColdStarts"] = [1]
            metrics["ModelLoadTime"] = [cold_start_load_ms]
        if login is not None:
            metrics["FailedLogins" if login == "failed" else "SlowedLogins"] = [1]
        if predictions:
            metrics["DecodeTime"] = [prediction.decode_ms for prediction in predictions]
            metrics["InferenceTime"] = [prediction.inference_ms for prediction in predictions]
            metrics["Confidence"] = [prediction.confidence for prediction in predictions]
            if unsure := sum(not prediction.confident for prediction in predictions):
                metrics["UnsureAnswers"] = [unsure]
            if unknown := sum(prediction.known is False for prediction in predictions):
                metrics["UnknownPictures"] = [unknown]
        self._write(metrics)
        labels = [prediction.label for prediction in predictions]
        for label in dict.fromkeys(labels):
            self._write({"Predictions": [labels.count(label)]}, label=label)

    def count(self, name: str) -> None:
        """Write a single event. Safe to call from any thread."""
        self._write({name: [1]})

    def _write(self, metrics: dict[str, list[float]], **dimensions: str) -> None:
        dimensions["service"] = SERVICE
        document = emf_document(self._namespace, UNITS, metrics, dimensions)
        # One call, because other threads write too: `print` writes the line end separately.
        sys.stdout.write(to_line(document) + "\n")
