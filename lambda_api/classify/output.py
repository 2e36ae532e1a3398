"""Output files of `classify`: resumable while they are written, then CSV, JSON lines or Parquet."""

import csv
import json
import os
from collections.abc import Iterator
from importlib.util import find_spec
from itertools import islice
from pathlib import Path
from typing import IO, Any

FORMATS = (".csv", ".jsonl", ".parquet")
COLUMNS = ("file", "label", "confidence", "confident", "known", "familiarity", "error")
ROW_GROUP = 10_000  # rows in memory while a Parquet file is written


class OutputError(RuntimeError):
    """An output file that cannot be written or continued. The message says what to do."""


class Output:
    """An output file and its partial file, to which each line is appended.

    The partial file, `NAME.partial`, has one JSON object per line; its first line is `settings`. If
    it exists, its pictures are not classified again.

    Args:
        path: file to write; its suffix is its format.
        settings: what an earlier run must have in common with this one.

    Attributes:
        failures: pictures of an earlier run that could not be classified, with their reason.

    Raises:
        OutputError: the format is not supported, the file exists, or its partial file has other
            settings.
    """

    def __init__(self, path: Path, settings: dict[str, Any]) -> None:
        if path.suffix.lower() not in FORMATS:
            raise OutputError(f"{path.name}: the suffix must be {', '.join(FORMATS)}")
        if path.suffix.lower() == ".parquet" and find_spec("pyarrow") is None:
            raise OutputError(f"{path.name}: Parquet needs `pip install pyarrow`, or write a .csv")
        if path.exists():
            raise OutputError(f"{path} exists. Delete it, or choose another name.")
        self.path, self.failures = path, dict[str, str]()
        self._partial = path.with_name(f"{path.name}.partial")
        self._done: set[int] = set()
        try:
            self._file = self._partial.open("a+b")
        except OSError as error:
            raise OutputError(f"{path} cannot be written: {error.strerror}") from error
        self._continue(settings)

    @property
    def earlier(self) -> int:
        """Number of pictures of earlier runs."""
        return len(self._done)

    def __contains__(self, name: str) -> bool:
        return hash(name) in self._done

    def _continue(self, settings: dict[str, Any]) -> None:
        self._file.seek(0)
        end = 0
        for number, line in enumerate(self._file):
            if not line.endswith(b"\n"):  # an interrupt in the middle of a line
                break
            document = json.loads(line)
            if number == 0 and document != settings:
                self._file.close()
                raise OutputError(
                    f"{self._partial} was written with {document}, but this run has {settings}. "
                    "Delete it, or use the same model and options."
                )
            if number:
                self._done.add(hash(document["file"]))
                if "error" in document:
                    self.failures[document["file"]] = document["error"]
            end += len(line)
        self._file.truncate(end)
        if not end:
            self.write(settings)

    def write(self, line: dict[str, Any]) -> None:
        """Append a line."""
        self._file.write(_encode(line))

    def close(self) -> None:
        """Keep the partial file for the next run."""
        self._file.close()

    def finish(self) -> None:
        """Write the file from the partial file, and delete that."""
        self._file.close()
        new = self.path.with_name(f"{self.path.name}.new")
        {".csv": _write_csv, ".jsonl": _write_jsonl, ".parquet": _write_parquet}[
            self.path.suffix.lower()
        ](self._lines(), new)
        new.replace(self.path)
        self._partial.unlink()

    def _lines(self) -> Iterator[dict[str, Any]]:
        with self._partial.open("rb") as file:
            yield from map(json.loads, islice(file, 1, None))


def _encode(line: dict[str, Any]) -> bytes:
    # File names that are not UTF-8 contain surrogates, which only JSON's escapes can express.
    return json.dumps(line).encode() + b"\n"


def _printable(name: str) -> str:
    return os.fsencode(name).decode(errors="backslashreplace")


def _write_jsonl(lines: Iterator[dict[str, Any]], path: Path) -> None:
    with path.open("wb") as file:
        file.writelines(map(_encode, lines))


def _write_csv(lines: Iterator[dict[str, Any]], path: Path) -> None:
    file: IO[str]
    with path.open("w", encoding="utf-8", newline="") as file:
        rows = csv.DictWriter(file, COLUMNS, extrasaction="ignore")
        rows.writeheader()
        rows.writerows({**line, "file": _printable(line["file"])} for line in lines)


def _write_parquet(lines: Iterator[dict[str, Any]], path: Path) -> None:
    import pyarrow as pa
    from pyarrow import parquet

    types = (pa.string(), pa.string(), pa.float64(), pa.bool_(), pa.bool_(), pa.float64())
    schema = pa.schema(list(zip(COLUMNS, (*types, pa.string()), strict=True)))
    with parquet.ParquetWriter(path, schema) as writer:
        while group := list(islice(lines, ROW_GROUP)):
            rows = [
                {name: line.get(name) for name in COLUMNS} | {"file": _printable(line["file"])}
                for line in group
            ]
            writer.write_table(pa.Table.from_pylist(rows, schema))
