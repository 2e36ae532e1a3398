"""Command of `python -m training` that adds corrections to a data set."""

import argparse
import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from training.collected.collect import Report

SHOWN = 20  # pictures that were left out, in the summary


def add_commands(commands: Any) -> None:
    """Add `collect` to the subparsers of argparse."""
    parser = commands.add_parser(
        "collect",
        help="add corrected pictures of the service to a data set",
        description="Add the pictures that users of the service corrected to the class folders of "
        "DATA. Duplicates and contradictions are left out. No file is changed.",
    )
    parser.add_argument(
        "source",
        metavar="SOURCE",
        help="COLLECT_TO of the service: s3://bucket/prefix or a folder",
    )
    parser.add_argument("data", type=Path, metavar="DATA", help="folder of pictures")
    parser.add_argument(
        "--others",
        type=Path,
        metavar="FOLDER",
        help="also put the pictures that show none of the classes into this folder, outside of "
        "DATA (default: leave them out)",
    )
    parser.add_argument("--json", action="store_true", help="print the report as JSON")
    parser.set_defaults(command=_collect)


def _collect(parsed: argparse.Namespace) -> int:
    from lambda_api.collection.store import FolderStore, open_store
    from training.collected.collect import collect
    from training.errors import DataError

    try:
        store = open_store(parsed.source)
    except ValueError as error:
        raise DataError(f"{parsed.source}: {error}.") from error
    if isinstance(store, FolderStore) and not store.folder.is_dir():
        raise DataError(f"{parsed.source}: no such folder. Pass COLLECT_TO of the service.")
    if parsed.others and parsed.others.resolve().is_relative_to(parsed.data.resolve()):
        raise DataError(
            f"{parsed.others} is inside of {parsed.data}, where it would be read as a class. Pass "
            "a folder elsewhere."
        )
    report = collect(store, parsed.data, parsed.others)
    print(json.dumps(asdict(report), indent=1) if parsed.json else _summary(report))
    return 0


def _summary(report: "Report") -> str:
    by_class = ", ".join(f"{n:,} {label}" for label, n in sorted(report.added.items()))
    lines = [
        f"Read {report.records:,} records of feedback.",
        f"Added {report.added.total():,} pictures{f': {by_class}' if by_class else ''}. The "
        f"prediction had been right for {report.confirmed:,} of them.",
    ]
    if report.others:
        lines.append(f"Added {report.others:,} pictures of no class to the folder for others.")
    if report.present:
        lines.append(f"Added by an earlier run: {report.present:,}.")
    if report.foreign:
        lines.append(f"Ignored {report.foreign:,} objects that the service did not write.")
    if report.left_out:
        lines.append(f"Left out {len(report.left_out):,} pictures:")
        items = list(report.left_out.items())
        lines += [f"  {picture[:12]}: {reason}" for picture, reason in items[:SHOWN]]
        if len(items) > SHOWN:
            lines.append(f"  and {len(items) - SHOWN:,} more, see --json")
    return "\n".join(lines)
