"""Function and permissions of the check before traffic."""

from pathlib import Path

from aws_cdk import Duration
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_secretsmanager as secretsmanager
from constructs import Construct

from infra.nag import acknowledge, logical_id
from infra.retention import Retention

# A cold start, two requests of up to 29 s each, and time to wait for the version and to report.
TIMEOUT = Duration.minutes(3)


class PreTrafficHook(Construct):
    """Function that checks a new version of the service.

    Attributes:
        function: function for CodeDeploy's hook BeforeAllowTraffic.
    """

    def __init__(
        self,
        scope: Construct,
        name: str,
        *,
        service: lambda_.Function,
        secret: secretsmanager.ISecret,
        retention: Retention,
    ) -> None:
        super().__init__(scope, name)
        log = retention.log_group(self, "Log")
        role = iam.Role(self, "Role", assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"))
        log.grant_write(role)
        role.add_to_policy(
            iam.PolicyStatement(
                actions=["secretsmanager:GetSecretValue"], resources=[secret.secret_arn]
            )
        )
        # All versions: a policy that names the new version would change right before it is used.
        role.add_to_policy(
            iam.PolicyStatement(
                actions=["lambda:InvokeFunction"], resources=[f"{service.function_arn}:*"]
            )
        )
        acknowledge(
            role,
            f"IAM5[Resource::<{logical_id(service)}.Arn>:*]",
            "Every deployment creates a new version of this one function.",
        )
        self.function = lambda_.Function(
            self,
            "Function",
            code=lambda_.Code.from_asset(
                str(Path(__file__).parent), exclude=["*", "!handler.py", "!sea.jpg"]
            ),
            handler="handler.handler",
            runtime=lambda_.Runtime.PYTHON_3_14,
            timeout=TIMEOUT,
            memory_size=256,
            environment={
                "NEW_VERSION": service.current_version.function_arn,
                "SECRET_ARN": secret.secret_arn,
            },
            role=role,
            log_group=log,
            logging_format=lambda_.LoggingFormat.JSON,
        )
