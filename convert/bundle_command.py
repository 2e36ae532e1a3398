"""The command `bundle` of `python -m convert`."""

import argparse
from pathlib import Path
from typing import Any

from convert.arguments import (
    add_calibration_pictures,
    add_thresholds,
    read_thresholds,
    share,
)
from convert.schemes import SCHEMES
from convert.targets import ACCEPTANCE, TARGET_ACCURACY
from lambda_api.arguments import positive


def add_commands(commands: Any) -> None:
    """Add `bundle` to the subparsers of argparse."""
    bundle = commands.add_parser(
        "bundle",
        help="convert a training run into a bundle",
        description="Convert a run, check it against the gate, and write model.tflite, "
        "manifest.json and MODEL_CARD.md. Exit code 3 if the gate rejects the model.",
    )
    bundle.add_argument("run", type=Path, metavar="RUN", help="folder of a finished run")
    bundle.add_argument(
        "--data", type=Path, required=True, help="folder of the pictures the run was trained on"
    )
    bundle.add_argument(
        "--out",
        type=Path,
        required=True,
        metavar="BUNDLE",
        help="new folder for the bundle; its name becomes the model's name",
    )
    bundle.add_argument(
        "--scheme",
        choices=(*SCHEMES, "auto"),
        help="quantization scheme; auto tries every scheme that suits the architecture and uses "
        "the fastest that passes the gate (default: the best scheme for the architecture, int8 "
        "for most)",
    )
    add_calibration_pictures(bundle)
    bundle.add_argument(
        "--debug",
        type=Path,
        metavar="FOLDER",
        help="write the int8 quantization error of each layer to this folder",
    )
    bundle.add_argument("--replace", action="store_true", help="overwrite an existing bundle")
    bundle.add_argument(
        "--history",
        type=Path,
        metavar="FILE",
        help="Markdown file to append to the model card: how the model was chosen",
    )
    _add_reliance(bundle)
    add_thresholds(bundle)
    bundle.set_defaults(command=_bundle)


def _bundle(parsed: argparse.Namespace) -> int:
    from convert.bundle import make_bundle
    from convert.reference import Reliance
    from training.run.folder import Run

    manifest = make_bundle(
        Run(parsed.run),
        parsed.data,
        parsed.out,
        scheme=parsed.scheme,
        thresholds=read_thresholds(parsed),
        calibration_pictures=parsed.calibration_pictures,
        debug=parsed.debug,
        replace=parsed.replace,
        history=parsed.history,
        reliance=Reliance(
            acceptance=parsed.known_acceptance,
            target_accuracy=parsed.confident_accuracy,
            thumbnail_pixels=parsed.mistake_thumbnails,
        ),
    )
    evaluation, gate = manifest.evaluation, manifest.gate
    print(
        f"{manifest.name} {manifest.version}: {manifest.quantization} passed the gate on "
        f"{gate.pictures} validation pictures (agreement {gate.agreement:.4f}); accuracy on "
        f"{evaluation.count} {evaluation.pictures} pictures {evaluation.bundle.accuracy:.4f} "
        f"(Keras {evaluation.keras.accuracy:.4f}), {manifest.model.bytes / 1e6:.1f} MB"
    )
    return 0


def _add_reliance(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--known-acceptance",
        type=share,
        default=ACCEPTANCE,
        metavar="SHARE",
        help="share of new pictures of the classes that are accepted as known (default: "
        "%(default)s)",
    )
    parser.add_argument(
        "--confident-accuracy",
        type=share,
        default=TARGET_ACCURACY,
        metavar="SHARE",
        help="accuracy of confident predictions on new pictures (default: %(default)s)",
    )
    parser.add_argument(
        "--mistake-thumbnails",
        type=_thumbnail_pixels,
        default=0,
        metavar="PIXELS",
        help="store thumbnails of validation mistakes with this side in the manifest, 16 to 96 "
        "(default: no mistakes)",
    )


def _thumbnail_pixels(text: str) -> int:
    pixels = positive(text)
    if not 16 <= pixels <= 96:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of pixels from 16 to 96")
    return pixels
