"""The roles that GitHub Actions assumes: who may assume them, and what they may do."""

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
def synthesized(synthesize: Callable[..., Assembly]) -> Assembly:
    return synthesize(github="owner/repository.name")


@pytest.fixture(scope="module")
def template(synthesized: Assembly) -> Template:
    return Template.from_string(synthesized.stacks[NAME])


def rights(template: Template) -> dict[str, list[dict[str, Any]]]:
    """The statements of each role's policies, by the role's `sub` claim."""
    found: dict[str, list[dict[str, Any]]] = {}
    for name, role in template.find_resources("AWS::IAM::Role").items():
        (trust,) = role["Properties"]["AssumeRolePolicyDocument"]["Statement"]
        assert trust["Action"] == "sts:AssumeRoleWithWebIdentity"
        assert trust["Condition"].keys() == {"StringEquals"}  # no pattern
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


def test_only_the_repository_may_assume_them_and_only_the_bootstraps_roles_follow(
    template: Template,
) -> None:
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


def test_the_template_has_no_finding(synthesized: Assembly) -> None:
    assert synthesized.report()["violations"] == []
    assert lint_findings(synthesized.stacks[NAME]) == []


def test_without_the_setting_there_is_no_such_stack(default: Assembly) -> None:
    assert NAME not in default.stacks


@pytest.mark.parametrize(
    "repository",
    ["", "owner", "owner/*", "*/name", "https://github.com/owner/name", "a/b/c", "a b/c"],
)
def test_what_is_not_a_repository_is_refused(repository: str) -> None:
    with pytest.raises(SettingsError, match="github: "):
        read_settings({**FLAGS, "github": repository}, None)


def test_the_workflow_deploys_in_the_environment_that_the_role_trusts() -> None:
    jobs = yaml.safe_load((ROOT / ".github" / "workflows" / "deploy.yml").read_text())["jobs"]

    assert jobs["deploy"]["environment"] == ENVIRONMENT
    assert "environment" not in jobs["diff"]
