"""What stands between the internet and the page's container."""

import json
from collections.abc import Sequence
from ipaddress import IPv4Network
from pathlib import Path

from aws_cdk import Duration, Stack, custom_resources
from aws_cdk import aws_cloudfront as cloudfront
from aws_cdk import aws_cloudfront_origins as origins
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_elasticloadbalancingv2 as elbv2
from aws_cdk import aws_s3 as s3
from constructs import Construct

from infra.logs import log_bucket
from infra.nag import acknowledge
from infra.page.container import PORT

DOORKEEPER = Path(__file__).parent / "doorkeeper.js"


class Entrance(Construct):
    """CloudFront with its own certificate, and a load balancer that only CloudFront reaches.

    Attributes:
        address: of the page, https:// and without a slash at the end.
    """

    def __init__(
        self,
        scope: Construct,
        name: str,
        *,
        vpc: ec2.IVpc,
        service: ecs.FargateService,
        networks: Sequence[IPv4Network],
        log_days: int,
        keeps_data: bool,
    ) -> None:
        super().__init__(scope, name)
        balancer = elbv2.ApplicationLoadBalancer(
            self,
            "Balancer",
            vpc=vpc,
            vpc_subnets=ec2.SubnetSelection(subnet_type=ec2.SubnetType.PRIVATE_ISOLATED),
            internet_facing=False,
            drop_invalid_header_fields=True,
        )
        balancer.add_listener("Http", port=80, open=False).add_targets(
            "Page",
            port=PORT,
            protocol=elbv2.ApplicationProtocol.HTTP,
            targets=[service],
            health_check=elbv2.HealthCheck(path="/_stcore/health"),
            deregistration_delay=Duration.seconds(10),
        )
        distribution = self._distribution(
            balancer, networks, log_days=log_days, keeps_data=keeps_data
        )
        balancer.connections.allow_from(self._of_cloudfront(vpc, distribution), ec2.Port.HTTP)
        acknowledge(
            balancer, "ELB2", "CloudFront logs every request, and nothing else gets through to it."
        )
        self.address = f"https://{distribution.distribution_domain_name}"

    def _distribution(
        self,
        balancer: elbv2.ApplicationLoadBalancer,
        networks: Sequence[IPv4Network],
        *,
        log_days: int,
        keeps_data: bool,
    ) -> cloudfront.Distribution:
        masks = [[int(n.network_address), int(n.netmask)] for n in networks]
        doorkeeper = cloudfront.Function(
            self,
            "Doorkeeper",
            code=cloudfront.FunctionCode.from_inline(
                f"const NETWORKS = {json.dumps(masks)};\n{DOORKEEPER.read_text(encoding='utf-8')}"
            ),
            runtime=cloudfront.FunctionRuntime.JS_2_0,
        )
        log = log_bucket(
            self,
            "Log",
            days=log_days,
            keeps_data=keeps_data,
            ownership=s3.ObjectOwnership.BUCKET_OWNER_PREFERRED,  # CloudFront writes by ACL
        )
        distribution = cloudfront.Distribution(
            self,
            "Distribution",
            default_behavior=cloudfront.BehaviorOptions(
                origin=origins.VpcOrigin.with_application_load_balancer(
                    balancer, protocol_policy=cloudfront.OriginProtocolPolicy.HTTP_ONLY
                ),
                allowed_methods=cloudfront.AllowedMethods.ALLOW_ALL,
                cache_policy=cloudfront.CachePolicy.CACHING_DISABLED,
                # With the Host that Streamlit compares a WebSocket's Origin to.
                origin_request_policy=cloudfront.OriginRequestPolicy.ALL_VIEWER,
                viewer_protocol_policy=cloudfront.ViewerProtocolPolicy.REDIRECT_TO_HTTPS,
                function_associations=[
                    cloudfront.FunctionAssociation(
                        function=doorkeeper,
                        event_type=cloudfront.FunctionEventType.VIEWER_REQUEST,
                    )
                ],
            ),
            enable_ipv6=False,  # the doorkeeper knows networks of IPv4
            log_bucket=log,
            http_version=cloudfront.HttpVersion.HTTP2_AND_3,
        )
        acknowledge(log, "S1", "It is itself a bucket of access logs.")
        acknowledge(
            distribution,
            "CFR1",
            "Who may come is said by networks, which is narrower than by country.",
        )
        acknowledge(
            distribution, "CFR2", "The doorkeeper admits known networks only; a firewall has a fee."
        )
        acknowledge(
            distribution,
            "CFR4",
            "Without a domain of one's own, the choice of TLS comes with CloudFront's certificate.",
        )
        return distribution

    def _of_cloudfront(
        self, vpc: ec2.IVpc, distribution: cloudfront.Distribution
    ) -> ec2.ISecurityGroup:
        """The security group that CloudFront makes in a network for its way in."""
        found = custom_resources.AwsCustomResource(
            self,
            "CloudFrontGroup",
            on_create=custom_resources.AwsSdkCall(
                service="ec2",
                action="describeSecurityGroups",
                parameters={
                    "Filters": [
                        {"Name": "vpc-id", "Values": [vpc.vpc_id]},
                        {"Name": "group-name", "Values": ["CloudFront-VPCOrigins-Service-SG"]},
                    ]
                },
                physical_resource_id=custom_resources.PhysicalResourceId.of("CloudFrontGroup"),
            ),
            policy=custom_resources.AwsCustomResourcePolicy.from_sdk_calls(
                resources=custom_resources.AwsCustomResourcePolicy.ANY_RESOURCE
            ),
            install_latest_aws_sdk=False,
        )
        found.node.add_dependency(distribution)
        acknowledge(
            Stack.of(self),
            "IAM4[Policy::arn:<AWS::Partition>:iam::aws:policy/service-role/"
            "AWSLambdaBasicExecutionRole]",
            "Of CDK's own function for this call: it writes its log.",
        )
        acknowledge(
            found, "IAM5[Resource::*]", "Security groups can be listed, but not one by one."
        )
        return ec2.SecurityGroup.from_security_group_id(
            self, "CloudFront", found.get_response_field("SecurityGroups.0.GroupId")
        )
