"""Canary deployment: a check before traffic, then 10 % of the requests, and alarms."""

from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_codedeploy as codedeploy
from aws_cdk import aws_lambda as lambda_
from constructs import Construct

from infra.metrics import SHORT_PERIOD, ServiceMetrics
from infra.nag import acknowledge, logical_id


class Release(Construct):
    """CodeDeploy group that moves the alias to a new version.

    Its alarms fire after a single error and notify nobody: a new version that gets few requests may
    have a single error only.
    """

    def __init__(
        self,
        scope: Construct,
        name: str,
        *,
        alias: lambda_.Alias,
        metrics: ServiceMetrics,
        pre_traffic: lambda_.IFunction,
    ) -> None:
        super().__init__(scope, name)
        errors = metrics.of_function("Errors", "Sum", "errors", SHORT_PERIOD)
        group = codedeploy.LambdaDeploymentGroup(
            self,
            "Group",
            alias=alias,
            deployment_config=codedeploy.LambdaDeploymentConfig.CANARY_10_PERCENT_5_MINUTES,
            pre_hook=pre_traffic,
            alarms=[
                self._alarm(
                    "ServerErrors",
                    metrics.server_errors(),
                    above=1,
                    description="More than 1 % of the responses in one minute were 5xx.",
                ),
                self._alarm(
                    "FunctionErrors",
                    errors,
                    above=0,
                    description="The function crashed, ran out of memory or timed out.",
                ),
            ],
            auto_rollback=codedeploy.AutoRollbackConfig(
                failed_deployment=True, stopped_deployment=True, deployment_in_alarm=True
            ),
        )
        acknowledge(
            group,
            "IAM4[Policy::arn:<AWS::Partition>:iam::aws:policy/service-role/"
            "AWSCodeDeployRoleForLambdaLimited]",
            "The AWS policy for exactly this purpose: moving aliases and reading alarms.",
        )
        acknowledge(
            group,
            f"IAM5[Resource::<{logical_id(pre_traffic)}.Arn>:*]",
            "CDK allows CodeDeploy to call all versions of this one function.",
        )
        # Otherwise the first deployment could start before CodeDeploy may call the hook.
        alias.node.add_dependency(group.role)

    def _alarm(
        self, name: str, metric: cloudwatch.IMetric, *, above: float, description: str
    ) -> cloudwatch.Alarm:
        return cloudwatch.Alarm(
            self,
            name,
            metric=metric,
            threshold=above,
            comparison_operator=cloudwatch.ComparisonOperator.GREATER_THAN_THRESHOLD,
            # One bad minute of three: metrics arrive late, and CodeDeploy must not miss it.
            evaluation_periods=3,
            datapoints_to_alarm=1,
            alarm_description=f"Rolls a new version back. {description}",
            treat_missing_data=cloudwatch.TreatMissingData.NOT_BREACHING,
        )
