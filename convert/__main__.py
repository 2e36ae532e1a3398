"""`python -m convert`: the command line of conversion."""

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
    from convert.bundle import ConvertError
    from lambda_api.manifest import BundleError
    from training.errors import DataError, RunError

    try:
        return int(parsed.command(parsed))
    except (ConvertError, BundleError, DataError, RunError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("\nInterrupted; nothing was written.", file=sys.stderr)
        return 130


def _bundle(parsed: argparse.Namespace) -> int:
    from convert.bundle import make_bundle
    from training.run import Run

    manifest = make_bundle(
        Run(parsed.run),
        parsed.data,
        parsed.out,
        calibration_pictures=parsed.calibration_pictures,
        replace=parsed.replace,
        history=parsed.history,
    )
    evaluation = manifest.evaluation
    print(
        f"{manifest.name} {manifest.version}: accuracy on {evaluation.pictures} pictures "
        f"{evaluation.bundle.accuracy:.4f} (Keras {evaluation.keras.accuracy:.4f}), "
        f"agreement {evaluation.agreement:.4f}, {manifest.model.bytes / 1e6:.1f} MB"
    )
    return 0


def _evaluate(parsed: argparse.Namespace) -> int:
    from convert.evaluate import bundle_probabilities, measure
    from lambda_api.classifier import Classifier
    from training.data import read_folder
    from training.errors import DataError

    classifier = Classifier(parsed.bundle)
    classes = classifier.manifest.classes
    pictures = read_folder(parsed.pictures)
    if pictures.classes != classes:
        raise DataError(
            f"{parsed.pictures}: has the classes {', '.join(pictures.classes)}; "
            f"the bundle knows {', '.join(classes)}."
        )
    metrics = measure(bundle_probabilities(classifier, pictures), pictures.labels, classes)
    if parsed.json:
        print(metrics.model_dump_json())
        return 0
    print(
        f"{len(pictures)} pictures: accuracy {metrics.accuracy:.4f}, "
        f"macro F1 {metrics.macro_f1:.4f}, calibration error {metrics.calibration_error:.4f}"
    )
    for name, figures in metrics.per_class.items():
        print(
            f"  {name:<20} precision {figures.precision:.3f}  recall {figures.recall:.3f}  "
            f"F1 {figures.f1:.3f}  of {figures.support}"
        )
    return 0


def _compare(parsed: argparse.Namespace) -> int:
    from convert.compare import compare, table
    from training.run import Run

    candidates = []
    for folder in parsed.runs:
        print(f"measuring {folder}", file=sys.stderr)
        candidates.append(compare(Run(folder), parsed.data, parsed.calibration_pictures))
    print(table(candidates))
    return 0


def _positive(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number of 1 or more")
    return int(text)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m convert", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    bundle = commands.add_parser(
        "bundle",
        help="turn a training run into a bundle",
        description="Quantise a run to int8, measure it by the code that serves it, and write "
        "model.tflite, manifest.json and MODEL_CARD.md.",
    )
    bundle.add_argument("run", type=Path, metavar="RUN", help="folder of a finished run")
    bundle.add_argument("--data", type=Path, required=True, help="the pictures of the run")
    bundle.add_argument(
        "--out", type=Path, required=True, metavar="BUNDLE", help="new folder; names the model"
    )
    bundle.add_argument(
        "--calibration-pictures", type=_positive, default=200, metavar="N", help="(default: 200)"
    )
    bundle.add_argument("--replace", action="store_true", help="replace a bundle that is there")
    bundle.add_argument(
        "--history", type=Path, metavar="FILE", help="Markdown for the card: how it was chosen"
    )
    bundle.set_defaults(command=_bundle)

    compare = commands.add_parser(
        "compare",
        help="measure runs side by side on their validation pictures",
        description="Convert each run to int8 and print a table in Markdown; writes nothing.",
    )
    compare.add_argument("runs", type=Path, nargs="+", metavar="RUN")
    compare.add_argument("--data", type=Path, required=True, help="the pictures of the runs")
    compare.add_argument(
        "--calibration-pictures", type=_positive, default=200, metavar="N", help="(default: 200)"
    )
    compare.set_defaults(command=_compare)

    evaluate = commands.add_parser(
        "evaluate",
        help="measure a bundle on a folder of labelled pictures",
        description="Classify PICTURES/<class>/… as the service would, and count what is right.",
    )
    evaluate.add_argument("bundle", type=Path, metavar="BUNDLE")
    evaluate.add_argument("pictures", type=Path, metavar="PICTURES", help="one folder a class")
    evaluate.add_argument("--json", action="store_true", help="print JSON")
    evaluate.set_defaults(command=_evaluate)
    return parser


if __name__ == "__main__":
    sys.exit(main())
