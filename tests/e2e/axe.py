"""axe-core, a checker for accessibility; downloaded once for each machine."""

from functools import cache
from pathlib import Path
from typing import Any

from playwright.sync_api import Page

from tests.e2e.browser import wait_until_settled
from tests.environments import node_modules

# The script may run while axe-core works: Streamlit fades all elements until the run has ended.
_NO_FADING = "[data-stale=true] { opacity: 1 !important; transition: none !important }"


@cache
def source() -> str:
    """Return axe-core's JavaScript."""
    modules = node_modules("axe-core", Path(__file__).parent / "axe_core" / "package-lock.json")
    return (modules / "axe-core" / "axe.min.js").read_text(encoding="utf-8")


def violations(page: Page) -> list[str]:
    """Return the violations that axe-core finds, but not minor ones, one line per element."""
    wait_until_settled(page)  # a text that fades in has too little contrast
    if page.evaluate("typeof axe === 'undefined'"):
        page.evaluate(source())
        page.add_style_tag(content=_NO_FADING)
    result: dict[str, Any] = page.evaluate("axe.run({resultTypes: ['violations']})")
    return [
        f"{violation['id']}: {node['target']} {node['html'][:200]} {node['failureSummary'][:300]}"
        for violation in result["violations"]
        if violation["impact"] in ("moderate", "serious", "critical")
        for node in violation["nodes"]
    ]
