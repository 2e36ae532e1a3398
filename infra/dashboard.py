"""The page for whoever is on call."""

from collections.abc import Sequence

from aws_cdk import Duration
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_logs as logs
from constructs import Construct

from infra.metrics import SERVICE, Metrics

GUIDE = (
    "# {title}\n"
    "Top: alarms, what people get, how fast. Middle: where the time goes, how many instances. "
    "Bottom: what the model says; it gets less sure when pictures change. "
    "What an alarm means and what to do: `docs/operations.md`."
)


class Dashboard(Construct):
    """Alarms, traffic, latency, instances, the model's answers, and the last errors."""

    def __init__(
        self,
        scope: Construct,
        name: str,
        *,
        title: str,
        metrics: Metrics,
        alarms: Sequence[cloudwatch.IAlarm],
        log: logs.ILogGroup,
    ) -> None:
        super().__init__(scope, name)
        own, api, function = metrics.own, metrics.of_api, metrics.of_function
        by_label = cloudwatch.MathExpression(
            expression=f'SEARCH(\'{{"{metrics.namespace}",service,label}} service="{SERVICE}" '
            "MetricName=\"Predictions\"', 'Sum')",
            using_metrics={},
            label="",
            period=Duration.minutes(5),
        )
        errors = cloudwatch.LogQueryWidget(
            title="Last errors",
            log_group_names=[log.log_group_name],
            query_lines=[
                "fields @timestamp, request_id, status, path, message, exception_name, "
                "record.status, record.errorType",
                # The last are Lambda's own: of what ran out of time or memory, the service is mute.
                'filter level = "ERROR" or status >= 500 '
                'or record.status in ["error", "failure", "timeout"]',
                "sort @timestamp desc",
                "limit 20",
            ],
            width=24,
            height=6,
        )
        board = cloudwatch.Dashboard(
            self, "Dashboard", dashboard_name=title, default_interval=Duration.hours(3)
        )
        board.add_widgets(
            cloudwatch.TextWidget(markdown=GUIDE.format(title=title), width=24, height=3)
        )
        board.add_widgets(
            cloudwatch.AlarmStatusWidget(title="Alarms", alarms=list(alarms), width=24, height=3)
        )
        board.add_widgets(
            _graph(
                "Answers",
                api("Count", "Sum", "all"),
                api("4xx", "Sum", "4xx"),
                api("5xx", "Sum", "5xx"),
            ),
            _graph(
                "Latency at the gateway, ms",
                *(api("Latency", statistic, statistic) for statistic in ("p50", "p90", "p99")),
            ),
            _graph(
                "Shares, %",
                metrics.server_errors(),
                metrics.cold_starts(),
                metrics.unsure_answers(),
            ),
        )
        board.add_widgets(
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
                function("ConcurrentExecutions", "Maximum", "at once"),
                own("ColdStarts", label="cold starts"),
                function("Throttles", "Sum", "throttled"),
                function("Errors", "Sum", "crashed"),
            ),
            _graph(
                "Log-ins",
                own("FailedLogins", label="failed"),
                own("SlowedLogins", label="made to wait"),
            ),
        )
        board.add_widgets(
            _graph("Answers by label", by_label, stacked=True),
            _graph(
                "Confidence",
                *(own("Confidence", statistic, statistic) for statistic in ("p10", "p50", "p90")),
            ),
            _graph("Unsure answers", own("UnsureAnswers", label="unsure")),
        )
        board.add_widgets(errors)


def _graph(title: str, *left: cloudwatch.IMetric, stacked: bool = False) -> cloudwatch.GraphWidget:
    return cloudwatch.GraphWidget(title=title, left=list(left), stacked=stacked, width=8)
