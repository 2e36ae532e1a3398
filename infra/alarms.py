"""What wakes a person, and what rolls a new version back."""

from aws_cdk import Stack
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_cloudwatch_actions as actions
from aws_cdk import aws_iam as iam
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sns_subscriptions as subscriptions
from constructs import Construct

from infra.metrics import Metrics


class Alarms(Construct):
    """Alarms of the service, told to a topic when they go on and off.

    Attributes:
        topic: where they are told.
        all: every alarm.
        of_release: those that say that a new version is worse.
    """

    def __init__(self, scope: Construct, name: str, *, metrics: Metrics, email: str | None) -> None:
        super().__init__(scope, name)
        self.topic = sns.Topic(self, "Topic", enforce_ssl=True)
        # A policy of its own takes the place of SNS's, which would let alarms in.
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
        server_errors = self._alarm(
            "ServerErrors",
            metrics.server_errors(),
            above=1,
            periods=1,
            says="More than 1 % of the answers of a minute were 5xx.",
        )
        function_errors = self._alarm(
            "FunctionErrors",
            metrics.of_function("Errors", "Sum", "errors"),
            above=0,
            periods=1,
            says="The function crashed, ran out of memory or out of time.",
        )
        slow = self._alarm(
            "Slow",
            metrics.of_function("Duration", "p99", "p99"),
            above=3000,
            periods=3,
            says="One request in a hundred took the function over 3 s, cold starts not counted.",
        )
        throttled = self._alarm(
            "Throttled",
            metrics.of_function("Throttles", "Sum", "throttles"),
            above=0,
            periods=1,
            says="The account's or the function's concurrency was used up: requests got a 503.",
        )
        cold = self._alarm(
            "ColdStarts",
            metrics.cold_starts(),
            above=20,
            periods=3,
            says="Over 20 % of the requests waited for a new instance, for fifteen minutes.",
        )
        unsure = self._alarm(
            "UnsureAnswers",
            metrics.unsure_answers(),
            above=30,
            periods=6,
            says="Over 30 % of the answers were unsure, for half an hour: other pictures than the "
            "model was trained on? The model that comes with the project is unsure of 8 % of its "
            "test pictures.",
        )
        self.of_release = [server_errors, function_errors]
        self.all = [*self.of_release, slow, throttled, cold, unsure]

    def _alarm(
        self, name: str, metric: cloudwatch.IMetric, *, above: float, periods: int, says: str
    ) -> cloudwatch.Alarm:
        alarm = cloudwatch.Alarm(
            self,
            name,
            metric=metric,
            threshold=above,
            comparison_operator=cloudwatch.ComparisonOperator.GREATER_THAN_THRESHOLD,
            evaluation_periods=periods,
            alarm_description=says,
            # Nobody asks, or the service has counted none: it writes no zeros.
            treat_missing_data=cloudwatch.TreatMissingData.NOT_BREACHING,
        )
        action = actions.SnsAction(self.topic)
        alarm.add_alarm_action(action)
        alarm.add_ok_action(action)
        return alarm
