"""The commands `compare` and `schemes` of `python -m convert`."""

import argparse
import sys
from pathlib import Path
from typing import Any

from convert.arguments import add_calibration_pictures, positive_integer
from convert.schemes import SCHEMES


def add_commands(commands: Any) -> None:
    """Add `compare` and `schemes` to the subparsers of argparse."""
    compare = commands.add_parser(
        "compare",
        help="compare several runs on their validation pictures",
        description="Convert each run to int8 and print Markdown tables: the figures of each run, "
        "and paired counts of runs with the same validation pictures. Writes no files.",
    )
    _add_runs(compare)
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
        type=positive_integer,
        metavar="N",
        help="use a random sample of N validation pictures; int16x8 takes half a second for each "
        "picture (default: all)",
    )
    schemes.set_defaults(command=_schemes)


def _compare(parsed: argparse.Namespace) -> int:
    from convert.compare import paired_table, run_figures, runs_table
    from convert.progress import Progress
    from training.run.folder import Run

    progress = Progress(sys.stderr)
    figures = [
        run_figures(Run(folder), parsed.data, parsed.calibration_pictures, progress)
        for folder in parsed.runs
    ]
    print(runs_table(figures))
    if pairs := paired_table(figures):
        print(f"\n{pairs}")
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


def _add_runs(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("runs", type=Path, nargs="+", metavar="RUN", help="folder of a run")
    parser.add_argument(
        "--data", type=Path, required=True, help="folder of the pictures the runs were trained on"
    )
    add_calibration_pictures(parser)
