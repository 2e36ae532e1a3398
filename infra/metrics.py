"""Metrics of the alarms and the dashboard: those of the service and those of AWS."""

from dataclasses import dataclass

from aws_cdk import Duration
from aws_cdk import aws_apigatewayv2 as apigatewayv2
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_lambda as lambda_

SERVICE = "landscape-classifier"  # dimension `service` of the service's own metrics
PERIOD = Duration.minutes(5)
# Of metrics that roll a new version back, which has to happen within the canary's five minutes.
SHORT_PERIOD = Duration.minutes(1)
# Of alarms for people. Even 10,000 requests per month have several requests in this period.
LONG_PERIOD = Duration.hours(1)
DAY = Duration.days(1)
MIN_ERRORS = 3  # in an hour; fewer may be one request that its client repeated
MIN_TIMED = 10  # requests in an hour; with fewer, a percentile is not meaningful
MIN_REQUESTS = 20  # in a period; with fewer, a share is not meaningful


@dataclass(frozen=True)
class ServiceMetrics:
    """Metrics of one deployed service, over periods of five minutes, errors of one minute.

    Attributes:
        namespace: namespace of the service's own metrics.
        api: API whose requests are counted.
        alias: alias whose invocations are counted.
    """

    namespace: str
    api: apigatewayv2.HttpApi
    alias: lambda_.Alias

    def own(
        self,
        name: str,
        statistic: str = "Sum",
        label: str | None = None,
        period: Duration = PERIOD,
    ) -> cloudwatch.Metric:
        """Metric that the service writes. An event that does not occur writes no zero."""
        return cloudwatch.Metric(
            namespace=self.namespace,
            metric_name=name,
            dimensions_map={"service": SERVICE},
            statistic=statistic,
            period=period,
            label=label or name,
        )

    def of_api(
        self, name: str, statistic: str, label: str, period: Duration = PERIOD
    ) -> cloudwatch.Metric:
        """Metric of the gateway: Count, 4xx, 5xx, Latency or IntegrationLatency."""
        return self.api.metric(name, statistic=statistic, period=period, label=label)

    def of_function(
        self, name: str, statistic: str, label: str, period: Duration = PERIOD
    ) -> cloudwatch.Metric:
        """Metric of the invocations through the alias `live`."""
        return self.alias.metric(name, statistic=statistic, period=period, label=label)

    def server_errors(self) -> cloudwatch.MathExpression:
        """Percentage of responses with a status of 500 or above, even of few responses."""
        return _share(
            "errors",
            self.of_api("5xx", "Sum", "5xx"),
            self.of_api("Count", "Sum", "requests"),
            minimum=1,
            period=SHORT_PERIOD,
            label="5xx, %",
        )

    def lasting_server_errors(self) -> cloudwatch.MathExpression:
        """Percentage of responses with 5xx in an hour; 0 for fewer than `MIN_ERRORS` of them."""
        return cloudwatch.MathExpression(
            expression=f"IF(FILL(lasting_some, 0) >= {MIN_ERRORS}, "
            "100 * lasting_some / lasting_every, 0)",
            using_metrics={
                "lasting_some": self.of_api("5xx", "Sum", "5xx", LONG_PERIOD),
                "lasting_every": self.of_api("Count", "Sum", "requests", LONG_PERIOD),
            },
            period=LONG_PERIOD,
            label="5xx in an hour, %",
        )

    def slow_requests(self) -> cloudwatch.MathExpression:
        """p90 duration of an hour in ms; 0 for fewer than `MIN_TIMED` requests."""
        return cloudwatch.MathExpression(
            expression=f"IF(slow_every >= {MIN_TIMED}, slow_p90, 0)",
            using_metrics={
                "slow_p90": self.of_function("Duration", "p90", "p90", LONG_PERIOD),
                "slow_every": self.of_function("Invocations", "Sum", "requests", LONG_PERIOD),
            },
            period=LONG_PERIOD,
            label="p90 of an hour, ms",
        )

    def refused_logins(self) -> cloudwatch.MathExpression:
        """Number of responses to wrong credentials in an hour: 401, and 429 while limited."""
        return cloudwatch.MathExpression(
            expression="FILL(logins_failed, 0) + FILL(logins_limited, 0)",
            using_metrics={
                "logins_failed": self.own("FailedLogins", period=LONG_PERIOD),
                "logins_limited": self.own("SlowedLogins", period=LONG_PERIOD),
            },
            period=LONG_PERIOD,
            label="refused logins in an hour",
        )

    def answered(self) -> cloudwatch.MathExpression:
        """Number of requests of a day that were answered without 5xx. No data without requests."""
        return cloudwatch.MathExpression(
            expression="answered_every - FILL(answered_failed, 0)",
            using_metrics={
                "answered_every": self.own("Requests", period=DAY),
                "answered_failed": self.own("Errors", period=DAY),
            },
            period=DAY,
            label="answered in a day",
        )

    def cold_starts(self) -> cloudwatch.MathExpression:
        """Percentage of requests that waited for a new instance."""
        return _share(
            "cold",
            self.own("ColdStarts"),
            self.own("Requests"),
            minimum=MIN_REQUESTS,
            period=PERIOD,
            label="cold starts, %",
        )

    def unsure_answers(self, period: Duration = PERIOD) -> cloudwatch.MathExpression:
        """Percentage of predictions below the model's confidence threshold."""
        return _share(
            "unsure",
            self.own("UnsureAnswers", period=period),
            self.own("Confidence", "SampleCount", period=period),
            minimum=MIN_REQUESTS,
            period=period,
            label="low confidence, %",
        )

    def unknown_pictures(self, period: Duration) -> cloudwatch.MathExpression:
        """Percentage of pictures that are not known to the model."""
        return _share(
            "unknown",
            self.own("UnknownPictures", period=period),
            self.own("Confidence", "SampleCount", period=period),
            minimum=MIN_REQUESTS,
            period=period,
            label="unknown pictures, %",
        )


def _share(
    name: str,
    part: cloudwatch.Metric,
    whole: cloudwatch.Metric,
    *,
    minimum: int,
    period: Duration,
    label: str,
) -> cloudwatch.MathExpression:
    """Percentage of `part` in `whole`; 0 if `whole` is below `minimum`."""
    # The ids of metrics have to be unique in a graph of several shares.
    part_id, whole_id = f"{name}_some", f"{name}_every"
    return cloudwatch.MathExpression(
        expression=f"IF({whole_id} >= {minimum}, 100 * FILL({part_id}, 0) / {whole_id}, 0)",
        using_metrics={part_id: part, whole_id: whole},
        period=period,
        label=label,
    )
