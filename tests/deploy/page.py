"""The commands of docs/operations.md, so that the page cannot say what was never tried."""

from tests.conftest import ROOT

PAGE = ROOT / "docs" / "operations.md"
PREPARED = ("stack=", "output()")


def script(*starts: str) -> str:
    """What the page has in the shell from the beginning, then its commands that start so."""
    commands = [line.strip() for line in PAGE.read_text().splitlines() if line.startswith("    ")]
    return "\n".join(
        next(command for command in commands if command.startswith(start))
        for start in (*PREPARED, *starts)
    )
