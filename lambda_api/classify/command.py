"""The command `classify`: classify files without a server."""

import argparse
import json
import os
import sys
from collections.abc import Iterator
from contextlib import closing
from io import TextIOWrapper
from itertools import chain, islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lambda_api.arguments import positive

if TYPE_CHECKING:
    from lambda_api.classify.answers import Outcome
    from lambda_api.classify.sorting import Sorting
    from lambda_api.classify.sources import Source

WIDTH_OF = 1000  # pictures whose names determine the width of the first column
SHOWN_FAILURES = 20


def add_commands(commands: Any) -> None:
    """Add `classify` to the subparsers of argparse."""
    classify = commands.add_parser(
        "classify",
        help="classify pictures",
        description="Classify pictures without a server, on all cores. Exit code: 0 if all were "
        "classified, 1 if a file could not be classified, 2 for a wrong argument or an unusable "
        "bundle, 130 if interrupted.",
    )
    classify.set_defaults(command=_classify_files)
    classify.add_argument(
        "paths",
        nargs="+",
        type=Path,
        metavar="PATH",
        help="file, folder, .zip archive, or .txt file with one path per line",
    )
    printed = classify.add_mutually_exclusive_group()
    printed.add_argument("--json", action="store_true", help="print one JSON object per line")
    printed.add_argument(
        "--output",
        type=Path,
        metavar="FILE",
        help="write a .csv, .jsonl or .parquet file; the same command continues after an interrupt",
    )
    classify.add_argument(
        "--sort-into",
        type=Path,
        metavar="FOLDER",
        help="copy the pictures into one folder per label, and into unsure/ and unknown/",
    )
    classify.add_argument(
        "--link", action="store_true", help="with --sort-into: create links instead of copies"
    )
    classify.add_argument(
        "--top-k", type=positive, metavar="N", help="print only the N most probable classes"
    )
    classify.add_argument(
        "--model",
        type=Path,
        metavar="BUNDLE",
        help="folder of the bundle (default: the bundle of this project)",
    )


def _classify_files(parsed: argparse.Namespace) -> int:
    """Classify pictures, and print one line for each or write them to a file.

    Returns:
        0 if all pictures were classified, 1 if a picture could not be classified, 2 for an
        unusable bundle or argument, 130 if interrupted.
    """
    from lambda_api.classifier import Classifier
    from lambda_api.classify.native_logs import native_logs_discarded
    from lambda_api.classify.output import OutputError
    from lambda_api.classify.sorting import Sorting, SortingError
    from lambda_api.images import NAMES
    from lambda_api.images.files import LeftOut
    from lambda_api.manifest import BundleError
    from lambda_api.settings import BUNDLED_MODEL

    bundle = parsed.model or BUNDLED_MODEL
    try:
        with native_logs_discarded():
            classifier = Classifier(bundle)
    except BundleError as error:
        print(f"error: {bundle}: {error}", file=sys.stderr)
        return 2
    left_out = LeftOut()
    sources = _sources(parsed.paths, left_out)
    try:
        sorting = Sorting.outside_of(parsed.paths, parsed.sort_into, links=parsed.link)
        if sources is None:
            print(f"error: no pictures found ({NAMES}).", file=sys.stderr)
            return 2
        run = _Run(parsed, bundle, classifier, sorting)
    except (OutputError, SortingError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    finally:
        if sources is None and left_out:
            print(left_out, file=sys.stderr)
    if isinstance(sys.stdout, TextIOWrapper):  # file names may not be encodable
        sys.stdout.reconfigure(errors="backslashreplace")
    try:
        run.classify(sources)
    except KeyboardInterrupt:
        if run.output:
            print("\nInterrupted. The same command continues.", file=sys.stderr)
        return 130
    except BrokenPipeError:  # the reader, such as `head`, has closed the pipe
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    if left_out:
        print(left_out, file=sys.stderr)
    run.report()
    return 1 if run.failures else 0


def _sources(paths: list[Path], left_out: Any) -> "Iterator[Source] | None":
    """Return the pictures, None if there are none."""
    from lambda_api.classify.sources import find

    sources = find(paths, left_out)
    first = next(sources, None)
    return None if first is None else chain([first], sources)


class _Run:
    """A run of `classify`.

    Attributes:
        output: output file, or None to print the lines.
        failures: pictures that could not be classified, with their reason.
    """

    def __init__(
        self, parsed: argparse.Namespace, bundle: Path, classifier: Any, sorting: "Sorting | None"
    ) -> None:
        from lambda_api.classify.output import Output

        self._parsed, self._bundle, self._sorting = parsed, bundle, sorting
        self._classifier = classifier
        self.output: Output | None = None
        self.failures: dict[str, str] = {}
        self._pictures = 0
        if parsed.output:
            settings = {"model": classifier.manifest.version, "top_k": parsed.top_k}
            self.output = Output(parsed.output, settings)
            self.failures.update(self.output.failures)
            self._pictures = self.output.earlier

    def classify(self, sources: "Iterator[Source]") -> None:
        """Classify the pictures, in order."""
        from tqdm import tqdm

        from lambda_api.classify.pool import classify_all

        begun = self._pictures
        if self.output:
            done = self.output
            sources = (each for each in sources if each.name not in done)
        first = list(islice(sources, WIDTH_OF))
        width = max((len(each.name) for each in first), default=0)
        bar = tqdm(
            total=self._count(),
            initial=begun,
            unit=" pictures",
            disable=not sys.stderr.isatty(),
            smoothing=0.1,
        )
        outcomes = classify_all(
            self._classifier, self._bundle, chain(first, sources), self._sorting
        )
        try:
            with bar, closing(outcomes):
                for source, outcome in outcomes:
                    self._pictures += 1
                    if isinstance(outcome, str):
                        self.failures[source.name] = outcome
                    self._emit(source, outcome, width)
                    bar.update()
            if self.output:
                self.output.finish()
        finally:
            if self.output:
                self.output.close()

    def _count(self) -> int | None:
        """Return the number of pictures for the progress bar on a terminal."""
        from lambda_api.classify.sources import find
        from lambda_api.images.files import LeftOut

        if not sys.stderr.isatty():
            return None
        return sum(1 for _ in find(self._parsed.paths, LeftOut()))

    def _emit(self, source: "Source", outcome: "Outcome", width: int) -> None:
        from lambda_api.classify.answers import line

        top_k = self._parsed.top_k
        if self.output:
            self.output.write(line(source, outcome, top_k))
        elif self._parsed.json:
            _print(json.dumps(line(source, outcome, top_k), ensure_ascii=False))
        else:
            row = f"error: {outcome}" if isinstance(outcome, str) else outcome.row(top_k)
            _print(f"{source.name:<{width}}  {row}")

    def report(self) -> None:
        """Print the pictures that could not be classified to stderr."""
        if not self.failures:
            return
        print(
            f"{len(self.failures):,} of {self._pictures:,} files could not be classified.",
            file=sys.stderr,
        )
        for name, reason in islice(self.failures.items(), SHOWN_FAILURES):
            text = f"  {name}: {reason}"
            print(text.encode(errors="backslashreplace").decode(), file=sys.stderr)
        if len(self.failures) > SHOWN_FAILURES:
            print(f"  and {len(self.failures) - SHOWN_FAILURES:,} more", file=sys.stderr)


def _print(text: str) -> None:
    if sys.stderr.isatty() and sys.stdout.isatty():
        from tqdm import tqdm

        tqdm.write(text)  # above the progress bar
    else:
        print(text, flush=True)
