"""`python -m training`: the command line of training."""

import argparse
import os
import re
import shlex
import sys
from collections.abc import Sequence
from io import TextIOWrapper
from pathlib import Path
from typing import get_args

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")  # TensorFlow's start-up chatter


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; the exit code: 0 done, 2 unusable input, 130 interrupted."""
    parsed = _parser().parse_args(arguments)
    # TensorFlow takes seconds to import: `--help` and typing mistakes should not wait for it.
    from pydantic import ValidationError

    from training.errors import CalibrationError, DataError, RunError, WeightsError

    ours = (CalibrationError, DataError, RunError, WeightsError)
    if isinstance(sys.stdout, TextIOWrapper):  # names need not be text, nor the terminal UTF-8
        sys.stdout.reconfigure(errors="backslashreplace")
    try:
        return int(parsed.command(parsed))
    except (*ours, ValidationError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("\nInterrupted.", file=sys.stderr)
        return 130


def _train(parsed: argparse.Namespace) -> int:
    from training.config import TrainingConfig, read_config
    from training.run.folder import Run
    from training.train import train

    options = vars(parsed)
    given = {k: v for k, v in options.items() if k in TrainingConfig.model_fields and v is not None}
    if parsed.config:
        given = read_config(parsed.config).model_dump() | given
    config = TrainingConfig.model_validate(given)
    try:
        result = train(
            parsed.data,
            parsed.run,
            config,
            resume=parsed.resume,
            exclude=parsed.exclude,
            tensorboard=parsed.tensorboard,
        )
    except KeyboardInterrupt:
        if not Run(parsed.run).begun:
            raise
        print(f"\nInterrupted. Go on by adding --resume (run folder {parsed.run}).")
        return 130
    bundle = f"models/{re.sub('[^a-z0-9]+', '-', parsed.run.name.lower()).strip('-')}"
    following = ["bundle", str(parsed.run), "--data", str(parsed.data), "--out", bundle]
    print(
        f"validation accuracy {result.validation_accuracy:.4f} after {result.epochs} epochs "
        f"→ {parsed.run}, report in {parsed.run}/report/report.html\n"
        f"Next: python -m convert {shlex.join(following)}"
    )
    return 0


def _audit(parsed: argparse.Namespace) -> int:
    from training.audit.command import run_audit

    return run_audit(parsed)


def _report(parsed: argparse.Namespace) -> int:
    from training.run.folder import Run
    from training.train import report

    metrics = report(Run(parsed.run), parsed.data, parsed.part)
    print(f"{parsed.part} accuracy {metrics.accuracy:.4f}, macro F1 {metrics.macro.f1:.4f}")
    return 0


def _weights(parsed: argparse.Namespace) -> int:
    from training.networks.efficientnet_lite_weights import efficientnet_lite_weights

    print(efficientnet_lite_weights(parsed.architecture))
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m training",
        description="Train a classifier on a folder of labelled pictures.",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog="""\
DATA holds one folder a class, or `train/` (and `test/`) with one folder a class each:
    DATA/train/forest/1.jpg   DATA/train/sea/2.jpg   DATA/test/forest/3.jpg …
""",
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    _add_train(commands.add_parser("train", help="train on a folder of pictures"))
    audit = commands.add_parser("audit", help="look for broken, leaking and double pictures")
    from training.audit.arguments import add_audit_arguments

    add_audit_arguments(audit)
    audit.set_defaults(command=_audit)

    report = commands.add_parser("report", help="measure a finished run, and draw it")
    report.add_argument("run", type=Path, metavar="RUN")
    report.add_argument("--data", type=Path, required=True, help="the pictures of the run")
    report.add_argument(
        "--part",
        choices=("validation", "test"),
        default="validation",
        help="test: look at them once, when all is chosen (default: validation)",
    )
    report.set_defaults(command=_report)

    weights = commands.add_parser(
        "weights", help="download and convert ImageNet weights of EfficientNet-Lite"
    )
    weights.add_argument(
        "architecture",
        nargs="?",
        choices=("efficientnet_lite0", "efficientnet_lite1", "efficientnet_lite2"),
        default="efficientnet_lite0",
        help="default: efficientnet_lite0",
    )
    weights.set_defaults(command=_weights)
    return parser


def _add_train(parser: argparse.ArgumentParser) -> None:
    from training.config import Architecture

    parser.set_defaults(command=_train)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.description = "Train a classifier on a folder of labelled pictures."
    parser.epilog = """\
