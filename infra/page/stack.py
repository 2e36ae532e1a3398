"""Stack of the page: network, container and entrance."""

from collections.abc import Sequence
from ipaddress import IPv4Network

from aws_cdk import CfnOutput, Stack
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_secretsmanager as secretsmanager
from constructs import Construct

from infra.access import AccessSettings
from infra.page.container import Container
from infra.page.entrance import Entrance
from infra.retention import Retention


class PageStack(Stack):
    """The page, reachable from `networks`. Its visitors use the API with the page's credentials.

    Args:
        secret: username and password of the API; None if the page sends the visitor's token.
        access: the page's domain and log-in.

    Only CloudFront is on the internet. The load balancer has no public address. The container has a
    public address for outgoing requests (image, secret, API), because a NAT gateway would cost more
    than the rest of the stack. Only the load balancer can connect to the container.
    """

    def __init__(
        self,
        scope: Construct,
        name: str,
        *,
        api_url: str,
        secret: secretsmanager.ISecret | None,
        networks: Sequence[IPv4Network],
        retention: Retention,
        architecture: str,
        access: AccessSettings,
    ) -> None:
        super().__init__(scope, name, description="Page of the landscape classifier")
        log = retention.log_group(self, "Log")
        vpc = ec2.Vpc(
            self,
            "Vpc",
            max_azs=2,
            nat_gateways=0,
            subnet_configuration=[
                ec2.SubnetConfiguration(name="Container", subnet_type=ec2.SubnetType.PUBLIC),
                ec2.SubnetConfiguration(
                    name="Balancer", subnet_type=ec2.SubnetType.PRIVATE_ISOLATED
                ),
            ],
            flow_logs={
                "Refused": ec2.FlowLogOptions(
                    destination=ec2.FlowLogDestination.to_cloud_watch_logs(log),
                    traffic_type=ec2.FlowLogTrafficType.REJECT,
                )
            },
        )
        container = Container(
            self,
            "Container",
            vpc=vpc,
            api_url=api_url,
            secret=secret,
            log=log,
            architecture=architecture,
            access=access,
        )
        entrance = Entrance(
            self,
            "Entrance",
            vpc=vpc,
            service=container.service,
            networks=networks,
            retention=retention,
            access=access,
        )
        if access.page_login:
            container.set_address(entrance.address)
        outputs = {
            "Page": entrance.address,
            "ClusterName": container.service.cluster.cluster_name,
            "ServiceName": container.service.service_name,
            "LogGroupName": log.log_group_name,
        }
        if entrance.domain_target:
            outputs["DomainTarget"] = entrance.domain_target
        for key, value in outputs.items():
            CfnOutput(self, key, value=value)
