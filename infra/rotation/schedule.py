"""Schedule and function of the password rotation."""

from pathlib import Path

from aws_cdk import Duration
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_secretsmanager as secretsmanager
from constructs import Construct

from infra.function_role import create_role
from infra.nag import acknowledge
from infra.retention import Retention


class Rotation(Construct):
    """Rotation of a secret every `days` days, for the first time after that many days."""

    def __init__(
        self,
        scope: Construct,
        name: str,
        *,
        secret: secretsmanager.Secret,
        days: int,
        retention: Retention,
    ) -> None:
        super().__init__(scope, name)
        log = retention.log_group(self, "Log")
        role = create_role(self, log)
        function = lambda_.Function(
            self,
            "Function",
            code=lambda_.Code.from_asset(str(Path(__file__).parent), exclude=["*", "!handler.py"]),
            handler="handler.handler",
            runtime=lambda_.Runtime.PYTHON_3_14,
            timeout=Duration.seconds(30),
            role=role,
            log_group=log,
            logging_format=lambda_.LoggingFormat.JSON,
        )
        secret.add_rotation_schedule(
            "Schedule",
            rotation_lambda=function,
            automatically_after=Duration.days(days),
            rotate_immediately_on_update=False,
        )
        acknowledge(
            role,
            "IAM5[Resource::*]",
            "The permission to generate a random password cannot name a resource.",
        )
