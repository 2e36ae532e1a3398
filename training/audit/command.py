"""`python -m training audit`: look at a data set before training on it."""

import argparse
from pathlib import Path

from training.audit.examine import examine
from training.audit.files import list_files
from training.audit.findings import Audit
from training.audit.page import render

JSON_FILE = "audit.json"
PAGE_FILE = "audit.html"


def run_audit(parsed: argparse.Namespace) -> int:
    """Write the audit and say what it found; the exit code is 0.

    Raises:
        DataError: a data set that cannot be looked at.
        OSError: the audit cannot be written; nothing is.
    """
    out: Path = parsed.out or Path("runs", f"audit-{parsed.data.resolve().name}")
    listing = list_files(parsed.data)
    out.mkdir(parents=True, exist_ok=True)
    audit = examine(listing)
    _write(out / PAGE_FILE, render(audit, parsed.data))
    _write(out / JSON_FILE, audit.model_dump_json(indent=1) + "\n")
    print(audit.model_dump_json(indent=1) if parsed.json else _summary(audit, out))
    return 0


def _write(path: Path, text: str) -> None:
    partial = path.with_name(f".{path.name}.partial")
    partial.write_text(text, encoding="utf-8")
    partial.replace(path)


def _summary(audit: Audit, out: Path) -> str:
    leaking = sum(group.leaks for group in audit.groups)
    contradicting = sum(group.contradicts for group in audit.groups)
    lines = [
        f"{audit.pictures('train'):,} pictures to train on, {audit.pictures('test'):,} to test on",
        f"unreadable files: {len(audit.unreadable):,}, "
        f"passed over for their suffix: {len(audit.ignored):,}",
        f"groups of pictures that show the same: {len(audit.groups):,}, "
        f"of these in train and in test: {leaking:,}, under several labels: {contradicting:,}",
        *audit.notes,
        f"→ {out / PAGE_FILE}",
    ]
    if audit.exclude:
        lines.append(
            f"Next: train with --exclude {out / JSON_FILE}, "
            f"which leaves {len(audit.exclude):,} files out."
        )
    return "\n".join(lines)
