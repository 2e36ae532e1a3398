"""`python -m training`: the command line of training."""

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")  # TensorFlow's start-up chatter


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; the exit code: 0 done, 2 unusable input, 130 interrupted."""
    parsed = _parser().parse_args(arguments)
    # TensorFlow takes seconds to import: `--help` and typing mistakes should not wait for it.
    from pydantic import ValidationError

    from training.config import TrainingConfig
    from training.data import DataError
    from training.fit import train
    from training.network import WeightsError
    from training.run import RunError

    given = {k: v for k, v in vars(parsed).items() if k in TrainingConfig.model_fields}
    try:
        config = TrainingConfig.model_validate({k: v for k, v in given.items() if v is not None})
        result = train(parsed.data, parsed.run, config, resume=parsed.resume)
    except (DataError, WeightsError, RunError, ValidationError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print(f"\nInterrupted. Go on by adding --resume (run folder {parsed.run}).")
        return 130
    print(
        f"validation accuracy {result.validation_accuracy:.4f} after {result.epochs} epochs "
        f"→ {parsed.run}\nNext: python -m convert bundle {parsed.run} --data {parsed.data} "
        f"--out models/{parsed.run.name}"
    )
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m training",
        description="Train a classifier on a folder of labelled pictures.",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog="""\
DATA holds one folder a class, or `train/` (and `test/`) with one folder a class each:
    DATA/train/forest/1.jpg   DATA/train/sea/2.jpg   DATA/test/forest/3.jpg …
A part of the training pictures is carved off for validation; the test pictures are not looked at.

Two phases: a linear head on the frozen network, then all layers at a small rate.
RUN receives model.keras, config.json, split.json, history.csv and result.json.

    python -m training ../shared/intel runs/intel --weights mobilenet_v2_notop.weights.h5
""",
    )
    parser.add_argument("data", type=Path, metavar="DATA", help="folder of pictures")
    parser.add_argument("run", type=Path, metavar="RUN", help="new folder for the run")
    parser.add_argument(
        "--resume", action="store_true", help="go on with the interrupted run in RUN"
    )
    start = parser.add_argument_group("what to train")
    start.add_argument(
        "--architecture", help="mobilenet_v2 (the default), or custom_cnn with --weights none"
    )
    start.add_argument(
        "--weights", help='"imagenet" (downloaded by Keras; the default), a file, or "none"'
    )
    start.add_argument("--alpha", type=float, help="width of MobileNetV2 (1.0)")
    start.add_argument("--image-size", type=int, help="pixels a side (150)")
    start.add_argument("--upscale", type=float, help="enlarge in the network by this factor (1.28)")
    how = parser.add_argument_group("how to train")
    how.add_argument("--epochs", type=int, help="of all layers; 0 trains the head alone (5)")
    how.add_argument("--learning-rate", type=float, help="peak rate of AdamW (6e-5)")
    how.add_argument("--batch-size", type=int, help="pictures a step (32)")
    how.add_argument("--label-smoothing", type=float, help="0..1 (0.1)")
    how.add_argument("--dropout", type=float, help="before the last layer, 0..1 (0.2)")
    how.add_argument("--patience", type=int, help="epochs without progress before stopping (5)")
    how.add_argument(
        "--no-flip", dest="flip", action="store_false", default=None, help="no mirrored pictures"
    )
    how.add_argument("--seed", type=int, help="of split, order and augmentation (0)")
    how.add_argument(
        "--validation-fraction", type=float, help="share carved off for validation (0.2)"
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
