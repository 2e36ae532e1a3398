"""Metrics for CloudWatch: lines in its embedded metric format on stdout, one set a request."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

from aws_lambda_powertools.metrics import EphemeralMetrics

from lambda_api.classifier import Answer
from lambda_api.json_output import to_line
from lambda_api.log import SERVICE


class RequestMetrics:
    """Writes what happened in a request.

    All have the dimension `service`; `Predictions` has `label` too.

    Args:
        namespace: in CloudWatch.
    """

    def __init__(self, namespace: str) -> None:
        self._emf = EphemeralMetrics(namespace=namespace, service=SERVICE)

    def write(
        self,
        *,
        status: int,
        duration_ms: float,
        answers: Sequence[Answer],
        login: str | None,
        cold_start_load_ms: float | None,
    ) -> None:
        """Write the metrics of a request.

        Args:
            status: of the HTTP answer.
            duration_ms: of the whole request, in milliseconds.
            answers: one for each picture that was classified.
            login: "failed" or "slowed" where the credentials were not accepted.
            cold_start_load_ms: milliseconds that loading the model took, with the first request
                of a process; None with all others.
        """
        found = {"Requests": _metric("Count", 1), "Duration": _metric("Milliseconds", duration_ms)}
        # What did not happen is not written: each number costs time, and a sum needs no zeros.
        if status >= 400:
            found["Errors" if status >= 500 else "ClientErrors"] = _metric("Count", 1)
        if cold_start_load_ms is not None:
            found["ColdStarts"] = _metric("Count", 1)
            found["ModelLoadTime"] = _metric("Milliseconds", cold_start_load_ms)
        if login is not None:
            found["FailedLogins" if login == "failed" else "SlowedLogins"] = _metric("Count", 1)
        if answers:
            found["DecodeTime"] = _metric("Milliseconds", *(a.decode_ms for a in answers))
            found["InferenceTime"] = _metric("Milliseconds", *(a.inference_ms for a in answers))
            found["Confidence"] = _metric("None", *(a.confidence for a in answers))
            if unsure := sum(not answer.confident for answer in answers):
                found["UnsureAnswers"] = _metric("Count", unsure)
        self._write(found)
        for label, times in Counter(answer.label for answer in answers).items():
            self._write({"Predictions": _metric("Count", times)}, label=label)

    def _write(self, metrics: dict[str, Any], **dimensions: str) -> None:
        # Not by `add_metric` and `flush_metrics`: what they check is right here, and takes as long
        # as the rest.
        dimensions["service"] = SERVICE
        print(to_line(self._emf.serialize_metric_set(metrics, dimensions)))


def _metric(unit: str, *values: float) -> dict[str, Any]:
    return {"Unit": unit, "StorageResolution": 60, "Value": values}
