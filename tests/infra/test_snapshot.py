"""The templates as they were last looked at; `make snapshot` writes them anew."""

import difflib
import os
import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from aws_cdk.assertions import Template

from tests.infra.conftest import Synthesised

FOLDER = Path(__file__).parent / "snapshots"
# What follows from the images' content or from CDK's version, and not from infra/.
HASHES = re.compile(
    r"(?<![0-9a-f])[0-9a-f]{64}(?![0-9a-f])|(?<=CurrentVersion)[0-9A-F]{8}[0-9a-f]{32}"
)


def readable(text: str) -> str:
    """A template as YAML, without hashes and CDK's notes."""
    template: dict[str, Any] = Template.from_string(text).to_json()
    template["Resources"].pop("CDKMetadata", None)
    for resource in template["Resources"].values():
        resource.pop("Metadata", None)
    plain = yaml.safe_dump(template, sort_keys=True, width=110, allow_unicode=True)
    return HASHES.sub("<hash>", plain)


@pytest.mark.parametrize("fixture", ["default", "everything"])
def test_the_templates_are_those_last_looked_at(
    fixture: str, request: pytest.FixtureRequest
) -> None:
    synthesised: Synthesised = request.getfixturevalue(fixture)
    for name, text in synthesised.stacks.items():
        file = FOLDER / f"{name}.yaml"
        if os.environ.get("UPDATE_SNAPSHOTS") == "1":
            FOLDER.mkdir(exist_ok=True)
            file.write_text(readable(text))
        difference = difflib.unified_diff(
            file.read_text().splitlines(),
            readable(text).splitlines(),
            f"{file.name}, as last looked at",
            "as it is now",
            lineterm="",
        )
        if shown := "\n".join(difference):
            pytest.fail(f"{shown}\n\nIf that is what you meant: make snapshot", pytrace=False)
