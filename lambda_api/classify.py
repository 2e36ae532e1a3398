"""The command `classify`: classify files without a server."""

import argparse
import json
import os
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from io import TextIOWrapper
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lambda_api.classifier import Classifier, Prediction
    from lambda_api.images.files import LeftOut


def add_commands(commands: Any) -> None:
    """Add `classify` to the subparsers of argparse."""
    classify = commands.add_parser(
        "classify",
        help="classify pictures",
        description="Classify pictures without a server. Exit code: 0 if all were classified, 1 if "
        "a file could not be classified, 2 for a wrong argument or an unusable bundle.",
    )
    classify.set_defaults(command=_classify_files)
    classify.add_argument("paths", nargs="+", type=Path, metavar="PATH", help="file or folder")
    classify.add_argument("--json", action="store_true", help="print one JSON object per line")
    classify.add_argument(
        "--top-k", type=_positive, metavar="N", help="print only the N most probable classes"
    )
    classify.add_argument(
        "--model",
        type=Path,
        metavar="BUNDLE",
        help="folder of the bundle (default: the bundle of this project)",
    )


def _classify_files(parsed: argparse.Namespace) -> int:
    """Classify pictures and print one line for each.

    Returns:
        0 if all pictures were classified, 1 if a picture could not be classified, 2 for an
        unusable bundle or argument, 130 if interrupted.
    """
    from lambda_api.classifier import Classifier
    from lambda_api.images import NAMES
    from lambda_api.manifest import BundleError
    from lambda_api.settings import BUNDLED_MODEL

    bundle = parsed.model or BUNDLED_MODEL
    try:
        with _native_logs_discarded():
            classifier = Classifier(bundle)
    except BundleError as error:
        print(f"error: {bundle}: {error}", file=sys.stderr)
        return 2
    files, left_out = _find_pictures(parsed.paths)
    if not files:
        print(f"error: no pictures found ({NAMES}).", file=sys.stderr)
    if left_out:
        print(left_out, file=sys.stderr)
    if not files:
        return 2
    if isinstance(sys.stdout, TextIOWrapper):  # file names may not be encodable
        sys.stdout.reconfigure(errors="backslashreplace")
    width = max(len(str(file)) for file, _ in files)
    failures = 0
    try:
        for file, reason in files:
            outcome = f"cannot be read: {reason}" if reason else _classify(classifier, file)
            failures += isinstance(outcome, str)
            line = (
                _as_json(file, outcome, parsed.top_k)
                if parsed.json
                else _as_row(file, outcome, parsed.top_k, width)
            )
            print(line, flush=True)
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:  # the reader, such as `head`, has closed the pipe
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    if failures:
        print(f"{failures} of {len(files)} files could not be classified.", file=sys.stderr)
    return 1 if failures else 0


@contextmanager
def _native_logs_discarded() -> Iterator[None]:
    """Discard the messages that LiteRT's native code writes to stderr while it loads a model."""
    stderr = os.dup(2)
    sink = os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(sink, 2)
        yield
    finally:
        os.dup2(stderr, 2)
        os.close(stderr)
        os.close(sink)


def _find_pictures(paths: Iterable[Path]) -> "tuple[list[tuple[Path, str]], LeftOut]":
    """List the files to classify: files as they are, and all pictures in folders.

    Returns:
        Pairs of a file and an empty text, or of a folder and why it cannot be listed; and what was
        left out of the folders.
    """
    from lambda_api.images.files import LeftOut, scan

    found: list[tuple[Path, str]] = []
    left_out = LeftOut()
    for path in paths:
        if path.is_dir():
            folder = scan(path)
            left_out.count_all(folder)
            found += [(picture, "") for picture in folder.all_pictures()]
            found += [(each.path, each.error) for each in folder.unreadable()]
        else:
            found.append((path, ""))
    return found, left_out


def _classify(classifier: "Classifier", file: Path) -> "Prediction | str":
    """Classify a file. Returns the reason if it is not possible."""
    from lambda_api.images import PictureError

    try:
        return classifier.classify(file.read_bytes())
    except OSError as error:
        return f"cannot be read: {error.strerror}"
    except PictureError as error:
        return str(error)


def _as_json(file: Path, outcome: "Prediction | str", top_k: int | None) -> str:
    if isinstance(outcome, str):
        return json.dumps({"file": str(file), "error": outcome}, ensure_ascii=False)
    return json.dumps(
        {
            "file": str(file),
            "label": outcome.label,
            "confidence": round(outcome.confidence, 6),
            "confident": outcome.confident,
            "known": outcome.known,
            "familiarity": outcome.familiarity and round(outcome.familiarity, 6),
            "predictions": [
                {"label": label, "confidence": round(confidence, 6)}
                for label, confidence in outcome.scores[:top_k]
            ],
        },
        ensure_ascii=False,
    )


def _as_row(file: Path, outcome: "Prediction | str", top_k: int | None, width: int) -> str:
    if isinstance(outcome, str):
        return f"{file!s:<{width}}  error: {outcome}"
    scores = "  ".join(f"{label} {score:6.1%}" for label, score in outcome.scores[: top_k or 1])
    remark = "" if outcome.confident else "  (low confidence)"
    if outcome.known is False:
        remark = "  (unknown: unlike the training pictures)"
    return f"{file!s:<{width}}  {scores}{remark}"


def _positive(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number of 1 or more")
    return int(text)
