"""Alarms that notify a person. Those that roll a new version back are in release.py."""

from aws_cdk import Stack
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_cloudwatch_actions as actions
from aws_cdk import aws_iam as iam
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sns_subscriptions as subscriptions
from constructs import Construct

from infra.metrics import (
    DAY,
    LONG_PERIOD,
    MIN_ERRORS,
    MIN_REQUESTS,
    MIN_TIMED,
    ServiceMetrics,
)

OVER = cloudwatch.ComparisonOperator.GREATER_THAN_THRESHOLD
MAX_REFUSED_LOGINS = 50  # in an hour; one guessing address causes 600
NORMAL_SHARE = 0.2  # of the requests that the gateway accepts, as an average of an hour


class Alarms(Construct):
    """Alarms of the service. Each change of state is published to a topic.

    Attributes:
        topic: topic of the notifications.
        all: every alarm.

    Args:
        metrics: metrics of the service.
        email: address that gets the notifications.
        throttle_rate: requests per second that the gateway accepts.
    """

    def __init__(
        self,
        scope: Construct,
        name: str,
        *,
        metrics: ServiceMetrics,
        email: str | None,
        throttle_rate: int,
    ) -> None:
        super().__init__(scope, name)
        self.all: list[cloudwatch.Alarm] = []
        self.topic = sns.Topic(self, "Topic", enforce_ssl=True)
        # This policy replaces the default policy of SNS, which would allow alarms to publish.
        self.topic.add_to_resource_policy(
            iam.PolicyStatement(
                principals=[iam.ServicePrincipal("cloudwatch.amazonaws.com")],
                actions=["sns:Publish"],
                resources=[self.topic.topic_arn],
                conditions={"StringEquals": {"aws:SourceAccount": Stack.of(self).account}},
            )
        )
        if email:
            self.topic.add_subscription(subscriptions.EmailSubscription(email))
        self._alarm(
            "ServerErrors",
            metrics.lasting_server_errors(),
            above=1,
            periods=1,
            description=f"Within an hour, at least {MIN_ERRORS} responses and more than 1 % of all "
            "responses were 5xx.",
        )
        self._alarm(
            "FunctionErrors",
            metrics.of_function("Errors", "Sum", "errors", LONG_PERIOD),
            above=MIN_ERRORS - 1,
            periods=1,
            description=f"Within an hour, the function crashed, ran out of memory or timed out at "
            f"least {MIN_ERRORS} times.",
        )
        self._alarm(
            "Slow",
            metrics.slow_requests(),
            above=3000,
            periods=1,
            description=f"More than 10 % of at least {MIN_TIMED} requests of an hour took over "
            "3 s, cold starts excluded.",
        )
        self._alarm(
            "Throttled",
            metrics.of_function("Throttles", "Sum", "throttles"),
            above=MIN_ERRORS - 1,
            periods=1,
            description="The concurrency of the account or the function was exhausted, and at "
            f"least {MIN_ERRORS} requests in five minutes got 503.",
        )
        self._alarm(
            "RefusedLogins",
            metrics.refused_logins(),
            above=MAX_REFUSED_LOGINS,
            periods=1,
            description=f"More than {MAX_REFUSED_LOGINS} logins were refused within an hour. "
            "Somebody guesses passwords, or a client has an old one.",
        )
        self._alarm(
            "Traffic",
            metrics.of_api("Count", "Sum", "requests", LONG_PERIOD),
            above=throttle_rate * LONG_PERIOD.to_seconds() * NORMAL_SHARE,
            periods=1,
            description=f"The API got over {NORMAL_SHARE:.0%} of the requests that throttle_rate "
            "allows in an hour. Requests without credentials cost money too.",
        )
        # A missing heartbeat is missing data. Before the first one, the alarm has no state, and a
        # new alarm without a state notifies nobody.
        self._alarm(
            "Heartbeat",
            metrics.answered(),
            above=1,
            periods=1,
            comparison=cloudwatch.ComparisonOperator.LESS_THAN_THRESHOLD,
            missing=cloudwatch.TreatMissingData.MISSING,
            description="For a day, the service has answered no request, not even the call that "
            "keeps it active.",
        )
        self._alarm(
            "ColdStarts",
            metrics.cold_starts(),
            above=20,
            periods=3,
            description="More than 20 % of the requests waited for a new instance, for fifteen "
            "minutes.",
        )
        self._alarm(
            "UnsureAnswers",
            metrics.unsure_answers(DAY),
            above=30,
            periods=1,
            description=f"More than 30 % of at least {MIN_REQUESTS} predictions of a day had low "
            "confidence. The pictures may differ from the training pictures. For the bundled "
            "model, 8 % of the test pictures get low confidence.",
        )

    def _alarm(
        self,
        name: str,
        metric: cloudwatch.IMetric,
        *,
        above: float,
        periods: int,
        description: str,
        comparison: cloudwatch.ComparisonOperator = OVER,
        # Metrics have no data points if there are no requests or no such events.
        missing: cloudwatch.TreatMissingData = cloudwatch.TreatMissingData.NOT_BREACHING,
    ) -> None:
        """Create an alarm and append it to `all`."""
        alarm = cloudwatch.Alarm(
            self,
            name,
            metric=metric,
            threshold=above,
            comparison_operator=comparison,
            evaluation_periods=periods,
            alarm_description=description,
            treat_missing_data=missing,
        )
        action = actions.SnsAction(self.topic)
        alarm.add_alarm_action(action)
        alarm.add_ok_action(action)
        if missing is cloudwatch.TreatMissingData.MISSING:
            alarm.add_insufficient_data_action(action)
        self.all.append(alarm)
