"""axe-core, which finds what keeps people from using a page; fetched once for a machine."""

from functools import cache
from pathlib import Path
from typing import Any

from playwright.sync_api import Page

from tests.environments import node_modules


@cache
def source() -> str:
    """axe-core's JavaScript."""
    modules = node_modules("axe-core", Path(__file__).parent / "axe_core" / "package-lock.json")
    return (modules / "axe-core" / "axe.min.js").read_text(encoding="utf-8")


def serious_violations(page: Page) -> list[str]:
    """What axe-core finds serious or critical, as a line for each place."""
    page.wait_for_timeout(500)  # what moves in has arrived: half transparent, contrast is low
    page.evaluate(source())
    found: dict[str, Any] = page.evaluate("axe.run()")
    return [
        f"{violation['id']}: {node['target']} {node['html'][:200]} {node['failureSummary'][:300]}"
        for violation in found["violations"]
        if violation["impact"] in ("serious", "critical")
        for node in violation["nodes"]
    ]
