"""Summary of a synthesis: what the templates create, what it costs idle, and where they are."""

import os
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from infra.cost.idle import idle
from infra.cost.prices import DEFAULT_REGION, read_table

# Singular and plural, in the order of the summary. The rest is "other resources".
KINDS = {
    "AWS::ApiGatewayV2::Api": ("HTTP API", "HTTP APIs"),
    "AWS::ApiGatewayV2::DomainName": ("API domain", "API domains"),
    "AWS::Lambda::Function": ("Lambda function", "Lambda functions"),
    "AWS::S3::Bucket": ("bucket", "buckets"),
    "AWS::SecretsManager::Secret": ("secret", "secrets"),
    "AWS::CloudFront::Distribution": ("CloudFront distribution", "CloudFront distributions"),
    "AWS::ElasticLoadBalancingV2::LoadBalancer": ("load balancer", "load balancers"),
    "AWS::ECS::Service": ("Fargate service", "Fargate services"),
    "AWS::EC2::VPC": ("network", "networks"),
    "AWS::CodeDeploy::DeploymentGroup": ("canary", "canaries"),
    "AWS::Logs::LogGroup": ("log group", "log groups"),
    "AWS::CloudWatch::Alarm": ("alarm", "alarms"),
    "AWS::CloudWatch::Dashboard": ("dashboard", "dashboards"),
    "AWS::Budgets::Budget": ("budget", "budgets"),
    "AWS::Route53::RecordSet": ("DNS record", "DNS records"),
    "AWS::IAM::Role": ("role", "roles"),
}


def summary(
    stacks: Mapping[str, Mapping[str, Any]], region: str | None, folder: str
) -> Iterator[str]:
    """Yield the lines of the summary.

    Args:
        stacks: templates by the name of the stack.
        region: region of the stacks; None if none is configured.
        folder: folder of the templates.
    """
    for name, template in stacks.items():
        yield f"{name}: {_resources(template)}"
    yield _cost(stacks, region)
    yield f"Templates: {_shown(folder)}/*.template.json"


def _resources(template: Mapping[str, Any]) -> str:
    counts = Counter(resource["Type"] for resource in template["Resources"].values())
    counts.pop("AWS::CDK::Metadata", None)
    named = [
        f"{counts[kind]} {one if counts[kind] == 1 else many}"
        for kind, (one, many) in KINDS.items()
        if counts[kind]
    ]
    rest = sum(counts.values()) - sum(counts[kind] for kind in KINDS)
    return ", ".join([*named, *([f"{rest} other resources"] if rest else [])])


def _cost(stacks: Mapping[str, Mapping[str, Any]], region: str | None) -> str:
    table = read_table()
    priced = region or DEFAULT_REGION
    if priced not in table.regions:
        return f"Idle cost: unknown, infra/cost/prices.json has no prices for {priced}."
    items = idle(stacks.values(), table.of(priced))
    details = ", ".join(f"{name} {dollars:.2f}" for name, dollars in items.items())
    return (
        f"Idle cost: {sum(items.values()):.2f} dollars per month ({details}). List prices in "
        f"{priced} without free tiers, see docs/cost.md."
    )


def _shown(folder: str) -> str:
    """Path relative to the working directory, if it is inside."""
    path, here = Path(folder).resolve(), Path.cwd()
    return os.path.relpath(path, here) if path.is_relative_to(here) else str(path)
