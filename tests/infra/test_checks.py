"""Checks of the templates by cdk-nag and cfn-lint, and whether cdk-nag would find something."""

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
from tests.infra.conftest import Synthesised

# Of CDK's own making: it writes down what CloudFormation would find out.
REDUNDANT = "W3005"
OTHER_PARTITIONS = ("cn-", "us-gov-", "us-iso", "eu-iso", "eusc-")
OF_AWS = [region for region in REGIONS if not region.startswith(OTHER_PARTITIONS)]


@pytest.mark.parametrize("fixture", ["default", "everything", "otherwise"])
def test_nag_finds_nothing_that_has_no_reason(fixture: str, request: pytest.FixtureRequest) -> None:
    synthesised: Synthesised = request.getfixturevalue(fixture)
    report = synthesised.report()

    assert report["conclusion"] == "success"
    assert report["violations"] == []
    for finding in report["suppressedViolations"]:
        assert len(finding["reason"]) > 30


def test_no_finding_is_let_pass_for_a_whole_stack_but_one(everything: Synthesised) -> None:
    """A reason stands beside what it is about: a new resource with the same fault is found."""
    stacks = set(everything.stacks)
    wide = {
        finding["ruleName"]
        for finding in everything.report()["suppressedViolations"]
        if finding["acknowledgedAt"] in stacks
    }

    assert {rule.partition("[")[0] for rule in wide} == {"AwsSolutions-IAM4"}
    assert len(wide) == 1


def test_nag_stops_the_synthesis_at_a_bucket_without_tls(tmp_path: Path) -> None:
    app = App(outdir=str(tmp_path))
    s3.Bucket(Stack(app, "careless"), "Bucket")
    Validations.of(app).add_plugins(AwsSolutionsChecks(app))

    with pytest.raises(RuntimeError, match="AwsSolutions-S10"):
        app.synth()


def linted(text: str) -> list[str]:
    """What cfn-lint finds in a template in any region."""
    return [
        str(m) for m in lint(text, config=ManualArgs(ignore_checks=[REDUNDANT], regions=OF_AWS))
    ]


@pytest.mark.parametrize("fixture", ["default", "everything", "otherwise"])
def test_cfn_lint_finds_nothing_but_regions_without_budgets(
    fixture: str, request: pytest.FixtureRequest
) -> None:
    synthesised: Synthesised = request.getfixturevalue(fixture)
    for text in synthesised.stacks.values():
        assert [found for found in linted(text) if "AWS::Budgets::Budget" not in found] == []


def test_the_regions_without_budgets_are_those_that_cfn_lint_knows(everything: Synthesised) -> None:
    found = "".join(linted(everything.stacks["landscape-classifier-prod"]))

    assert set(re.findall(r"'AWS::Budgets::Budget' does not exist in '(.*?)'", found)) == (
        WITHOUT_BUDGETS
    )
