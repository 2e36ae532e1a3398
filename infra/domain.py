"""Custom domain of the API, and the DNS records of custom domains."""

from aws_cdk import aws_apigatewayv2 as apigatewayv2
from aws_cdk import aws_route53 as route53
from constructs import Construct


class ApiDomain(Construct):
    """Domain name in API Gateway that leads to one stage of an HTTP API.

    Args:
        stage: stage of the API, which must exist before the domain can lead to it.
        domain: host name.
        certificate_arn: its certificate, in the region of the stack.

    Attributes:
        target: host name that the DNS record of `domain` must point to.
        zone: ID of the Route 53 zone of `target`, for an alias record.
    """

    def __init__(
        self,
        scope: Construct,
        name: str,
        *,
        stage: apigatewayv2.CfnStage,
        domain: str,
        certificate_arn: str,
    ) -> None:
        super().__init__(scope, name)
        resource = apigatewayv2.CfnDomainName(
            self,
            "Name",
            domain_name=domain,
            domain_name_configurations=[
                apigatewayv2.CfnDomainName.DomainNameConfigurationProperty(
                    certificate_arn=certificate_arn,
                    endpoint_type="REGIONAL",
                    security_policy="TLS_1_2",
                )
            ],
        )
        mapping = apigatewayv2.CfnApiMapping(
            self, "Mapping", api_id=stage.api_id, domain_name=domain, stage=stage.stage_name
        )
        mapping.node.add_dependency(resource)
        mapping.node.add_dependency(stage)
        self.target = resource.attr_regional_domain_name
        self.zone = resource.attr_regional_hosted_zone_id


class AliasRecord(Construct):
    """IPv4 record of a host name that points to an AWS resource.

    Args:
        domain: host name.
        hosted_zone: ID of the Route 53 zone of `domain`.
        target: host name of the resource.
        target_zone: ID of the Route 53 zone of `target`.
    """

    def __init__(
        self,
        scope: Construct,
        name: str,
        *,
        domain: str,
        hosted_zone: str,
        target: str,
        target_zone: str,
    ) -> None:
        super().__init__(scope, name)
        # Not `route53.ARecord`, which also needs the name of the zone.
        route53.CfnRecordSet(
            self,
            "Record",
            type="A",
            name=f"{domain}.",
            hosted_zone_id=hosted_zone,
            alias_target=route53.CfnRecordSet.AliasTargetProperty(
                dns_name=target, hosted_zone_id=target_zone
            ),
        )
