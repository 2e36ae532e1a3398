"""Network of the page."""

from collections.abc import Sequence

from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_logs as logs
from constructs import Construct


def create_vpc(scope: Construct, *, zones: Sequence[str], log: logs.ILogGroup) -> ec2.Vpc:
    """Create a network in two availability zones, without a NAT gateway.

    Args:
        scope: stack of the network.
        zones: names of the availability zones. By default, the first two of the region. CloudFront
            has no VPC origins in some zones, see infra/account.py.
        log: log of the connections that the network rejects.
    """
    return ec2.Vpc(
        scope,
        "Vpc",
        availability_zones=list(zones) or None,
        max_azs=None if zones else 2,
        nat_gateways=0,
        subnet_configuration=[
            ec2.SubnetConfiguration(name="Container", subnet_type=ec2.SubnetType.PUBLIC),
            ec2.SubnetConfiguration(name="Balancer", subnet_type=ec2.SubnetType.PRIVATE_ISOLATED),
        ],
        flow_logs={
            "Refused": ec2.FlowLogOptions(
                destination=ec2.FlowLogDestination.to_cloud_watch_logs(log),
                traffic_type=ec2.FlowLogTrafficType.REJECT,
            )
        },
    )
