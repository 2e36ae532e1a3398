"""CloudFront and the load balancer between the internet and the page's container."""

import json
from collections.abc import Sequence
from ipaddress import IPv4Network
from pathlib import Path

from aws_cdk import Duration, Stack, custom_resources
from aws_cdk import aws_certificatemanager as acm
from aws_cdk import aws_cloudfront as cloudfront
from aws_cdk import aws_cloudfront_origins as origins
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_elasticloadbalancingv2 as elbv2
from aws_cdk import aws_route53_targets as targets
from aws_cdk import aws_s3 as s3
from constructs import Construct

from infra.access import AccessSettings
from infra.domain import AliasRecord
from infra.nag import acknowledge
from infra.page.container import PORT
from infra.retention import Retention

DOORKEEPER = Path(__file__).parent / "doorkeeper.js"


class Entrance(Construct):
    """CloudFront with its own certificate, and a load balancer that only CloudFront can reach.

    Attributes:
        address: https:// URL of the page without a trailing slash, with the custom domain if there
            is one.
        domain_target: host name that the DNS record of the custom domain must point to; None
            without a domain.
        balancer: load balancer behind CloudFront.
        targets: containers behind the load balancer.
    """

    def __init__(
        self,
        scope: Construct,
        name: str,
        *,
        vpc: ec2.IVpc,
        service: ecs.FargateService,
        networks: Sequence[IPv4Network],
        retention: Retention,
        access: AccessSettings,
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
        self.balancer = balancer
        self.targets = balancer.add_listener("Http", port=80, open=False).add_targets(
            "Page",
            port=PORT,
            protocol=elbv2.ApplicationProtocol.HTTP,
            targets=[service],
            health_check=elbv2.HealthCheck(path="/_stcore/health"),
            deregistration_delay=Duration.seconds(10),
        )
        distribution = self._distribution(balancer, networks, retention, access)
        balancer.connections.allow_from(self._cloudfront_group(vpc, distribution), ec2.Port.HTTP)
        acknowledge(
            balancer, "ELB2", "CloudFront logs every request, and no other client can reach it."
        )
        self.address = f"https://{distribution.distribution_domain_name}"
        self.domain_target: str | None = None
        if access.page_domain:
            self.address = f"https://{access.page_domain}"
            self.domain_target = distribution.distribution_domain_name
            if access.hosted_zone:
                AliasRecord(
                    self,
                    "Alias",
                    domain=access.page_domain,
                    hosted_zone=access.hosted_zone,
                    target=distribution.distribution_domain_name,
                    target_zone=targets.CloudFrontTarget.get_hosted_zone_id(self),
                )

    def _distribution(
        self,
        balancer: elbv2.ApplicationLoadBalancer,
        networks: Sequence[IPv4Network],
        retention: Retention,
        access: AccessSettings,
    ) -> cloudfront.Distribution:
        masks = [[int(n.network_address), int(n.netmask)] for n in networks]
        doorkeeper = cloudfront.Function(
            self,
            "Doorkeeper",
            code=cloudfront.FunctionCode.from_inline(
                f"const NETWORKS = {json.dumps(masks)};\n"
                f"const DOMAIN = {json.dumps(access.page_domain)};\n"
                f"{DOORKEEPER.read_text(encoding='utf-8')}"
            ),
            runtime=cloudfront.FunctionRuntime.JS_2_0,
        )
        log = retention.log_bucket(
            self,
            "Log",
            ownership=s3.ObjectOwnership.BUCKET_OWNER_PREFERRED,  # CloudFront needs ACLs
        )
        distribution = cloudfront.Distribution(
            self,
            "Distribution",
            default_behavior=cloudfront.BehaviorOptions(
                # VPC origins carry WebSockets since May 2026; older documentation says otherwise.
                origin=origins.VpcOrigin.with_application_load_balancer(
                    balancer, protocol_policy=cloudfront.OriginProtocolPolicy.HTTP_ONLY
                ),
                allowed_methods=cloudfront.AllowedMethods.ALLOW_ALL,
                cache_policy=cloudfront.CachePolicy.CACHING_DISABLED,
                # Forwards the Host header, which Streamlit compares with the Origin of a WebSocket.
                origin_request_policy=cloudfront.OriginRequestPolicy.ALL_VIEWER,
                response_headers_policy=cloudfront.ResponseHeadersPolicy.SECURITY_HEADERS,
                viewer_protocol_policy=cloudfront.ViewerProtocolPolicy.REDIRECT_TO_HTTPS,
                function_associations=[
                    cloudfront.FunctionAssociation(
                        function=doorkeeper,
                        event_type=cloudfront.FunctionEventType.VIEWER_REQUEST,
                    )
                ],
            ),
            enable_ipv6=False,  # the doorkeeper only supports IPv4 networks
            log_bucket=log,
            http_version=cloudfront.HttpVersion.HTTP2_AND_3,
            domain_names=[access.page_domain] if access.page_domain else None,
            certificate=acm.Certificate.from_certificate_arn(
                self, "Certificate", access.page_certificate_arn
            )
            if access.page_certificate_arn
            else None,
        )
        acknowledge(log, "S1", "This is itself a bucket of access logs.")
        acknowledge(
            distribution,
            "CFR1",
            "Access is restricted by network, which is narrower than by country.",
        )
        acknowledge(
            distribution,
            "CFR2",
            "The doorkeeper only admits the configured networks. WAF has a fee.",
        )
        if not access.page_domain:
            acknowledge(
                distribution,
                "CFR4",
                "Without a custom domain, CloudFront's default certificate sets the TLS version.",
            )
        return distribution

    def _cloudfront_group(
        self, vpc: ec2.IVpc, distribution: cloudfront.Distribution
    ) -> ec2.ISecurityGroup:
        """Security group that CloudFront creates in the VPC for its connections."""
        lookup = custom_resources.AwsCustomResource(
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
        lookup.node.add_dependency(distribution)
        acknowledge(
            Stack.of(self),
            "IAM4[Policy::arn:<AWS::Partition>:iam::aws:policy/service-role/"
            "AWSLambdaBasicExecutionRole]",
            "Policy of CDK's own function for this call, which writes its log.",
        )
        acknowledge(
            lookup, "IAM5[Resource::*]", "The permission to list security groups cannot name one."
        )
        return ec2.SecurityGroup.from_security_group_id(
            self, "CloudFront", lookup.get_response_field("SecurityGroups.0.GroupId")
        )
