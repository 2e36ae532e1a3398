"""Alarms of the page."""

from aws_cdk import Duration
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_cloudwatch_actions as actions
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_elasticloadbalancingv2 as elbv2
from aws_cdk import aws_sns as sns
from constructs import Construct

MINUTE = Duration.minutes(1)
ERRORS_PERIOD = Duration.minutes(15)
MIN_ERRORS = 5  # a browser loads several files at once


class PageAlarms(Construct):
    """Alarms on the load balancer and its container. They notify the topic of the service."""

    def __init__(
        self,
        scope: Construct,
        name: str,
        *,
        balancer: elbv2.ApplicationLoadBalancer,
        targets: elbv2.ApplicationTargetGroup,
        service: ecs.FargateService,
        topic: sns.ITopic,
    ) -> None:
        super().__init__(scope, name)
        action = actions.SnsAction(topic)
        down = cloudwatch.Alarm(
            self,
            "PageDown",
            metric=targets.metrics.healthy_host_count(statistic="Minimum", period=MINUTE),
            threshold=1,
            comparison_operator=cloudwatch.ComparisonOperator.LESS_THAN_THRESHOLD,
            evaluation_periods=5,
            alarm_description="For five minutes, the page had no healthy container.",
            # Without any container, the load balancer reports nothing.
            treat_missing_data=cloudwatch.TreatMissingData.BREACHING,
        )
        down.node.add_dependency(service)  # which is complete when its container is healthy
        errors = cloudwatch.Alarm(
            self,
            "PageErrors",
            metric=cloudwatch.MathExpression(
                expression="FILL(own, 0) + FILL(container, 0)",
                using_metrics={
                    "own": balancer.metrics.http_code_elb(
                        elbv2.HttpCodeElb.ELB_5XX_COUNT, statistic="Sum", period=ERRORS_PERIOD
                    ),
                    "container": targets.metrics.http_code_target(
                        elbv2.HttpCodeTarget.TARGET_5XX_COUNT,
                        statistic="Sum",
                        period=ERRORS_PERIOD,
                    ),
                },
                period=ERRORS_PERIOD,
                label="5xx",
            ),
            threshold=MIN_ERRORS,
            evaluation_periods=1,
            alarm_description=f"At least {MIN_ERRORS} responses of the page within 15 minutes "
            "were 5xx.",
            treat_missing_data=cloudwatch.TreatMissingData.NOT_BREACHING,
        )
        for alarm in (down, errors):
            alarm.add_alarm_action(action)
            alarm.add_ok_action(action)
