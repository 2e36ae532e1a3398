"""The commands `compare` and `schemes` of `python -m convert`."""

import argparse
import sys
from pathlib import Path
from typing import Any

from convert.arguments import (
    add_calibration_pictures,
    add_thresholds,
    read_thresholds,
)
from convert.schemes import SCHEMES
from lambda_api.arguments import positive


def add_commands(commands: Any) -> None:
    """Add `compare` and `schemes` to the subparsers of argparse."""
    compare = commands.add_parser(
        "compare",
        help="compare several runs, or an old bundle with a new one",
        description="Compare runs: convert each to int8 and print Markdown tables with the figures "
        "of each run, and paired counts of runs with the same validation pictures. Compare two "
        "bundles, the old one first: exit code 3 if the new one is not better on the validation "
        "part of DATA and on the corrections in it. Writes no files.",
    )
    _add_runs(compare, metavar="FOLDER", help_="folder of a run or of a bundle")
    add_thresholds(compare)
    compare.set_defaults(command=_compare)

    schemes = commands.add_parser(
        "schemes",
        help="compare quantization schemes on a run's validation pictures",
        description="Convert each run with each scheme and print Markdown tables. Writes no files.",
    )
    _add_runs(schemes)
    schemes.add_argument(
        "--only",
        nargs="+",
        choices=SCHEMES,
        default=SCHEMES,
        metavar="SCHEME",
        help="schemes to compare (default: all)",
    )
    schemes.add_argument(
        "--pictures",
        type=positive,
        metavar="N",
        help="use a random sample of N validation pictures; int16x8 takes half a second for each "
        "picture (default: all)",
    )
    schemes.set_defaults(command=_schemes)


def _compare(parsed: argparse.Namespace) -> int:
    from convert.compare import paired_table, run_figures, runs_table
    from convert.compare_bundles import are_bundles
    from convert.progress import Progress
    from training.run.folder import Run

    if are_bundles(parsed.runs):
        return _compare_bundles(parsed)
    progress = Progress(sys.stderr)
    figures = [
        run_figures(Run(folder), parsed.data, parsed.calibration_pictures, progress)
        for folder in parsed.runs
    ]
    print(runs_table(figures))
    if pairs := paired_table(figures):
        print(f"\n{pairs}")
    return 0


def _compare_bundles(parsed: argparse.Namespace) -> int:
    from convert.compare_bundles import compare_bundles, table
    from convert.errors import ConvertError, GateError
    from convert.progress import Progress

    if len(parsed.runs) != 2:
        raise ConvertError(f"Pass two bundles, OLD and NEW, not {len(parsed.runs)}.")
    old, new = parsed.runs
    progress = Progress(sys.stderr)
    comparison = compare_bundles(old, new, parsed.data, read_thresholds(parsed), progress)
    print(table(comparison))
    if reason := comparison.rejection():
        raise GateError(reason)
    print("\nThe new bundle is better. Next: publish and promote it.")
    return 0


def _schemes(parsed: argparse.Namespace) -> int:
    from convert.compare import candidates_table, convert, latencies_ms
    from convert.progress import Progress
    from convert.source import open_source
    from training.run.folder import Run

    progress = Progress(sys.stderr)
    for folder in parsed.runs:
        progress(f"opening {folder}")
        source = open_source(Run(folder), parsed.data)
        if parsed.pictures:
            source = source.with_fewer(parsed.pictures)
        candidates = convert(source, tuple(parsed.only), parsed.calibration_pictures, progress)
        table = candidates_table(candidates, latencies_ms(source, candidates))
        print(f"### {source.config.architecture}, {source.config.working_size} pixels\n")
        print(f"On {len(source.validation):,} validation pictures:\n")
        print(f"{table}\n", flush=True)
    return 0


def _add_runs(
    parser: argparse.ArgumentParser, metavar: str = "RUN", help_: str = "folder of a run"
) -> None:
    parser.add_argument("runs", type=Path, nargs="+", metavar=metavar, help=help_)
    parser.add_argument(
        "--data", type=Path, required=True, help="folder of the pictures the runs were trained on"
    )
    add_calibration_pictures(parser)