A part of the training pictures is carved off for validation. The test pictures play no part: their
files are only read to see that none of them is to be trained on.
Two phases: a head on the frozen network, then all layers at a small rate.
RUN receives model.keras, config.json, split.json, history.csv, result.json and report/.

    python -m training train ../shared/intel runs/intel --weights mobilenet_v2_notop.weights.h5
"""
    parser.add_argument("data", type=Path, metavar="DATA", help="folder of pictures")
    parser.add_argument("run", type=Path, metavar="RUN", help="new folder for the run")
    parser.add_argument(
        "--resume", action="store_true", help="go on with the interrupted run in RUN"
    )
    parser.add_argument(
        "--config", type=Path, metavar="FILE", help="a run's config.json; options say otherwise"
    )
    parser.add_argument(
        "--exclude", type=Path, metavar="FILE", help="an audit.json; leave out what it lists"
    )
    parser.add_argument(
        "--tensorboard", action="store_true", help="leave logs of both phases in RUN/tensorboard"
    )
    start = parser.add_argument_group("the network")
    start.add_argument(
        "--architecture",
        help=f"{', '.join(get_args(Architecture))} (default: mobilenet_v2)",
    )
    start.add_argument("--weights", help='"imagenet" (downloaded; the default), a file, or "none"')
    start.add_argument("--alpha", type=float, help="width of MobileNetV2 (1.0)")
    start.add_argument("--image-size", type=int, help="pixels a side (150)")
    start.add_argument("--upscale", type=float, help="enlarge in the network by this factor (1.0)")
    start.add_argument("--dense-units", type=int, help="of the layer before the last (256)")
    start.add_argument("--dropout", type=float, help="around that layer, 0..1 (0.5)")
    pictures = parser.add_argument_group("the pictures")
    pictures.add_argument("--augmentation", help="none, light, default or strong (default)")
    pictures.add_argument(
        "--no-flip", dest="flip", action="store_false", default=None, help="no mirrored pictures"
    )
    pictures.add_argument("--batch-size", type=int, help="pictures a step (32)")
    pictures.add_argument(
        "--validation-fraction", type=float, help="share carved off for validation (0.2)"
    )
    pictures.add_argument("--seed", type=int, help="of split, order and augmentation (0)")
    pictures.add_argument("--label-smoothing", type=float, help="0..1 (0.1)")
    how = parser.add_argument_group("the training")
    how.add_argument("--learning-rate", type=float, help="of what starts from nothing (0.001)")
    how.add_argument("--head-epochs", type=int, help="at most, of the head alone (100)")
    how.add_argument("--patience", type=int, help="epochs without progress before stopping (5)")
    how.add_argument("--epochs", type=int, help="of all layers; 0 trains the head alone (5)")
    how.add_argument("--fine-tuning-rate", type=float, help="peak rate of AdamW (6e-05)")
    how.add_argument(
        "--fine-tuned-share", type=float, help="of the layers, from the end, 0..1 (1.0)"
    )
    how.add_argument("--warmup-epochs", type=float, help="up to the peak rate (0.5)")
    how.add_argument("--weight-decay", type=float, help="of AdamW (0.004)")
    how.add_argument("--clip-norm", type=float, help="of all gradients together (1.0)")
    how.add_argument(
        "--mixed-precision",
        action="store_true",
        default=None,
        help="float16 arithmetic: faster on a GPU, slower on a CPU",
    )


if __name__ == "__main__":
    sys.exit(main())
