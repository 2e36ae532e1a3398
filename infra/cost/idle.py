"""Dollars per month of a deployment without requests, from its templates."""

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from infra.cost.estimate import HOURS, IMAGE_GB, Items, gb_second
from infra.cost.prices import Prices

Resources = Mapping[str, Mapping[str, Any]]
SECONDS = HOURS * 3600


def idle(templates: Iterable[Mapping[str, Any]], prices: Prices) -> Items:
    """Estimate the cost of everything that is billed by the hour or the month.

    Args:
        templates: CloudFormation templates of the deployment.
        prices: prices of its region.
    """
    items: Counter[str] = Counter()
    for template in templates:
        resources: Resources = template["Resources"]
        for resource in resources.values():
            fields = resource.get("Properties", {})
            for name, dollars in _cost(resource["Type"], fields, resources, prices).items():
                items[name] += dollars  # type: ignore[assignment]  # Counter is typed for int
    return dict(items)


def _cost(kind: str, fields: Mapping[str, Any], resources: Resources, prices: Prices) -> Items:
    match kind:
        case "AWS::SecretsManager::Secret":
            return {"secret": prices.secret_month}
        case "AWS::Lambda::Function" if fields.get("PackageType") == "Image":
            return {"image in ECR": IMAGE_GB * prices.ecr_gb_month}
        case "AWS::Lambda::Alias" if "ProvisionedConcurrencyConfig" in fields:
            return _provisioned(fields, resources, prices)
        case "AWS::CloudWatch::Alarm":
            metrics = sum("MetricStat" in metric for metric in fields.get("Metrics", []))
            return {"alarms": max(1, metrics) * prices.alarm_metric_month}
        case "AWS::CloudWatch::Dashboard":
            return {"dashboard": prices.dashboard_month}
        case "AWS::ElasticLoadBalancingV2::LoadBalancer":
            return {"load balancer": HOURS * prices.load_balancer_hour}
        case "AWS::ECS::Service":
            return _tasks(fields, resources, prices)
    return {}


def _provisioned(fields: Mapping[str, Any], resources: Resources, prices: Prices) -> Items:
    count = fields["ProvisionedConcurrencyConfig"]["ProvisionedConcurrentExecutions"]
    function = resources[fields["FunctionName"]["Ref"]]["Properties"]
    (architecture,) = function["Architectures"]
    share = gb_second(architecture, prices) / prices.lambda_gb_second
    gigabytes = count * function["MemorySize"] / 1024
    return {
        "provisioned instances": gigabytes * SECONDS * prices.lambda_provisioned_gb_second * share
    }


def _tasks(fields: Mapping[str, Any], resources: Resources, prices: Prices) -> Items:
    task = resources[fields["TaskDefinition"]["Ref"]]["Properties"]
    share = 1.0 if task["RuntimePlatform"]["CpuArchitecture"] == "X86_64" else prices.arm64_share
    vcpu, gigabytes = int(task["Cpu"]) / 1024, int(task["Memory"]) / 1024
    hour = vcpu * prices.fargate_vcpu_hour + gigabytes * prices.fargate_gb_hour
    count = fields["DesiredCount"]
    return {
        "container on Fargate": count * HOURS * hour * share,
        "image in ECR": IMAGE_GB * prices.ecr_gb_month,
        "public address": count * HOURS * prices.public_ipv4_hour,
    }
