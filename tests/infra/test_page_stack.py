"""The page's stack: what is on the internet, who gets in, and where its password comes from."""

import json
import os
import re
import subprocess

import pytest
from aws_cdk.assertions import Match, Template

from tests.infra.conftest import ROOT, Synthesised

NODE = os.environ["JSII_NODE"]  # set by infra


def test_the_page_is_a_stack_of_its_own_when_asked_for(
    default: Synthesised, everything: Synthesised
) -> None:
    assert list(default.stacks) == ["landscape-classifier-dev"]
    assert sorted(everything.stacks) == [
        "landscape-classifier-prod",
        "landscape-classifier-prod-page",
    ]


def test_only_cloudfront_is_on_the_internet_and_by_https(everything: Synthesised) -> None:
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
    # No group admits an address: all that may come in is another group.
    assert "CidrIp" not in json.dumps(
        [
            group["Properties"].get("SecurityGroupIngress")
            for group in page.find_resources("AWS::EC2::SecurityGroup").values()
        ]
    )
    for rule in page.find_resources("AWS::EC2::SecurityGroupIngress").values():
        assert "SourceSecurityGroupId" in rule["Properties"]


def test_the_container_gets_its_password_from_the_services_secret(everything: Synthesised) -> None:
    (task,) = everything.page.find_resources("AWS::ECS::TaskDefinition").values()
    (container,) = task["Properties"]["ContainerDefinitions"]

    assert {secret["Name"] for secret in container["Secrets"]} == {"API_USERNAME", "API_PASSWORD"}
    for secret in container["Secrets"]:
        assert "Fn::ImportValue" in json.dumps(secret["ValueFrom"])
    assert [variable["Name"] for variable in container["Environment"]] == ["API_URL"]


def test_the_outputs_name_what_the_operations_page_asks_for(everything: Synthesised) -> None:
    guide = (ROOT / "docs" / "operations.md").read_text()
    asked = set(re.findall(r"stack=\$stack-page;.*", guide))

    assert asked
    assert set(re.findall(r"output (\w+)", "".join(asked))) <= (
        everything.page.find_outputs("*").keys()
    )


def test_a_page_that_does_not_get_well_is_rolled_back(everything: Synthesised) -> None:
    (service,) = everything.page.find_resources("AWS::ECS::Service").values()
    breaker = service["Properties"]["DeploymentConfiguration"]["DeploymentCircuitBreaker"]

    assert breaker == {"Enable": True, "Rollback": True}


def doorkeeper(template: Template) -> str:
    (function,) = template.find_resources("AWS::CloudFront::Function").values()
    code: str = function["Properties"]["FunctionCode"]
    return code


@pytest.mark.parametrize(
    ("address", "gets_in"),
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
def test_the_doorkeeper_admits_the_named_networks_alone(
    everything: Synthesised, address: str, gets_in: bool
) -> None:
    event = {"viewer": {"ip": address}, "request": {"uri": "/"}}
    script = (
        f"{doorkeeper(everything.page)}\nconsole.log(JSON.stringify(handler({json.dumps(event)})))"
    )
    run = subprocess.run([NODE, "-e", script], capture_output=True, text=True, check=True)
    answer = json.loads(run.stdout)

    assert (answer == event["request"]) is gets_in
    assert (answer.get("statusCode") == 403) is not gets_in
