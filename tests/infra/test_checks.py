"""Checks of the templates with cdk-nag and cfn-lint."""

import re
from pathlib import Path

import pytest
from aws_cdk import App, Stack, Validations
from aws_cdk import aws_s3 as s3
from cdk_nag import AwsSolutionsChecks
from cfnlint.api import lint
from cfnlint.config import ManualArgs
from cfnlint.helpers import REGIONS

from infra.budget import WITHOUT_BUDGETS
from tests.infra.conftest import Assembly

# CDK writes dependencies that CloudFormation would infer.
REDUNDANT = "W3005"
OTHER_PARTITIONS = ("cn-", "us-gov-", "us-iso", "eu-iso", "eusc-")
AWS_REGIONS = [region for region in REGIONS if not region.startswith(OTHER_PARTITIONS)]


@pytest.mark.parametrize("fixture", ["default", "everything", "otherwise", "with_access"])
def test_every_finding_of_nag_has_a_reason(fixture: str, request: pytest.FixtureRequest) -> None:
    assembly: Assembly = request.getfixturevalue(fixture)
    report = assembly.report()

    assert report["conclusion"] == "success"
    assert report["violations"] == []
    for finding in report["suppressedViolations"]:
        assert len(finding["reason"]) > 30


def test_only_one_finding_is_acknowledged_for_a_whole_stack(everything: Assembly) -> None:
    """Other acknowledgements are per resource, so a new resource with the same flaw is found."""
    stacks = set(everything.stacks)
    wide = {
        finding["ruleName"]
        for finding in everything.report()["suppressedViolations"]
        if finding["acknowledgedAt"] in stacks
    }

    assert {rule.partition("[")[0] for rule in wide} == {"AwsSolutions-IAM4"}
    assert len(wide) == 1


def test_nag_rejects_a_bucket_without_tls(tmp_path: Path) -> None:
    app = App(outdir=str(tmp_path))
    s3.Bucket(Stack(app, "careless"), "Bucket")
    Validations.of(app).add_plugins(AwsSolutionsChecks(app))

    with pytest.raises(RuntimeError, match="AwsSolutions-S10"):
        app.synth()


def lint_findings(text: str) -> list[str]:
    """Findings of cfn-lint for a template in all regions."""
    config = ManualArgs(ignore_checks=[REDUNDANT], regions=AWS_REGIONS)
    return [str(match) for match in lint(text, config=config)]


@pytest.mark.parametrize("fixture", ["default", "everything", "otherwise", "with_access"])
def test_cfn_lint_only_finds_regions_without_budgets(
    fixture: str, request: pytest.FixtureRequest
) -> None:
    assembly: Assembly = request.getfixturevalue(fixture)

    for text in assembly.stacks.values():
        assert [found for found in lint_findings(text) if "AWS::Budgets::Budget" not in found] == []


def test_regions_without_budgets_are_those_of_cfn_lint(everything: Assembly) -> None:
    found = "".join(lint_findings(everything.stacks["landscape-classifier-prod"]))

    assert set(re.findall(r"'AWS::Budgets::Budget' does not exist in '(.*?)'", found)) == (
        WITHOUT_BUDGETS
    )
