"""CloudWatch dashboard for operations."""

from collections.abc import Sequence

from aws_cdk import Duration, Stack
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_logs as logs
from constructs import Construct

from infra.bundle import BundleFacts
from infra.drift import class_drift, confidence_drift
from infra.metrics import DAY, SERVICE, ServiceMetrics

GUIDE = (
    "# {title}\n"
    "Top: alarms, responses and latency. Middle: where the time goes, instances and logins. "
    "Bottom: predictions; the confidence drops when the pictures change. "
    "For each alarm, `docs/operations.md` says what it means and what to do."
)
DRIFT = "Drift (PSI): below 0.1 small, above 0.25 large"


class Dashboard(Construct):
    """Alarms, traffic, latency, instances, predictions and the last errors.

    Attributes:
        address: https:// URL in the console.
    """

    def __init__(
        self,
        scope: Construct,
        name: str,
        *,
        title: str,
        metrics: ServiceMetrics,
        alarms: Sequence[cloudwatch.IAlarm],
        log: logs.ILogGroup,
        bundle: BundleFacts,
    ) -> None:
        super().__init__(scope, name)
        self._metrics = metrics
        board = cloudwatch.Dashboard(
            self, "Dashboard", dashboard_name=title, default_interval=Duration.hours(3)
        )
        board.add_widgets(
            cloudwatch.TextWidget(markdown=GUIDE.format(title=title), width=24, height=3)
        )
        board.add_widgets(
            cloudwatch.AlarmStatusWidget(title="Alarms", alarms=list(alarms), width=24, height=3)
        )
        board.add_widgets(*self._traffic())
        board.add_widgets(*self._resources())
        board.add_widgets(*self._predictions())
        board.add_widgets(*self._drift(bundle))
        board.add_widgets(_last_errors(log))
        region = Stack.of(self).region
        self.address = (
            f"https://{region}.console.aws.amazon.com/cloudwatch/home"
            f"?region={region}#dashboards/dashboard/{title}"
        )

    def _traffic(self) -> list[cloudwatch.GraphWidget]:
        of_api = self._metrics.of_api
        return [
            _graph(
                "Responses",
                of_api("Count", "Sum", "all"),
                of_api("4xx", "Sum", "4xx"),
                of_api("5xx", "Sum", "5xx"),
            ),
            _graph(
                "Latency at the gateway, ms",
                *(of_api("Latency", statistic, statistic) for statistic in ("p50", "p90", "p99")),
            ),
            _graph(
                "Shares, %",
                self._metrics.server_errors(),
                self._metrics.cold_starts(),
                self._metrics.unsure_answers(),
            ),
        ]

    def _resources(self) -> list[cloudwatch.GraphWidget]:
        own, of_function = self._metrics.own, self._metrics.of_function
        return [
            _graph(
                "Where the time goes, p50 in ms",
                *(
                    own(name, "p50", label)
                    for name, label in [
                        ("Duration", "request"),
                        ("DecodeTime", "decode"),
                        ("InferenceTime", "inference"),
                        ("ModelLoadTime", "model load"),
                    ]
                ),
            ),
            _graph(
                "Instances",
                of_function("ConcurrentExecutions", "Maximum", "concurrent"),
                own("ColdStarts", label="cold starts"),
                of_function("Throttles", "Sum", "throttled"),
                of_function("Errors", "Sum", "crashed"),
            ),
            _graph(
                "Failed logins",
                own("FailedLogins", label="wrong credentials"),
                own("SlowedLogins", label="rate-limited"),
            ),
        ]

    def _predictions(self) -> list[cloudwatch.GraphWidget]:
        own = self._metrics.own
        by_label = cloudwatch.MathExpression(
            expression=f'SEARCH(\'{{"{self._metrics.namespace}",service,label}} '
            f'service="{SERVICE}" MetricName="Predictions"\', \'Sum\')',
            using_metrics={},
            label="",
            period=Duration.minutes(5),
        )
        return [
            _graph("Predictions by label", by_label, stacked=True),
            _graph(
                "Confidence",
                *(own("Confidence", statistic, statistic) for statistic in ("p10", "p50", "p90")),
            ),
            _graph("Low confidence", own("UnsureAnswers", label="low confidence")),
        ]

    def _drift(self, bundle: BundleFacts) -> list[cloudwatch.GraphWidget]:
        own, namespace = self._metrics.own, self._metrics.namespace
        drifts = [
            class_drift(namespace, bundle.class_mix),
            confidence_drift(namespace, bundle.confidences),
        ]
        graphs = [
            _graph(
                "Low confidence and unknown pictures in a day, %",
                self._metrics.unsure_answers(DAY),
                self._metrics.unknown_pictures(DAY),
            ),
            _graph(
                "Feedback",
                own("Feedback", label="feedback", period=DAY),
                own("CollectErrors", label="pictures not collected", period=DAY),
            ),
        ]
        if shown := [drift for drift in drifts if drift]:
            graphs.append(_graph(DRIFT, *shown))
        return graphs


def _last_errors(log: logs.ILogGroup) -> cloudwatch.LogQueryWidget:
    return cloudwatch.LogQueryWidget(
        title="Last errors",
        log_group_names=[log.log_group_name],
        query_lines=[
            "fields @timestamp, request_id, status, path, message, exception_name, "
            "record.status, record.errorType",
            # Lambda writes `record` itself. After a timeout or out of memory, it is the only trace.
            'filter level = "ERROR" or status >= 500 '
            'or record.status in ["error", "failure", "timeout"]',
            "sort @timestamp desc",
            "limit 20",
        ],
        width=24,
        height=6,
    )


def _graph(title: str, *left: cloudwatch.IMetric, stacked: bool = False) -> cloudwatch.GraphWidget:
    return cloudwatch.GraphWidget(title=title, left=list(left), stacked=stacked, width=8)
