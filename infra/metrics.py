"""The figures that alarms and dashboard share: the service's own, and what AWS counts."""

from dataclasses import dataclass

from aws_cdk import Duration
from aws_cdk import aws_apigatewayv2 as apigatewayv2
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_lambda as lambda_

SERVICE = "landscape-classifier"  # the dimension `service` of all that the service counts
PERIOD = Duration.minutes(5)
PROMPT = Duration.minutes(1)  # of what rolls a new version back within its five minutes
MANY = 20  # requests in a period; of less, a share says nothing


@dataclass(frozen=True)
class Metrics:
    """Metrics of one deployed service, each over five minutes, errors over one.

    Attributes:
        namespace: of the service's own.
        api: whose requests are counted.
        alias: whose invocations are counted.
    """

    namespace: str
    api: apigatewayv2.HttpApi
    alias: lambda_.Alias

    def own(self, name: str, statistic: str = "Sum", label: str | None = None) -> cloudwatch.Metric:
        """One that the service writes; it writes no zeros."""
        return cloudwatch.Metric(
            namespace=self.namespace,
            metric_name=name,
            dimensions_map={"service": SERVICE},
            statistic=statistic,
            period=PERIOD,
            label=label or name,
        )

    def of_api(self, name: str, statistic: str, label: str) -> cloudwatch.Metric:
        """One of the gateway's: Count, 4xx, 5xx, Latency or IntegrationLatency."""
        return self.api.metric(name, statistic=statistic, period=PERIOD, label=label)

    def of_function(self, name: str, statistic: str, label: str) -> cloudwatch.Metric:
        """One of the invocations through the alias `live`."""
        period = PROMPT if name == "Errors" else PERIOD
        return self.alias.metric(name, statistic=statistic, period=period, label=label)

    def server_errors(self) -> cloudwatch.MathExpression:
        """Answers of 500 and above, in percent of all, be they ever so few."""
        return _share(
            "errors",
            self.of_api("5xx", "Sum", "5xx"),
            self.of_api("Count", "Sum", "requests"),
            of_at_least=1,
            period=PROMPT,
            label="5xx, %",
        )

    def cold_starts(self) -> cloudwatch.MathExpression:
        """Requests that waited for a new instance, in percent."""
        return _share(
            "cold",
            self.own("ColdStarts"),
            self.own("Requests"),
            of_at_least=MANY,
            period=PERIOD,
            label="cold starts, %",
        )

    def unsure_answers(self) -> cloudwatch.MathExpression:
        """Answers below the model's own threshold of confidence, in percent."""
        return _share(
            "unsure",
            self.own("UnsureAnswers"),
            self.own("Confidence", "SampleCount"),
            of_at_least=MANY,
            period=PERIOD,
            label="unsure answers, %",
        )


def _share(
    name: str,
    part: cloudwatch.Metric,
    whole: cloudwatch.Metric,
    *,
    of_at_least: int,
    period: Duration,
    label: str,
) -> cloudwatch.MathExpression:
    some, every = f"{name}_some", f"{name}_every"  # a graph of several shares wants them distinct
    return cloudwatch.MathExpression(
        expression=f"IF({every} >= {of_at_least}, 100 * FILL({some}, 0) / {every}, 0)",
        using_metrics={some: part, every: whole},
        period=period,
        label=label,
    )
