"""Roles of GitHub Actions: their trust and their permissions."""

from collections.abc import Callable
from typing import Any

import pytest
import yaml
from aws_cdk.assertions import Template

from infra.github import ENVIRONMENT
from infra.settings import SettingsError, read_settings
from tests.infra.conftest import FLAGS, ROOT, Assembly
from tests.infra.templates import properties
from tests.infra.test_checks import lint_findings

NAME = "github-landscape-classifier"
ISSUER = "token.actions.githubusercontent.com"


@pytest.fixture(scope="module")
def assembly(synthesize: Callable[..., Assembly]) -> Assembly:
    return synthesize(github="owner/repository.name")


@pytest.fixture(scope="module")
def template(assembly: Assembly) -> Template:
    return Template.from_string(assembly.stacks[NAME])


def oidc_providers(template: Template) -> list[Any]:
    """Return the provider that each role trusts."""
    return [
        role["AssumeRolePolicyDocument"]["Statement"][0]["Principal"]["Federated"]
        for role in properties(template, "AWS::IAM::Role")
    ]


def rights(template: Template) -> dict[str, list[dict[str, Any]]]:
    """Return the statements of each role's policies, by the role's `sub` claim."""
    found: dict[str, list[dict[str, Any]]] = {}
    for name, role in template.find_resources("AWS::IAM::Role").items():
        (trust,) = role["Properties"]["AssumeRolePolicyDocument"]["Statement"]
        assert trust["Action"] == "sts:AssumeRoleWithWebIdentity"
        assert trust["Condition"].keys() == {"StringEquals"}  # allows no patterns
        claims = trust["Condition"]["StringEquals"]
        assert claims[f"{ISSUER}:aud"] == "sts.amazonaws.com"
        assert "ManagedPolicyArns" not in role["Properties"]
        found[claims[f"{ISSUER}:sub"]] = [
            statement
            for policy in properties(template, "AWS::IAM::Policy")
            if {"Ref": name} in policy["Roles"]
            for statement in policy["PolicyDocument"]["Statement"]
        ]
    return found


def test_roles_trust_one_repository_and_assume_only_bootstrap_roles(template: Template) -> None:
    kinds = {
        f"repo:owner/repository.name:environment:{ENVIRONMENT}": {
            "deploy",
            "file-publishing",
            "image-publishing",
            "lookup",
        },
        "repo:owner/repository.name:pull_request": {"lookup"},
    }

    found = rights(template)

    assert found.keys() == kinds.keys()
    for subject, statements in found.items():
        (statement,) = statements
        assert (statement["Effect"], statement["Action"]) == ("Allow", "sts:AssumeRole")
        resources = statement["Resource"]
        arns = [
            "".join(part if isinstance(part, str) else "-" for part in arn["Fn::Join"][1])
            for arn in (resources if isinstance(resources, list) else [resources])
        ]
        assert not any("*" in arn for arn in arns)
        assert {arn.partition("cdk-hnb659fds-")[2].partition("-role-")[0] for arn in arns} == kinds[
            subject
        ]


def test_roles_trust_the_provider_that_the_stack_creates(template: Template) -> None:
    (name,) = template.find_resources("AWS::IAM::OIDCProvider")

    assert oidc_providers(template) == [{"Fn::GetAtt": [name, "Arn"]}] * 2


def test_existing_provider_is_used_if_configured(
    synthesize: Callable[..., Assembly], template: Template
) -> None:
    stacks = synthesize(github="owner/repository.name", github_provider="false").stacks
    existing = Template.from_string(stacks[NAME])

    existing.resource_count_is("AWS::IAM::OIDCProvider", 0)
    assert rights(existing) == rights(template)
    for arn in oidc_providers(existing):
        parts = [part if isinstance(part, str) else part["Ref"] for part in arn["Fn::Join"][1]]
        assert "".join(parts) == (f"arn:AWS::Partition:iam::AWS::AccountId:oidc-provider/{ISSUER}")


def test_template_has_no_findings(assembly: Assembly) -> None:
    assert assembly.report()["violations"] == []
    assert lint_findings(assembly.stacks[NAME]) == []


def test_stack_exists_only_if_configured(default: Assembly) -> None:
    assert NAME not in default.stacks


@pytest.mark.parametrize(
    "repository",
    ["", "owner", "owner/*", "*/name", "https://github.com/owner/name", "a/b/c", "a b/c"],
)
def test_invalid_repository_is_rejected(repository: str) -> None:
    with pytest.raises(SettingsError, match="github: "):
        read_settings({**FLAGS, "github": repository}, None)


def test_provider_without_a_repository_is_rejected() -> None:
    with pytest.raises(SettingsError, match="github_provider: needs github"):
        read_settings({**FLAGS, "github_provider": "false"}, None)


def test_workflow_deploys_in_the_environment_that_the_role_trusts() -> None:
    jobs = yaml.safe_load((ROOT / ".github" / "workflows" / "deploy.yml").read_text())["jobs"]

    assert jobs["deploy"]["environment"] == ENVIRONMENT
    assert "environment" not in jobs["diff"]
