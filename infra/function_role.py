"""Role of a Lambda function."""

from aws_cdk import aws_iam as iam
from aws_cdk import aws_logs as logs
from aws_cdk import aws_secretsmanager as secretsmanager
from constructs import Construct


def create_role(scope: Construct, log: logs.ILogGroup) -> iam.Role:
    """Create the role of the function in `scope`. It may write to the log, and nothing else."""
    role = iam.Role(scope, "Role", assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"))
    log.grant_write(role)
    return role


def allow_reading(role: iam.Role, secret: secretsmanager.ISecret) -> None:
    """Allow a role to read the value of a secret. `grant_read` would allow DescribeSecret too."""
    allow(role, ["secretsmanager:GetSecretValue"], [secret.secret_arn])


def allow(
    role: iam.Role,
    actions: list[str],
    resources: list[str],
    conditions: dict[str, dict[str, str]] | None = None,
) -> None:
    """Allow a role to call `actions` on `resources`."""
    role.add_to_policy(
        iam.PolicyStatement(actions=actions, resources=resources, conditions=conditions)
    )
