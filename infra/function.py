"""Lambda function that runs the service from a container image."""

from collections.abc import Mapping

from aws_cdk import Duration, RemovalPolicy
from aws_cdk import aws_ecr_assets as ecr_assets
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_secretsmanager as secretsmanager
from constructs import Construct

from infra.function_role import allow, allow_reading, create_role
from infra.nag import acknowledge, logical_id
from infra.retention import Retention
from infra.settings import ROOT
from infra.storage import MODELS, UPLOADS

PLATFORMS = {
    "x86_64": ecr_assets.Platform.LINUX_AMD64,
    "arm64": ecr_assets.Platform.LINUX_ARM64,
}
TIMEOUT = Duration.seconds(29)  # API Gateway times out after 30 s


def image_code(
    bundle: str, architecture: str, handler: str | None = None
) -> lambda_.DockerImageCode:
    """Image with a bundle, optionally with another handler than the API's.

    It is only built again if one of its own files changes.
    """
    return lambda_.DockerImageCode.from_image_asset(
        str(ROOT),
        file="Dockerfile.lambda",
        build_args={"BUNDLE": bundle},
        exclude=["frontend", ".streamlit", "models/*", f"!{bundle}"],
        platform=PLATFORMS[architecture],
        cmd=[handler] if handler else None,
    )


class ServiceFunction(Construct):
    """Function with its role, its log, and the alias `live`, which the API calls.

    Attributes:
        role: role of the function.
        function: function with the newest code, which is not called directly.
        alias: alias of the version that serves.
        logs: log with one JSON object for each request.
    """

    def __init__(
        self,
        scope: Construct,
        name: str,
        *,
        bundle: str,
        memory: int,
        environment: Mapping[str, str],
        bucket: s3.Bucket,
        reads_models: bool,
        secret: secretsmanager.ISecret | None,
        retention: Retention,
        architecture: str,
        reserved_concurrency: int | None,
        provisioned_concurrency: int,
    ) -> None:
        super().__init__(scope, name)
        self.logs = retention.log_group(self, "Log")
        role = create_role(self, self.logs)
        if secret is not None:
            allow_reading(role, secret)
        read = [MODELS, UPLOADS] if reads_models else [UPLOADS]
        allow(role, ["s3:GetObject"], [bucket.arn_for_objects(f"{prefix}*") for prefix in read])
        # A presigned form grants the permissions of the role that signed it.
        allow(role, ["s3:PutObject"], [bucket.arn_for_objects(f"{UPLOADS}*")])
        # Without this permission, S3 returns 403 instead of 404 for a missing key.
        allow(role, ["s3:ListBucket"], [bucket.bucket_arn])
        for prefix in read:
            acknowledge(
                role,
                f"IAM5[Resource::<{logical_id(bucket)}.Arn>/{prefix}*]",
                "The keys below this prefix of the stack's own bucket are not known in advance.",
            )
        self.role = role
        self.function = lambda_.DockerImageFunction(
            self,
            "Function",
            code=image_code(bundle, architecture),
            architecture=lambda_.Architecture.custom(architecture),
            memory_size=memory,
            timeout=TIMEOUT,
            environment=dict(environment),
            role=role.without_policy_updates(),
            log_group=self.logs,
            logging_format=lambda_.LoggingFormat.JSON,
            reserved_concurrent_executions=reserved_concurrency,
            # Versions that were live before are kept for a rollback. A version whose deployment
            # failed is deleted: otherwise Lambda would refuse to publish the same code again.
            current_version_options=lambda_.VersionOptions(
                removal_policy=RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE
            ),
        )
        self.alias = lambda_.Alias(
            self,
            "Live",
            alias_name="live",
            version=self.function.current_version,
            provisioned_concurrent_executions=provisioned_concurrency or None,
        )
