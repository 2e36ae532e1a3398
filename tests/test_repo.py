"""The repository: make targets, pinned requirements, tracked files."""

import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
WHOLE = ROOT / "requirements.txt"
PARTS = [ROOT / "requirements-uv.txt", *sorted(ROOT.glob("*/requirements*.txt"))]
MAX_TRACKED_BYTES = 6_000_000


def make_targets() -> set[str]:
    return set(re.findall(r"^([a-z0-9-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))


def pins(requirements: Path) -> dict[str, list[str]]:
    """Return the lines of each requirement, by `name==version` without extras."""
    blocks = re.split(r"^(?=\w)", requirements.read_text(), flags=re.MULTILINE)[1:]
    return {re.sub(r"\[.*\]", "", block).split()[0]: block.splitlines() for block in blocks}


def name(path: Path) -> str:
    return str(path.relative_to(ROOT))


def test_make_without_a_target_lists_every_target() -> None:
    listed = subprocess.run(["make"], cwd=ROOT, capture_output=True, text=True, check=True).stdout

    assert set(re.findall(r"^make ([a-z0-9-]+) +\S", listed, re.MULTILINE)) == make_targets()


@pytest.mark.parametrize("part", PARTS, ids=name)
def test_each_part_pins_the_versions_of_the_full_environment(part: Path) -> None:
    assert pins(part).keys() <= pins(WHOLE).keys()


@pytest.mark.parametrize("requirements", [WHOLE, *PARTS], ids=name)
def test_requirements_are_pinned_with_hashes_and_name_no_index(requirements: Path) -> None:
    for pin, lines in pins(requirements).items():
        assert re.fullmatch(r"[\w.-]+==[\w.]+", pin)
        assert any("--hash=sha256:" in line for line in lines)
    options = re.findall(r"^\s*(-[^\s=]+)", requirements.read_text(), re.MULTILINE)
    assert set(options) == {"--hash"}
    assert "://" not in requirements.read_text()


def test_images_use_the_base_images_that_dependabot_updates() -> None:
    """If this fails on a pull request of Dependabot, run `make pin-images`."""
    updated = re.findall(
        r"^FROM (\S+)", (ROOT / ".github/bases/Dockerfile").read_text(), re.MULTILINE
    )
    built = [
        re.findall(r"^ARG BASE=(\S+)", (ROOT / file).read_text(), re.MULTILINE)
        for file in ("Dockerfile.lambda", "Dockerfile-streamlit")
    ]

    assert built == [[base] for base in updated]


def test_actions_are_pinned_by_commit() -> None:
    used = [
        line
        for workflow in (ROOT / ".github" / "workflows").glob("*.yml")
        for line in workflow.read_text().splitlines()
        if "uses:" in line
    ]

    assert used
    assert [line for line in used if not re.search(r"@[0-9a-f]{40} # v\d", line)] == []


def test_example_settings_have_no_password() -> None:
    assert "API_PASSWORD=" in (ROOT / ".env.example").read_text().splitlines()


def test_no_large_file_is_tracked() -> None:
    if not (ROOT / ".git").exists():
        pytest.skip("not a git checkout")
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True)
    files = [ROOT / name for name in listed.stdout.decode().split("\0")]

    assert [f for f in files if f.is_file() and f.stat().st_size > MAX_TRACKED_BYTES] == []
