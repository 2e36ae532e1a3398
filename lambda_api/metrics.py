"""Metrics for CloudWatch: lines in its embedded metric format on stdout, one set a request."""

from collections import Counter
from collections.abc import Sequence

from aws_lambda_powertools.metrics import EphemeralMetrics, MetricUnit

from lambda_api.classifier import Answer
from lambda_api.log import SERVICE


class Metrics:
    """Writes what happened in a request; to be called by one thread.

    All have the dimension `service`; `Predictions` has `label` too.

    Args:
        namespace: in CloudWatch.
    """

    def __init__(self, namespace: str) -> None:
        self._of_request = EphemeralMetrics(namespace=namespace, service=SERVICE)
        self._of_label = EphemeralMetrics(namespace=namespace, service=SERVICE)

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
        found = self._of_request  # flushing empties it
        count, ms = MetricUnit.Count, MetricUnit.Milliseconds
        found.add_metric("Requests", count, 1)
        found.add_metric("Duration", ms, duration_ms)
        # What did not happen is not written: each number costs time, and a sum needs no zeros.
        if status >= 400:
            found.add_metric("Errors" if status >= 500 else "ClientErrors", count, 1)
        if cold_start_load_ms is not None:
            found.add_metric("ColdStarts", count, 1)
            found.add_metric("ModelLoadTime", ms, cold_start_load_ms)
        if login is not None:
            found.add_metric("FailedLogins" if login == "failed" else "SlowedLogins", count, 1)
        for answer in answers:
            found.add_metric("DecodeTime", ms, answer.decode_ms)
            found.add_metric("InferenceTime", ms, answer.inference_ms)
            found.add_metric("Confidence", MetricUnit.NoUnit, answer.confidence)
            if not answer.confident:
                found.add_metric("UnsureAnswers", count, 1)
        found.flush_metrics()
        for label, times in Counter(answer.label for answer in answers).items():
            self._of_label.add_dimension("label", label)
            self._of_label.add_metric("Predictions", count, times)
            self._of_label.flush_metrics()
