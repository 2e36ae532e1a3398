"""The stacks as templates, by the settings that are asked for."""

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

ROOT = Path(__file__).parents[2]
# CDK's own, and no settings that somebody may have put there.
FLAGS = {
    key: value
    for key, value in json.loads((ROOT / "cdk.json").read_text())["context"].items()
    if ":" in key
}
# All that can be switched on.
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
    "cors_origins": "https://page.example https://other.example",
    "alarm_email": "ops@example.com",
    "budget": "50",
    "frontend": "true",
    "page_networks": "203.0.113.0/24 198.51.100.7",
}
# What cannot be had with that: the page would keep the old password, and the canary is on.
OTHERWISE = {"canary": "false", "rotate_password_days": "90"}


@dataclass(frozen=True)
class Synthesised:
    """What `cdk synth` writes.

    Attributes:
        folder: the cloud assembly.
        stacks: the templates' texts by the stacks' names.
    """

    folder: Path
    stacks: dict[str, str]

    @property
    def service(self) -> Template:
        (name,) = (name for name in self.stacks if not name.endswith("-page"))
        return Template.from_string(self.stacks[name])

    @property
    def page(self) -> Template:
        (name,) = (name for name in self.stacks if name.endswith("-page"))
        return Template.from_string(self.stacks[name])

    def report(self) -> dict[str, Any]:
        """What cdk-nag says."""
        reports = json.loads((self.folder / "validation-report.json").read_text())["pluginReports"]
        (report,) = (report for report in reports if report["pluginName"] == "AwsSolutions")
        return report


@pytest.fixture(scope="session")
def synthesise(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Synthesised]:
    """Synthesises with context; the same context only once."""

    @cache
    def run(**context: str) -> Synthesised:
        folder = tmp_path_factory.mktemp("cdk")
        app = App(context={**FLAGS, **context}, outdir=str(folder))
        build(app)
        stacks = app.synth().stacks
        return Synthesised(
            folder,
            {stack.stack_name: Path(stack.template_full_path).read_text() for stack in stacks},
        )

    return run


@pytest.fixture(scope="session")
def default(synthesise: Callable[..., Synthesised]) -> Synthesised:
    """Nothing said."""
    return synthesise()


@pytest.fixture(scope="session")
def everything(synthesise: Callable[..., Synthesised]) -> Synthesised:
    """All that can be switched on."""
    return synthesise(**EVERYTHING)


@pytest.fixture(scope="session")
def otherwise(synthesise: Callable[..., Synthesised]) -> Synthesised:
    """With rotation and without the canary."""
    return synthesise(**OTHERWISE)
