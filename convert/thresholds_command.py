"""The command `thresholds` of `python -m convert`."""

import argparse
import sys
from pathlib import Path
from typing import Any

from lambda_api.arguments import positive


def add_commands(commands: Any) -> None:
    """Add `thresholds` to the subparsers of argparse."""
    thresholds = commands.add_parser(
        "thresholds",
        help="measure how well thresholds from few validation pictures hold",
        description="Draw few of the run's validation pictures again and again, choose both "
        "thresholds on each draw, and measure them on all validation pictures. Print a Markdown "
        "table.",
    )
    thresholds.add_argument("bundle", type=Path, metavar="BUNDLE", help="folder of a bundle")
    thresholds.add_argument("run", type=Path, metavar="RUN", help="folder of the bundle's run")
    thresholds.add_argument(
        "--data", type=Path, required=True, help="folder of the pictures the run was trained on"
    )
    thresholds.add_argument(
        "--pictures",
        type=positive,
        nargs="+",
        default=[50, 100, 500, 2000],
        metavar="N",
        help="sizes of the draws (default: 50 100 500 2000)",
    )
    thresholds.add_argument(
        "--draws",
        type=positive,
        default=300,
        metavar="N",
        help="draws of each size (default: %(default)s)",
    )
    thresholds.set_defaults(command=_thresholds)


def _thresholds(parsed: argparse.Namespace) -> int:
    from convert.errors import ConvertError
    from convert.evaluate import network_outputs
    from convert.progress import Progress
    from convert.source import open_source
    from convert.subsets import markdown, measure
    from lambda_api.classifier import Network
    from lambda_api.known import read_residual
    from lambda_api.manifest import read_bundle
    from training.run.folder import Run

    progress = Progress(sys.stderr)
    manifest, model = read_bundle(parsed.bundle)
    known, confidence = manifest.known, manifest.confidence
    if known is None or confidence is None:
        raise ConvertError(
            f"{parsed.bundle} has no detector of unknown pictures. Convert the run again with "
            "`python -m convert bundle`."
        )
    source = open_source(Run(parsed.run), parsed.data)
    progress(f"classifying {len(source.validation):,} validation pictures")
    logits, features = network_outputs(Network(model), source.validation)
    progress("choosing thresholds")
    targets = known.acceptance, confidence.target_accuracy
    table = measure(
        read_residual(parsed.bundle, known).scores(features),
        logits,
        source.validation.labels,
        *targets,
        sizes=parsed.pictures,
        draws=parsed.draws,
    )
    print(f"Measured on {len(source.validation):,} validation pictures, {parsed.draws} draws:\n")
    print(markdown(table, *targets))
    return 0
