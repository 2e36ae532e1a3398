"""Template of the page: exposure to the internet, access, and source of the password."""

import json
import os
import re
import subprocess

import pytest
from aws_cdk import App, Stack
from aws_cdk import aws_logs as logs
from aws_cdk.assertions import Match, Template

from infra.page.network import create_vpc
from tests.infra.conftest import FLAGS, ROOT, Assembly

NODE = os.environ["JSII_NODE"]  # set by infra


def test_page_has_its_own_stack_if_enabled(default: Assembly, everything: Assembly) -> None:
    assert list(default.stacks) == ["landscape-classifier-dev"]
    assert sorted(everything.stacks) == [
        "landscape-classifier-prod",
        "landscape-classifier-prod-page",
    ]


def test_only_cloudfront_is_on_the_internet_with_https(everything: Assembly) -> None:
    page = everything.page

    page.has_resource_properties(
        "AWS::CloudFront::Distribution",
        {
            "DistributionConfig": {
                "DefaultCacheBehavior": {"ViewerProtocolPolicy": "redirect-to-https"},
                "IPV6Enabled": False,
                "Logging": Match.any_value(),
                "Origins": [Match.object_like({"VpcOriginConfig": Match.any_value()})],
            }
        },
    )
    page.has_resource_properties(
        "AWS::ElasticLoadBalancingV2::LoadBalancer", {"Scheme": "internal"}
    )

    # Security groups only admit other security groups, no addresses.
    assert "CidrIp" not in json.dumps(
        [
            group["Properties"].get("SecurityGroupIngress")
            for group in page.find_resources("AWS::EC2::SecurityGroup").values()
        ]
    )
    for rule in page.find_resources("AWS::EC2::SecurityGroupIngress").values():
        assert "SourceSecurityGroupId" in rule["Properties"]


def test_container_gets_its_password_from_the_service_s_secret(everything: Assembly) -> None:
    (task,) = everything.page.find_resources("AWS::ECS::TaskDefinition").values()
    (container,) = task["Properties"]["ContainerDefinitions"]

    assert {secret["Name"] for secret in container["Secrets"]} == {"API_USERNAME", "API_PASSWORD"}
    for secret in container["Secrets"]:
        assert "Fn::GetStackOutput" in json.dumps(secret["ValueFrom"])
    assert [variable["Name"] for variable in container["Environment"]] == ["API_URL"]


def test_service_can_be_updated_and_removed_without_the_page(everything: Assembly) -> None:
    """An export could not change or disappear while the page imports it."""
    assert "Fn::ImportValue" not in everything.stacks["landscape-classifier-prod-page"]
    exported = [
        output for output in everything.service.find_outputs("*").values() if "Export" in output
    ]
    assert exported == []


def test_browsers_get_security_headers(everything: Assembly) -> None:
    (distribution,) = everything.page.find_resources("AWS::CloudFront::Distribution").values()
    behavior = distribution["Properties"]["DistributionConfig"]["DefaultCacheBehavior"]

    # AWS's managed policy SecurityHeadersPolicy: HSTS, frames of the same origin only, nosniff.
    assert behavior["ResponseHeadersPolicyId"] == "67f7725c-6f97-4210-82d7-5512b31e9d03"


def test_alarms_of_the_page_notify_the_topic_of_the_service(everything: Assembly) -> None:
    alarms = everything.page.find_resources("AWS::CloudWatch::Alarm")
    (service,) = everything.page.find_resources("AWS::ECS::Service")
    by_name = {name[len("Alarms") : -8]: alarm for name, alarm in alarms.items()}

    assert by_name.keys() == {"PageDown", "PageErrors"}
    for alarm in by_name.values():
        for kind in ("AlarmActions", "OKActions"):
            (action,) = alarm["Properties"][kind]
            assert "AlarmsTopic" in action["Fn::GetStackOutput"]["OutputName"]
    down = by_name["PageDown"]["Properties"]
    assert (down["MetricName"], down["Threshold"]) == ("HealthyHostCount", 1)
    assert down["ComparisonOperator"] == "LessThanThreshold"
    assert down["TreatMissingData"] == "breaching"  # no container at all
    assert service in by_name["PageDown"]["DependsOn"]  # no alarm before the first container
    errors = json.dumps(by_name["PageErrors"])
    assert "HTTPCode_ELB_5XX_Count" in errors
    assert "HTTPCode_Target_5XX_Count" in errors


@pytest.mark.parametrize(
    ("chosen", "zones"),
    [
        ("", [{"Fn::Select": [number, {"Fn::GetAZs": ""}]} for number in (0, 1)]),
        ("us-east-1b us-east-1c", ["us-east-1b", "us-east-1c"]),
    ],
    ids=["default", "chosen"],
)
def test_subnets_are_in_the_chosen_zones(chosen: str, zones: list[object]) -> None:
    stack = Stack(App(context=FLAGS), "network")
    create_vpc(stack, zones=chosen.split(), log=logs.LogGroup(stack, "Log"))

    subnets = Template.from_stack(stack).find_resources("AWS::EC2::Subnet").values()

    assert len(subnets) == 4
    for zone in zones:
        assert [s["Properties"]["AvailabilityZone"] for s in subnets].count(zone) == 2


def test_outputs_used_in_the_operations_page_exist(everything: Assembly) -> None:
    guide = (ROOT / "docs" / "operations.md").read_text()
    commands = set(re.findall(r"stack=\$stack-page;.*", guide))

    assert commands
    assert set(re.findall(r"output (\w+)", "".join(commands))) <= (
        everything.page.find_outputs("*").keys()
    )


def test_unhealthy_deployment_of_the_page_is_rolled_back(everything: Assembly) -> None:
    (service,) = everything.page.find_resources("AWS::ECS::Service").values()
    breaker = service["Properties"]["DeploymentConfiguration"]["DeploymentCircuitBreaker"]

    assert breaker == {"Enable": True, "Rollback": True}


def doorkeeper(template: Template) -> str:
    (function,) = template.find_resources("AWS::CloudFront::Function").values()
    code: str = function["Properties"]["FunctionCode"]
    return code


@pytest.mark.parametrize(
    ("address", "admitted"),
    [
        ("203.0.113.1", True),
        ("203.0.113.255", True),
        ("198.51.100.7", True),
        ("203.0.114.1", False),
        ("198.51.100.8", False),
        ("255.0.113.1", False),
        ("2001:db8::1", False),
    ],
)
def test_doorkeeper_only_admits_the_configured_networks(
    everything: Assembly, address: str, admitted: bool
) -> None:
    event = {"viewer": {"ip": address}, "request": {"uri": "/"}}
    script = (
        f"{doorkeeper(everything.page)}\nconsole.log(JSON.stringify(handler({json.dumps(event)})))"
    )
    run = subprocess.run([NODE, "-e", script], capture_output=True, text=True, check=True)
    result = json.loads(run.stdout)

    assert (result == event["request"]) is admitted
    assert (result.get("statusCode") == 403) is not admitted
