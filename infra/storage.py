"""The bucket of models and uploads, and the one of its access logs."""

from collections.abc import Sequence

from aws_cdk import Duration
from aws_cdk import aws_s3 as s3
from constructs import Construct

from infra.logs import log_bucket
from infra.removal import removal_policy

MODELS = "models/"
UPLOADS = "uploads/"
KEEP_OLD_MODELS = Duration.days(90)


class Storage(Construct):
    """A private bucket: encrypted, versioned, TLS only.

    Attributes:
        bucket: `models/` is kept, `uploads/` is not.
    """

    def __init__(
        self,
        scope: Construct,
        name: str,
        *,
        upload_days: int,
        log_days: int,
        cors_origins: Sequence[str],
        keeps_data: bool,
    ) -> None:
        super().__init__(scope, name)
        # Uploads go past the service: who has sent them is told by these logs alone.
        logs = log_bucket(self, "AccessLogs", days=log_days, keeps_data=keeps_data)
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
            removal_policy=removal_policy(keeps_data),
            auto_delete_objects=not keeps_data,
        )
