"""Alarms: those that notify a person, and those that roll a new version back."""

from aws_cdk import Stack
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_cloudwatch_actions as actions
from aws_cdk import aws_iam as iam
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sns_subscriptions as subscriptions
from constructs import Construct

from infra.metrics import ServiceMetrics


class Alarms(Construct):
    """Alarms of the service. Each change of state is published to a topic.

    Attributes:
        topic: topic of the notifications.
        all: every alarm.
        of_release: alarms that roll a new version back.
    """

    def __init__(
        self, scope: Construct, name: str, *, metrics: ServiceMetrics, email: str | None
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
            metrics.server_errors(),
            above=1,
            periods=1,
            description="More than 1 % of the responses in one minute were 5xx.",
        )
        self._alarm(
            "FunctionErrors",
            metrics.of_function("Errors", "Sum", "errors"),
            above=0,
            periods=1,
            description="The function crashed, ran out of memory or timed out.",
        )
        self.of_release = list(self.all)
        self._alarm(
            "Slow",
            metrics.of_function("Duration", "p99", "p99"),
            above=3000,
            periods=3,
            description="The p99 duration of the function was over 3 s, cold starts excluded.",
        )
        self._alarm(
            "Throttled",
            metrics.of_function("Throttles", "Sum", "throttles"),
            above=0,
            periods=1,
            description="The concurrency of the account or the function was exhausted, and "
            "requests got 503.",
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
            metrics.unsure_answers(),
            above=30,
            periods=6,
            description="More than 30 % of the predictions had low confidence, for half an hour. "
            "The pictures may differ from the training pictures. For the bundled model, 8 % of the "
            "test pictures get low confidence.",
        )

    def _alarm(
        self,
        name: str,
        metric: cloudwatch.IMetric,
        *,
        above: float,
        periods: int,
        description: str,
    ) -> None:
        """Create an alarm and append it to `all`."""
        alarm = cloudwatch.Alarm(
            self,
            name,
            metric=metric,
            threshold=above,
            comparison_operator=cloudwatch.ComparisonOperator.GREATER_THAN_THRESHOLD,
            evaluation_periods=periods,
            alarm_description=description,
            # Metrics have no data points if there are no requests or no such events.
            treat_missing_data=cloudwatch.TreatMissingData.NOT_BREACHING,
        )
        action = actions.SnsAction(self.topic)
        alarm.add_alarm_action(action)
        alarm.add_ok_action(action)
        self.all.append(alarm)
