"""CloudWatch metrics in embedded metric format (EMF), as lines on stdout."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

from aws_lambda_powertools.metrics import EphemeralMetrics

from lambda_api.classifier import Prediction
from lambda_api.json_output import to_line
from lambda_api.log import SERVICE


class RequestMetrics:
    """Writes the metrics of requests.

    All metrics have the dimension `service`. `Predictions` also has `label`.

    Args:
        namespace: CloudWatch namespace.
    """

    def __init__(self, namespace: str) -> None:
        self._emf = EphemeralMetrics(namespace=namespace, service=SERVICE)

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
        metrics = {
            "Requests": _metric("Count", 1),
            "Duration": _metric("Milliseconds", duration_ms),
        }
        # Zero counts are left out: a sum does not need them.
        if status >= 400:
            metrics["Errors" if status >= 500 else "ClientErrors"] = _metric("Count", 1)
        if cold_start_load_ms is not None:
            metrics["ColdStarts"] = _metric("Count", 1)
            metrics["ModelLoadTime"] = _metric("Milliseconds", cold_start_load_ms)
        if login is not None:
            metrics["FailedLogins" if login == "failed" else "SlowedLogins"] = _metric("Count", 1)
        if predictions:
            metrics["DecodeTime"] = _metric("Milliseconds", *(x.decode_ms for x in predictions))
            metrics["InferenceTime"] = _metric(
                "Milliseconds", *(x.inference_ms for x in predictions)
            )
            metrics["Confidence"] = _metric("None", *(x.confidence for x in predictions))
            if unsure := sum(not prediction.confident for prediction in predictions):
                metrics["UnsureAnswers"] = _metric("Count", unsure)
        self._write(metrics)
        for label, count in Counter(x.label for x in predictions).items():
            self._write({"Predictions": _metric("Count", count)}, label=label)

    def _write(self, metrics: dict[str, Any], **dimensions: str) -> None:
        # `add_metric` and `flush_metrics` would validate these valid metrics, which takes as long
        # as everything else here.
        dimensions["service"] = SERVICE
        print(to_line(self._emf.serialize_metric_set(metrics, dimensions)))


def _metric(unit: str, *values: float) -> dict[str, Any]:
    return {"Unit": unit, "StorageResolution": 60, "Value": values}
