"""Commands of `python -m training` for runs."""

import argparse
import re
import shlex
from pathlib import Path
from typing import Any, get_args

from training.config import Architecture


def add_commands(commands: Any) -> None:
    """Add `train` and `report` to the subparsers of argparse."""
    _add_train(commands.add_parser("train", help="train on a folder of pictures"))
    report = commands.add_parser("report", help="evaluate a finished run and write a report")
    report.add_argument("run", type=Path, metavar="RUN", help="folder of a finished run")
    report.add_argument("--data", type=Path, required=True, help="folder of the run's pictures")
    report.add_argument(
        "--part",
        choices=("validation", "test"),
        default="validation",
        help="evaluate on test only once, after all choices are made (default: validation)",
    )
    report.set_defaults(command=_report)


def _train(parsed: argparse.Namespace) -> int:
    from training.config import TrainingConfig, read_config
    from training.refit import refit_config
    from training.run.folder import Run
    from training.train import train

    options = {
        name: value
        for name, value in vars(parsed).items()
        if name in TrainingConfig.model_fields and value is not None
    }
    if parsed.config:
        options = read_config(parsed.config).model_dump() | options
    if parsed.refit:
        options = refit_config(Path(parsed.refit)).model_dump() | options
    config = TrainingConfig.model_validate(options)
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
        print(f"\nInterrupted. To continue, rerun with --resume (run folder {parsed.run}).")
        return 130
    bundle = f"models/{re.sub('[^a-z0-9]+', '-', parsed.run.name.lower()).strip('-')}"
    convert = ["bundle", str(parsed.run), "--data", str(parsed.data), "--out", bundle]
    print(
        f"Validation accuracy {result.validation_accuracy:.4f} after {result.epochs} epochs.\n"
        f"Run: {parsed.run}\n"
        f"Report: {parsed.run}/report/report.html\n"
        f"Next: python -m convert {shlex.join(convert)}"
    )
    return 0


def _report(parsed: argparse.Namespace) -> int:
    from training.run.folder import Run
    from training.train import report

    metrics = report(Run(parsed.run), parsed.data, parsed.part)
    print(f"{parsed.part} accuracy {metrics.accuracy:.4f}, macro F1 {metrics.macro.f1:.4f}")
    return 0


def _add_train(parser: argparse.ArgumentParser) -> None:
    parser.set_defaults(command=_train)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.description = "Train a classifier on a folder of labeled pictures."
    parser.epilog = """\
A share of the training pictures is set aside for validation, unless DATA contains `valid/`.
The test pictures are not used for training or validation; they are only checked for copies of
training pictures.
Training has two phases: first the head on the frozen backbone, then all layers at a small rate.
RUN receives model.keras, config.json, split.json, history.csv, result.json and report/.

    python -m training train ../shared/intel runs/intel --weights mobilenet_v2_notop.weights.h5
"""
    parser.add_argument("data", type=Path, metavar="DATA", help="folder of pictures")
    parser.add_argument("run", type=Path, metavar="RUN", help="new folder for the run")
    parser.add_argument("--resume", action="store_true", help="continue the interrupted run in RUN")
    parser.add_argument(
        "--config",
        type=Path,
        metavar="FILE",
        help="config.json of a run; other options override it",
    )
    parser.add_argument(
        "--exclude", type=Path, metavar="FILE", help="audit.json; leave out the files that it lists"
    )
    parser.add_argument(
        "--refit",
        metavar="RUN",
        help="repeat this finished run on its training and validation pictures together",
    )
    parser.add_argument(
        "--tensorboard", action="store_true", help="write TensorBoard logs to RUN/tensorboard"
    )
    network = parser.add_argument_group("network")
    network.add_argument(
        "--architecture",
        help=f"{', '.join(get_args(Architecture))} (default: mobilenet_v2)",
    )
    network.add_argument(
        "--weights", help='"imagenet" (downloaded; the default), a file, or "none" (random)'
    )
    network.add_argument("--alpha", type=float, help="width of MobileNetV2 (1.0)")
    network.add_argument("--image-size", type=int, help="pixels per side (150)")
    network.add_argument(
        "--upscale", type=float, help="factor to enlarge pictures in the network (1.0)"
    )
    network.add_argument("--dense-units", type=int, help="units of the dense layer (256)")
    network.add_argument(
        "--dropout", type=float, help="before and after the dense layer, 0..1 (0.5)"
    )
    pictures = parser.add_argument_group("pictures")
    pictures.add_argument("--augmentation", help="none, light, default or strong (default)")
    pictures.add_argument(
        "--no-flip", dest="flip", action="store_false", default=None, help="do not mirror pictures"
    )
    pictures.add_argument("--batch-size", type=int, help="pictures per step (32)")
    pictures.add_argument(
        "--validation-fraction", type=float, help="share set aside for validation, 0..1 (0.2)"
    )
    pictures.add_argument("--seed", type=int, help="seed of split, order and augmentation (0)")
    pictures.add_argument(
        "--label-errors",
        help="keep, exclude or soften the likely label errors of the audit in --exclude (keep)",
    )
    pictures.add_argument(
        "--label-smoothing", type=float, help="smoothing of the targets, 0..1 (0.1)"
    )
    pictures.add_argument(
        "--split-seed", type=int, help="seed of the split alone, for runs with several seeds (SEED)"
    )
    pictures.add_argument(
        "--mixup", type=float, help="alpha of mixup, 0 for none (that of the augmentation)"
    )
    distillation = parser.add_argument_group("distillation")
    distillation.add_argument(
        "--teacher",
        dest="teachers",
        nargs="+",
        action="extend",
        metavar="TEACHER",
        help="folders of finished runs; the run learns the mean of their predictions",
    )
    distillation.add_argument(
        "--teacher-share", type=float, help="share of the teachers in the targets, 0..1 (0.5)"
    )
    distillation.add_argument(
        "--teacher-temperature",
        type=float,
        help="softens the teachers' calibrated predictions above 1 (1.0)",
    )
    distillation.add_argument(
        "--unlabeled",
        metavar="FOLDER",
        help="additional pictures without labels, learned from the teachers",
    )
    optimization = parser.add_argument_group("optimization")
    optimization.add_argument(
        "--learning-rate", type=float, help="learning rate of layers with random weights (0.001)"
    )
    optimization.add_argument("--head-epochs", type=int, help="maximum epochs of the head (100)")
    optimization.add_argument(
        "--patience", type=int, help="epochs without improvement before stopping (5)"
    )
    optimization.add_argument(
        "--epochs", type=int, help="maximum epochs of all layers; 0 trains only the head (5)"
    )
    optimization.add_argument(
        "--fine-tuning-rate", type=float, help="peak learning rate of AdamW (6e-05)"
    )
    optimization.add_argument(
        "--fine-tuned-share",
        type=float,
        help="share of the backbone to train, from its last layer, 0..1 (1.0)",
    )
    optimization.add_argument(
        "--warmup-epochs", type=float, help="epochs up to the peak learning rate (0.5)"
    )
    optimization.add_argument("--weight-decay", type=float, help="weight decay of AdamW (0.004)")
    optimization.add_argument(
        "--clip-norm", type=float, help="maximum global norm of the gradients (1.0)"
    )
    optimization.add_argument(
        "--mixed-precision",
        action="store_true",
        default=None,
        help="float16 arithmetic: faster on a GPU, slower on a CPU",
    )
