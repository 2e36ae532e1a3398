"""Command of `python -m training` that audits a data set."""

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from training.audit.findings import Audit, LabelError

JSON_FILE = "audit.json"
PAGE_FILE = "audit.html"


def add_commands(commands: Any) -> None:
    """Add `audit` to the subparsers of argparse."""
    audit = commands.add_parser(
        "audit",
        help="find broken, leaking and duplicate pictures",
        description="Find broken, leaking, contradictory and duplicate pictures. "
        "No picture is changed.",
    )
    audit.add_argument("data", type=Path, metavar="DATA", help="folder of pictures")
    audit.add_argument(
        "--out",
        type=Path,
        metavar="FOLDER",
        help="for audit.json and audit.html (default: runs/audit-<name of DATA>)",
    )
    audit.add_argument(
        "--label-errors",
        action="store_true",
        help="also search likely label errors; computes the features of all training pictures",
    )
    audit.add_argument(
        "--config",
        type=Path,
        metavar="FILE",
        help="config.json or recipe with the network whose features show label errors "
        "(default: MobileNetV2 with ImageNet weights)",
    )
    audit.add_argument("--json", action="store_true", help="print the audit as JSON")
    audit.set_defaults(command=_audit)


def _audit(parsed: argparse.Namespace) -> int:
    from training.atomic import write_text
    from training.audit.examine import examine
    from training.audit.files import list_files
    from training.audit.page import render
    from training.errors import ConfigError

    if parsed.config and not parsed.label_errors:
        raise ConfigError("--config chooses the network for --label-errors. Pass both, or neither.")
    out: Path = parsed.out or Path("runs", f"audit-{parsed.data.resolve().name}")
    listing = list_files(parsed.data)
    out.mkdir(parents=True, exist_ok=True)
    search = _label_error_search(parsed) if parsed.label_errors else None
    audit = examine(listing)
    if search:
        audit = audit.model_copy(update={"label_errors": search(audit)})
    write_text(out / PAGE_FILE, render(audit, parsed.data))
    write_text(out / JSON_FILE, audit.model_dump_json(indent=1) + "\n")
    print(audit.model_dump_json(indent=1) if parsed.json else _summary(audit, out))
    return 0


def _label_error_search(
    parsed: argparse.Namespace,
) -> Callable[["Audit"], tuple["LabelError", ...]]:
    """The search for label errors, with the network checked. Importing TensorFlow takes seconds."""
    from training.audit.features import check_features, label_errors
    from training.config import TrainingConfig, read_config

    config = read_config(parsed.config) if parsed.config else TrainingConfig()
    check_features(config)
    return lambda audit: label_errors(audit, parsed.data, config)


def _summary(audit: "Audit", out: Path) -> str:
    leaking = sum(group.leaks for group in audit.groups)
    contradicting = sum(group.contradicts for group in audit.groups)
    validation = audit.pictures("validation")
    lines = [
        f"Pictures: {audit.pictures('train'):,} train, "
        + (f"{validation:,} validation, " if validation else "")
        + f"{audit.pictures('test'):,} test",
        f"Unreadable files: {len(audit.unreadable):,}",
        f"Files {audit.left_out or 'left out: none'}",
        f"Groups of duplicates: {len(audit.groups):,} ({leaking:,} in several parts, "
        f"{contradicting:,} with several labels)",
        *(
            []
            if audit.label_errors is None
            else [f"Likely label errors: {len(audit.label_errors):,}"]
        ),
        *audit.notes,
        f"Page: {out / PAGE_FILE}",
    ]
    if audit.exclude:
        lines.append(
            f"Next: train with --exclude {out / JSON_FILE} to leave out "
            f"{len(audit.exclude):,} files."
        )
    if audit.label_errors:
        lines.append("Label errors: look at the page first; then train with --label-errors soften.")
    return "\n".join(lines)
