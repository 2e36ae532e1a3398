"""The service as a Lambda function of a container image."""

from collections.abc import Mapping

from aws_cdk import Duration, RemovalPolicy
from aws_cdk import aws_ecr_assets as ecr_assets
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_secretsmanager as secretsmanager
from constructs import Construct

from infra.logs import log_group
from infra.nag import acknowledge, logical_id
from infra.settings import ROOT
from infra.storage import MODELS, UPLOADS

TIMEOUT = Duration.seconds(29)  # API Gateway gives up after 30


class ServiceFunction(Construct):
    """The function, its role, its log, and the alias `live`, which is what is called.

    Attributes:
        function: the newest code, which nobody calls.
        alias: the version that answers.
        logs: one JSON object a request.
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
        secret: secretsmanager.ISecret,
        log_days: int,
        reserved_concurrency: int | None,
        provisioned_concurrency: int,
        keeps_data: bool,
    ) -> None:
        super().__init__(scope, name)
        self.logs = log_group(self, "Log", days=log_days, keeps_data=keeps_data)
        role = iam.Role(self, "Role", assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"))
        self.logs.grant_write(role)
        secret.grant_read(role)
        read = [MODELS, UPLOADS] if reads_models else [UPLOADS]
        role.add_to_policy(
            iam.PolicyStatement(
                actions=["s3:GetObject"],
                resources=[bucket.arn_for_objects(f"{prefix}*") for prefix in read],
            )
        )
        # Whoever has a presigned form writes with the rights of the role that has signed it.
        role.add_to_policy(
            iam.PolicyStatement(
                actions=["s3:PutObject"], resources=[bucket.arn_for_objects(f"{UPLOADS}*")]
            )
        )
        # Without it, S3 answers 403 instead of 404 for a key that has nothing.
        role.add_to_policy(
            iam.PolicyStatement(actions=["s3:ListBucket"], resources=[bucket.bucket_arn])
        )
        for prefix in read:
            acknowledge(
                role,
                f"IAM5[Resource::<{logical_id(bucket)}.Arn>/{prefix}*]",
                "Keys below this prefix of the stack's own bucket are not known in advance.",
            )
        self.function = lambda_.DockerImageFunction(
            self,
            "Function",
            code=lambda_.DockerImageCode.from_image_asset(
                str(ROOT),
                file="Dockerfile.lambda",
                build_args={"BUNDLE": bundle},
                # The image is built anew when, and only when, one of its own files changes.
                exclude=["frontend", ".streamlit", "models/*", f"!{bundle}"],
                platform=ecr_assets.Platform.LINUX_AMD64,
            ),
            # LiteRT's wheels for arm64 do not load on the base image.
            architecture=lambda_.Architecture.X86_64,
            memory_size=memory,
            timeout=TIMEOUT,
            environment=dict(environment),
            role=role.without_policy_updates(),
            log_group=self.logs,
            logging_format=lambda_.LoggingFormat.JSON,
            reserved_concurrent_executions=reserved_concurrency,
            # What `live` pointed to before stays callable: that is what a roll-back needs.
            current_version_options=lambda_.VersionOptions(removal_policy=RemovalPolicy.RETAIN),
        )
        self.alias = lambda_.Alias(
            self,
            "Live",
            alias_name="live",
            version=self.function.current_version,
            provisioned_concurrent_executions=provisioned_concurrency or None,
        )
