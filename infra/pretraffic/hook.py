"""Function and permissions of the check before traffic."""

from pathlib import Path

from aws_cdk import Duration
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_secretsmanager as secretsmanager
from constructs import Construct

from infra.function_role import allow, allow_reading, create_role
from infra.nag import acknowledge, logical_id
from infra.retention import Retention

# A cold start, two requests of up to 29 s each, and time to wait for the version and to report.
TIMEOUT = Duration.minutes(3)


class PreTrafficHook(Construct):
    """Function that checks a new version of the service.

    Args:
        service: function of the service.
        secret: username and password of the API; None if clients send tokens.
        issuer: issuer of the tokens; None without tokens.
        retention: retention of the log.

    Attributes:
        function: function for CodeDeploy's hook BeforeAllowTraffic.
    """

    def __init__(
        self,
        scope: Construct,
        name: str,
        *,
        service: lambda_.Function,
        secret: secretsmanager.ISecret | None,
        issuer: str | None,
        retention: Retention,
    ) -> None:
        super().__init__(scope, name)
        log = retention.log_group(self, "Log")
        role = create_role(self, log)
        environment = {"NEW_VERSION": service.current_version.function_arn}
        if issuer:
            environment["JWT_ISSUER"] = issuer
        if secret is not None:
            environment["SECRET_ARN"] = secret.secret_arn
            allow_reading(role, secret)
        # All versions: a policy that names the new version would change right before it is used.
        allow(role, ["lambda:InvokeFunction"], [f"{service.function_arn}:*"])
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
            environment=environment,
            role=role,
            log_group=log,
            logging_format=lambda_.LoggingFormat.JSON,
        )
