"""Fixtures of the infrastructure tests: synthesized templates and the service's metrics."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from aws_cdk import App
from aws_cdk.assertions import Template

from infra.app import build
from lambda_api.classifier import Prediction
from lambda_api.manifest import read_bundle
from lambda_api.metrics import RequestMetrics

ROOT = Path(__file__).parents[2]
# Only CDK's own flags, not settings that may have been added to cdk.json.
FLAGS = {
    key: value
    for key, value in json.loads((ROOT / "cdk.json").read_text())["context"].items()
    if ":" in key
}
# Every feature enabled.
EVERYTHING = {
    "stage": "prod",
    "model": "registry",
    "memory": "3008",
    "reserved_concurrency": "20",
    "provisioned_concurrency": "2",
    "throttle_rate": "10",
    "throttle_burst": "20",
    "log_retention_days": "365",
    "upload_days": "3",
    "collect": "unsure",
    "collect_days": "30",
    "cors_origins": "https://page.example https://other.example",
    "alarm_email": "ops@example.com",
    "budget": "50",
    "frontend": "true",
    "page_networks": "203.0.113.0/24 198.51.100.7",
}
# Features that exclude those above: the page does not support rotation, and the canary is off.
OTHERWISE = {"canary": "false", "rotate_password_days": "90", "dashboard": "false"}
# Tokens, domains, the page's log-in and arm64.
ACCESS = {
    "stage": "access",
    "architecture": "arm64",
    "cors_origins": "https://page.example",
    "frontend": "true",
    "page_networks": "0.0.0.0/0",
    "domain": "api.example.com",
    "certificate_arn": "arn:aws:acm:eu-central-1:123456789012:certificate/"
    "11111111-2222-3333-4444-555555555555",
    "hosted_zone": "Z0123456789ABCDEFGHIJ",
    "default_endpoint": "false",
    "page_domain": "scenes.example.com",
    "page_certificate_arn": "arn:aws:acm:us-east-1:123456789012:certificate/"
    "66666666-7777-8888-9999-000000000000",
    "jwt_issuer": "https://id.example.com/tenant",
    "jwt_audience": "landscape",
    "jwt_scopes": "scenes/predict",
    "page_oidc_scopes": "openid email scenes/predict",
    "page_login": "true",
    "page_oidc_secret": "landscape/oidc",
    "page_login_domains": "example.com",
    "page_login_groups": "cognito:groups=scene labelers, roles=admin",
}


@dataclass(frozen=True)
class Assembly:
    """Output of `cdk synth`.

    Attributes:
        folder: folder of the cloud assembly.
        stacks: text of each template by stack name.
    """

    folder: Path
    stacks: dict[str, str]

    @property
    def service(self) -> Template:
        (name,) = (name for name in self.stacks if not name.endswith("-page"))
        return Template.from_string(self.stacks[name])

    def protected(self) -> dict[str, bool]:
        """Whether each stack is protected from deletion."""
        artifacts = json.loads((self.folder / "manifest.json").read_text())["artifacts"]
        return {
            name: artifacts[name]["properties"].get("terminationProtection", False)
            for name in self.stacks
        }

    @property
    def page(self) -> Template:
        (name,) = (name for name in self.stacks if name.endswith("-page"))
        return Template.from_string(self.stacks[name])

    def report(self) -> dict[str, Any]:
        """Report of cdk-nag."""
        reports = json.loads((self.folder / "validation-report.json").read_text())["pluginReports"]
        (report,) = (report for report in reports if report["pluginName"] == "AwsSolutions")
        return report


@pytest.fixture(scope="session")
def synthesize(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Assembly]:
    """Return a function that synthesizes with a context, each context only once."""

    @cache
    def run(**context: str) -> Assembly:
        folder = tmp_path_factory.mktemp("cdk")
        app = App(context={**FLAGS, **context}, outdir=str(folder))
        build(app)
        stacks = app.synth().stacks
        return Assembly(
            folder,
            {stack.stack_name: Path(stack.template_full_path).read_text() for stack in stacks},
        )

    return run


@pytest.fixture(scope="session")
def default(synthesize: Callable[..., Assembly]) -> Assembly:
    """Default settings."""
    return synthesize()


@pytest.fixture(scope="session")
def everything(synthesize: Callable[..., Assembly]) -> Assembly:
    """Every feature enabled."""
    return synthesize(**EVERYTHING)


@pytest.fixture(scope="session")
def otherwise(synthesize: Callable[..., Assembly]) -> Assembly:
    """Rotation enabled and canary disabled."""
    return synthesize(**OTHERWISE)


@pytest.fixture(scope="session")
def with_access(synthesize: Callable[..., Assembly]) -> Assembly:
    """Tokens, domains, log-in and arm64."""
    return synthesize(**ACCESS)


@pytest.fixture
def written_metrics(
    bundle: Path, capsys: pytest.CaptureFixture[str]
) -> set[tuple[str, str | None]]:
    """Every metric that the service can write, as (name, value of the dimension `label`)."""
    answers = [
        Prediction(
            ((label, 0.5),),
            confident=False,
            picture=None,
            decode_ms=1,
            inference_ms=1,
            known=False,
        )
        for label in read_bundle(bundle)[0].classes
    ]
    metrics = RequestMetrics("Scenes")
    for status, login in [(200, None), (401, "failed"), (401, "slowed"), (500, None)]:
        metrics.write(
            status=status, duration_ms=1, predictions=answers, login=login, cold_start_load_ms=1
        )
    for name in ("Feedback", "CollectErrors"):
        metrics.count(name)
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    return {
        (metric["Name"], line.get("label"))
        for line in lines
        for metric in line["_aws"]["CloudWatchMetrics"][0]["Metrics"]
    }
