"""Bucket of models and uploads, and the bucket of its access logs."""

from collections.abc import Sequence

from aws_cdk import Duration
from aws_cdk import aws_s3 as s3
from constructs import Construct

from infra.retention import Retention

MODELS = "models/"
UPLOADS = "uploads/"
RUNS = "runs/"
KEEP_RUNS = Duration.days(90)
KEEP_OLD_MODELS = Duration.days(90)


class Storage(Construct):
    """Private bucket: encrypted, versioned, TLS only.

    Attributes:
        bucket: bucket in which `models/` is kept and `uploads/` expires.
    """

    def __init__(
        self,
        scope: Construct,
        name: str,
        *,
        upload_days: int,
        cors_origins: Sequence[str],
        retention: Retention,
    ) -> None:
        super().__init__(scope, name)
        # Uploads bypass the service. Only these logs record where they came from.
        logs = retention.log_bucket(self, "AccessLogs")
        self.bucket = s3.Bucket(
            self,
            "Bucket",
            block_public_access=s3.BlockPublicAccess.BLOCK_ALL,
            encryption=s3.BucketEncryption.S3_MANAGED,
            enforce_ssl=True,
            versioned=True,
            server_access_logs_bucket=logs,
            lifecycle_rules=[
                s3.LifecycleRule(
                    id="Uploads",
                    prefix=UPLOADS,
                    expiration=Duration.days(upload_days),
                    noncurrent_version_expiration=Duration.days(1),
                ),
                s3.LifecycleRule(
                    id="Runs",
                    prefix=RUNS,
                    expiration=KEEP_RUNS,
                    noncurrent_version_expiration=Duration.days(1),
                ),
                s3.LifecycleRule(
                    id="OldModels",
                    prefix=MODELS,
                    noncurrent_version_expiration=KEEP_OLD_MODELS,
                ),
                s3.LifecycleRule(
                    id="BrokenOffUploads",
                    abort_incomplete_multipart_upload_after=Duration.days(1),
                ),
            ],
            cors=[
                s3.CorsRule(
                    allowed_methods=[s3.HttpMethods.POST],
                    allowed_origins=list(cors_origins),
                    allowed_headers=["*"],
                    max_age=3600,
                )
            ]
            if cors_origins
            else None,
            removal_policy=retention.removal_policy,
            auto_delete_objects=not retention.keeps_data,
        )
