"""Commands from docs/operations.md, so that the tests run what the page documents."""

from tests.conftest import ROOT

PAGE = ROOT / "docs" / "operations.md"
SETUP = ("stack=", "output()")


def script(*starts: str) -> str:
    """Return the setup lines of the page, then the first command with each of these beginnings."""
    commands = [line.strip() for line in PAGE.read_text().splitlines() if line.startswith("    ")]
    return "\n".join(
        next(command for command in commands if command.startswith(start))
        for start in (*SETUP, *starts)
    )
