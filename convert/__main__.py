"""`python -m convert`: the command line of conversion."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from convert.registry.command import add_commands
from convert.registry.errors import RegistryError
from convert.schemes import CALIBRATION_PICTURES, SCHEMES
from lambda_api.evaluation import Thresholds
from training.native_stderr import filter_native_stderr

LIMITS = Thresholds()


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command.

    Returns:
        The exit code: 0 done, 2 unusable input, 3 refused by the gate, 4 the registry did not do
        it, 130 interrupted.
    """
    parsed = _parser().parse_args(arguments)
    # TensorFlow takes seconds to import: `--help` and typing mistakes should not wait for it.
    from convert.errors import ConvertError, GateError
    from lambda_api.manifest import BundleError
    from training.errors import DataError, RunError

    try:
        return int(parsed.command(parsed))
    except (ConvertError, BundleError, DataError, RunError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except GateError as error:
        print(f"refused: {error}", file=sys.stderr)
        return 3
    except RegistryError as error:
        print(f"error: {error}", file=sys.stderr)
        return 4
    except KeyboardInterrupt:
        print("\nInterrupted; nothing was written.", file=sys.stderr)
        return 130


def _bundle(parsed: argparse.Namespace) -> int:
    from convert.bundle import make_bundle
    from training.run.folder import Run

    manifest = make_bundle(
        Run(parsed.run),
        parsed.data,
        parsed.out,
        scheme=parsed.scheme,
        thresholds=Thresholds(
            max_accuracy_drop=parsed.max_accuracy_drop,
            max_recall_drop=parsed.max_recall_drop,
            min_agreement=parsed.min_agreement,
            max_calibration_error_rise=parsed.max_calibration_error_rise,
            max_bytes=round(parsed.max_megabytes * 1e6),
        ),
        calibration_pictures=parsed.calibration_pictures,
        debug=parsed.debug,
        replace=parsed.replace,
        history=parsed.history,
    )
    evaluation, gate = manifest.evaluation, manifest.gate
    print(
        f"{manifest.name} {manifest.version}: {manifest.quantization} passed the gate on "
        f"{gate.pictures} validation pictures (agreement {gate.agreement:.4f}); accuracy on "
        f"{evaluation.count} {evaluation.pictures} pictures {evaluation.bundle.accuracy:.4f} "
        f"(Keras {evaluation.keras.accuracy:.4f}), {manifest.model.bytes / 1e6:.1f} MB"
    )
    return 0


def _evaluate(parsed: argparse.Namespace) -> int:
    from convert.evaluate import bundle_probabilities, measure
    from lambda_api.classifier import Classifier
    from training.data import file_hashes, read_folder
    from training.errors import DataError

    classifier = Classifier(parsed.bundle)
    classes = classifier.manifest.classes
    pictures = read_folder(parsed.pictures)
    if pictures.classes != classes:
        raise DataError(
            f"{parsed.pictures}: has the classes {', '.join(pictures.classes)}; "
            f"the bundle knows {', '.join(classes)}."
        )
    file_hashes(pictures)  # names what cannot be read
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
    from convert.compare import compare, runs_table
    from convert.progress import Progress
    from training.run.folder import Run

    progress = Progress(sys.stderr)
    compared = [
        compare(Run(folder), parsed.data, parsed.calibration_pictures, progress)
        for folder in parsed.runs
    ]
    print(runs_table(compared))
    return 0


def _schemes(parsed: argparse.Namespace) -> int:
    from convert.compare import candidates_of
    from convert.progress import Progress
    from convert.source import open_source
    from convert.table import table, timed
    from training.run.folder import Run

    progress = Progress(sys.stderr)
    for folder in parsed.runs:
        progress(f"opening {folder}")
        source = open_source(Run(folder), parsed.data)
        if parsed.pictures:
            source = source.with_fewer(parsed.pictures)
        schemes = tuple(parsed.only)
        candidates = candidates_of(source, schemes, parsed.calibration_pictures, progress)
        config, count = source.config, len(source.validation)
        print(f"### {config.architecture}, {config.working_size} pixels\n")
        print(f"On {count:,} validation pictures:\n")
        print(f"{table(candidates, timed(source, candidates))}\n", flush=True)
    return 0


def _positive(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number of 1 or more")
    return int(text)


def _share(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = -1
    if not 0 <= value <= 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number from 0 to 1")
    return value


def _megabytes(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = 0
    if not 0 < value < 1e6:
        raise argparse.ArgumentTypeError(f"{text!r} is no size in megabytes")
    return value


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m convert", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    bundle = commands.add_parser(
        "bundle",
        help="turn a training run into a bundle",
        description="Convert a run, see that it lost nothing, and write model.tflite, "
        "manifest.json and MODEL_CARD.md. Exit code 3 where it lost too much.",
    )
    bundle.add_argument("run", type=Path, metavar="RUN", help="folder of a finished run")
    bundle.add_argument("--data", type=Path, required=True, help="the pictures of the run")
    bundle.add_argument(
        "--out", type=Path, required=True, metavar="BUNDLE", help="new folder; names the model"
    )
    bundle.add_argument(
        "--scheme",
        choices=(*SCHEMES, "auto"),
        help="auto tries those that suit the architecture and takes the fastest that passes "
        "(default: what suits the architecture, mostly int8)",
    )
    _add_calibration_pictures(bundle)
    bundle.add_argument(
        "--debug", type=Path, metavar="FOLDER", help="write the int8 error of each layer there"
    )
    bundle.add_argument("--replace", action="store_true", help="replace a bundle that is there")
    bundle.add_argument(
        "--history", type=Path, metavar="FILE", help="Markdown for the card: how it was chosen"
    )
    _add_thresholds(bundle)
    bundle.set_defaults(command=_bundle)

    compare = commands.add_parser(
        "compare",
        help="measure runs side by side on their validation pictures",
        description="Convert each run to int8 and print a table in Markdown; writes nothing.",
    )
    _add_runs(compare)
    compare.set_defaults(command=_compare)

    schemes = commands.add_parser(
        "schemes",
        help="measure schemes side by side on a run's validation pictures",
        description="Convert each run by each scheme and print tables in Markdown; writes nothing.",
    )
    _add_runs(schemes)
    schemes.add_argument("--only", nargs="+", choices=SCHEMES, default=SCHEMES, metavar="SCHEME")
    schemes.add_argument(
        "--pictures",
        type=_positive,
        metavar="N",
        help="only so many of the validation pictures, drawn at random: int16x8 takes half a "
        "second for each (default: all)",
    )
    schemes.set_defaults(command=_schemes)

    evaluate = commands.add_parser(
        "evaluate",
        help="measure a bundle on a folder of labelled pictures",
        description="Classify PICTURES/<class>/… as the service would, and count what is right.",
    )
    evaluate.add_argument("bundle", type=Path, metavar="BUNDLE")
    evaluate.add_argument("pictures", type=Path, metavar="PICTURES", help="one folder a class")
    evaluate.add_argument("--json", action="store_true", help="print JSON")
    evaluate.set_defaults(command=_evaluate)
    add_commands(commands)
    return parser


def _add_runs(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("runs", type=Path, nargs="+", metavar="RUN")
    parser.add_argument("--data", type=Path, required=True, help="the pictures of the runs")
    _add_calibration_pictures(parser)


def _add_calibration_pictures(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--calibration-pictures",
        type=_positive,
        default=CALIBRATION_PICTURES,
        metavar="N",
        help="training pictures that show the range of the activations (default: %(default)s)",
    )


def _add_thresholds(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group(
        "gate", "what the bundle must keep of the Keras model, on the run's validation pictures"
    )
    for name, help_ in (
        ("max_accuracy_drop", "0.005 is half a point"),
        ("max_recall_drop", "of any class"),
        ("min_agreement", "share of pictures with the same answer"),
        ("max_calibration_error_rise", "of the expected calibration error"),
    ):
        group.add_argument(
            f"--{name.replace('_', '-')}",
            type=_share,
            default=getattr(LIMITS, name),
            metavar="SHARE",
            help=f"{help_} (default: %(default)s)",
        )
    group.add_argument(
        "--max-megabytes",
        type=_megabytes,
        default=LIMITS.max_bytes / 1e6,
        metavar="MB",
        help="size of the model file (default: %(default)s)",
    )


if __name__ == "__main__":
    filter_native_stderr()
    sys.exit(main())
