"""Stack of the page: network, container and entrance."""

from collections.abc import Sequence
from ipaddress import IPv4Network

from aws_cdk import CfnOutput, Stack
from aws_cdk import aws_secretsmanager as secretsmanager
from aws_cdk import aws_sns as sns
from constructs import Construct

from infra.access import AccessSettings
from infra.page.alarms import PageAlarms
from infra.page.container import Container
from infra.page.entrance import Entrance
from infra.page.network import create_vpc
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
        zones: Sequence[str],
        retention: Retention,
        architecture: str,
        access: AccessSettings,
        topic: sns.ITopic,
    ) -> None:
        super().__init__(
            scope,
            name,
            description="Page of the landscape classifier",
            termination_protection=retention.keeps_data,
        )
        log = retention.log_group(self, "Log")
        vpc = create_vpc(self, zones=zones, log=log)
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
        PageAlarms(
            self,
            "Alarms",
            balancer=entrance.balancer,
            targets=entrance.targets,
            service=container.service,
            topic=topic,
        )
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
