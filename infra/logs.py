"""Where logs go, as all parts have it."""

from aws_cdk import Duration
from aws_cdk import aws_logs as logs
from aws_cdk import aws_s3 as s3
from constructs import Construct

from infra.removal import removal_policy


def log_group(scope: Construct, name: str, *, days: int, keeps_data: bool) -> logs.LogGroup:
    """A log group whose lines go after `days`, one of the numbers that CloudWatch Logs takes."""
    group = logs.LogGroup(scope, name, removal_policy=removal_policy(keeps_data))
    resource = group.node.default_child
    assert isinstance(resource, logs.CfnLogGroup)  # noqa: S101 - for the type
    resource.retention_in_days = days  # the property of `LogGroup` is an enumeration of words
    return group


def log_bucket(
    scope: Construct,
    name: str,
    *,
    days: int,
    keeps_data: bool,
    ownership: s3.ObjectOwnership | None = None,
) -> s3.Bucket:
    """A private bucket for what writes its log to S3; objects go after `days`."""
    return s3.Bucket(
        scope,
        name,
        block_public_access=s3.BlockPublicAccess.BLOCK_ALL,
        encryption=s3.BucketEncryption.S3_MANAGED,
        enforce_ssl=True,
        lifecycle_rules=[s3.LifecycleRule(expiration=Duration.days(days))],
        object_ownership=ownership,
        removal_policy=removal_policy(keeps_data),
        auto_delete_objects=not keeps_data,
    )
