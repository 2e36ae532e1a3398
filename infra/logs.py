"""A log group as all parts have it."""

from aws_cdk import RemovalPolicy
from aws_cdk import aws_logs as logs
from constructs import Construct


def log_group(scope: Construct, name: str, *, days: int, keeps_data: bool) -> logs.LogGroup:
    """A log group whose lines go after `days`, one of the numbers that CloudWatch Logs takes."""
    group = logs.LogGroup(
        scope, name, removal_policy=RemovalPolicy.RETAIN if keeps_data else RemovalPolicy.DESTROY
    )
    resource = group.node.default_child
    assert isinstance(resource, logs.CfnLogGroup)  # noqa: S101 - for the type
    resource.retention_in_days = days  # the property of `LogGroup` is an enumeration of words
    return group
