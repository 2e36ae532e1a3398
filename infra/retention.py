"""Retention: how long logs are kept, and which data outlives its stack."""

from dataclasses import dataclass

from aws_cdk import Duration, RemovalPolicy
from aws_cdk import aws_logs as logs
from aws_cdk import aws_s3 as s3
from constructs import Construct


@dataclass(frozen=True)
class Retention:
    """Retention settings of a stage.

    Attributes:
        log_days: days to keep logs, one of the values that CloudWatch Logs supports.
        keeps_data: whether buckets, secrets and logs are kept when their stack is deleted.
    """

    log_days: int
    keeps_data: bool

    @property
    def removal_policy(self) -> RemovalPolicy:
        """Policy for resources that hold data. A failed first deployment leaves nothing behind."""
        if self.keeps_data:
            return RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE
        return RemovalPolicy.DESTROY

    def log_group(self, scope: Construct, name: str) -> logs.LogGroup:
        """Create a log group."""
        group = logs.LogGroup(scope, name, removal_policy=self.removal_policy)
        resource = group.node.default_child
        assert isinstance(resource, logs.CfnLogGroup)  # noqa: S101 - for the type
        # `LogGroup` only takes members of an enumeration, the resource takes the number of days.
        resource.retention_in_days = self.log_days
        return group

    def log_bucket(
        self, scope: Construct, name: str, *, ownership: s3.ObjectOwnership | None = None
    ) -> s3.Bucket:
        """Create a private bucket for access logs, which are deleted after `log_days`."""
        return s3.Bucket(
            scope,
            name,
            block_public_access=s3.BlockPublicAccess.BLOCK_ALL,
            encryption=s3.BucketEncryption.S3_MANAGED,
            enforce_ssl=True,
            lifecycle_rules=[s3.LifecycleRule(expiration=Duration.days(self.log_days))],
            object_ownership=ownership,
            removal_policy=self.removal_policy,
            auto_delete_objects=not self.keeps_data,
        )
