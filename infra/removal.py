"""What becomes of data when its stack goes."""

from aws_cdk import RemovalPolicy


def removal_policy(keeps_data: bool) -> RemovalPolicy:
    """It outlives the stack, or goes with it."""
    return RemovalPolicy.RETAIN if keeps_data else RemovalPolicy.DESTROY
