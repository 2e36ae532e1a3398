"""Templates compared with the reviewed snapshots; `make snapshot` updates them."""

import difflib
import os
import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from aws_cdk.assertions import Template

from tests.infra.conftest import Assembly

FOLDER = Path(__file__).parent / "snapshots"
# Hashes that depend on the content of the images or the version of CDK, not on infra/.
HASHES = re.compile(
    r"(?<![0-9a-f])[0-9a-f]{64}(?![0-9a-f])|(?<=CurrentVersion)[0-9A-F]{8}[0-9a-f]{32}"
)


def readable(text: str) -> str:
    """Template as YAML, without hashes and CDK's metadata."""
    template: dict[str, Any] = Template.from_string(text).to_json()
    template["Resources"].pop("CDKMetadata", None)
    for resource in template["Resources"].values():
        resource.pop("Metadata", None)
    plain = yaml.safe_dump(template, sort_keys=True, width=110, allow_unicode=True)
    return HASHES.sub("<hash>", plain)


@pytest.mark.parametrize("fixture", ["default", "everything", "with_access"])
def test_templates_match_the_snapshots(fixture: str, request: pytest.FixtureRequest) -> None:
    assembly: Assembly = request.getfixturevalue(fixture)
    for name, text in assembly.stacks.items():
        file = FOLDER / f"{name}.yaml"
        if os.environ.get("UPDATE_SNAPSHOTS") == "1":
            FOLDER.mkdir(exist_ok=True)
            file.write_text(readable(text))
        difference = difflib.unified_diff(
            file.read_text().splitlines(),
            readable(text).splitlines(),
            f"{file.name}, snapshot",
            "now",
            lineterm="",
        )
        if lines := "\n".join(difference):
            pytest.fail(f"{lines}\n\nIf the change is intended: make snapshot", pytrace=False)
