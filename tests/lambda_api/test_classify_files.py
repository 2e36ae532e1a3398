"""Files of `python -m lambda_api classify`: output, archives, lists, sorting, progress."""

import csv
import json
import os
import subprocess
import sys
import termios
from collections.abc import Callable
from pathlib import Path
from zipfile import ZipFile

import pytest
from pyarrow import parquet

from lambda_api.classify.answers import Answer
from lambda_api.classify.sorting import Sorting
from lambda_api.classify.sources import Source
from tests.conftest import ROOT
from tests.lambda_api.classify_command import run
from tests.lambda_api.pictures import CHINA, SCIKIT_IMAGE

CAT = SCIKIT_IMAGE / "chelsea.png"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A palace, a cat, and a damaged picture."""
    root = tmp_path / "holiday"
    (root / "inner").mkdir(parents=True)
    (root / "inner" / "palace, old.jpg").write_bytes(CHINA.read_bytes())
    (root / "cat.png").write_bytes(CAT.read_bytes())
    (root / "damaged.jpg").write_bytes(CHINA.read_bytes()[:1000])
    return root


@pytest.mark.parametrize("suffix", ["csv", "jsonl", "parquet"])
def test_output_has_the_lines_that_json_prints(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], suffix: str
) -> None:
    output = tmp_path / f"results.{suffix}"
    run("--json", folder)
    printed = {line["file"]: line for line in map(json.loads, capsys.readouterr().out.splitlines())}

    assert run(folder, "--output", output) == 1

    assert capsys.readouterr().out == ""
    if suffix == "csv":
        with output.open(encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file))
    elif suffix == "parquet":
        rows = parquet.read_table(output).to_pylist()
    else:
        rows = [json.loads(line) for line in output.read_text().splitlines()]
        assert rows == list(printed.values())
    assert [row["file"] for row in rows] == list(printed)
    for row in rows:
        expected = printed[row["file"]]
        assert (row.get("label") or None) == expected.get("label")
        assert (row.get("error") or None) == expected.get("error")
        if "label" in expected:
            assert float(row["confidence"]) == expected["confidence"]
            assert str(row["confident"]) == str(expected["confident"])
    assert sorted(tmp_path.glob("results*")) == [output]


def test_output_that_would_lose_something_is_refused(
    folder: Path,
    tmp_path: Path,
    make_bundle: Callable[..., Path],
    capsys: pytest.CaptureFixture[str],
) -> None:
    (tmp_path / "old.csv").write_text("precious")
    (tmp_path / "new.csv.partial").write_text('{"model": "older", "top_k": null}\n')

    assert run(folder, "--output", tmp_path / "old.csv") == 2
    assert run(folder, "--output", tmp_path / "new.csv") == 2
    assert run(folder, "--output", tmp_path / "new.xlsx") == 2
    assert run(folder, "--output", tmp_path / "none" / "new.csv") == 2

    errors = capsys.readouterr().err.splitlines()
    assert errors[0] == f"error: {tmp_path}/old.csv exists. Delete it, or choose another name."
    assert "was written with {'model': 'older'" in errors[1]
    assert errors[2] == "error: new.xlsx: the suffix must be .csv, .jsonl, .parquet"
    assert errors[3].endswith("new.csv cannot be written: No such file or directory")
    assert (tmp_path / "old.csv").read_text() == "precious"


def test_archive_is_read_without_unpacking(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    album = tmp_path / "album.zip"
    with ZipFile(album, "w") as archive:
        archive.writestr("b/palace.jpg", CHINA.read_bytes())
        archive.writestr("a/no suffix", CAT.read_bytes())
        archive.writestr("__MACOSX/._palace.jpg", b"\0\5\x16\7")
        archive.writestr("notes.txt", "text")
        archive.writestr("c/torn.jpg", CHINA.read_bytes())
        archive.writestr("../../evil.jpg", CHINA.read_bytes())
    with ZipFile(album) as archive:
        torn = archive.getinfo("c/torn.jpg").header_offset
    data = bytearray(album.read_bytes())
    data[torn + 500 : torn + 510] = b"\0" * 10  # its checksum is wrong now
    album.write_bytes(data)
    into = tmp_path / "sorted"

    assert run("--json", album, "--sort-into", into) == 1

    printed = capsys.readouterr()
    lines = {line["file"]: line for line in map(json.loads, printed.out.splitlines())}
    names = ["../../evil.jpg", "a/no suffix", "b/palace.jpg", "c/torn.jpg"]
    assert list(lines) == [f"{album}/{name}" for name in names]
    assert "damaged or encrypted archive" in lines[f"{album}/c/torn.jpg"]["error"]
    assert "left out: 1 hidden, 1 not pictures\n" in printed.err
    copies = {file.relative_to(into).as_posix() for file in into.rglob("*") if file.is_file()}
    assert {copy.partition("/")[2] for copy in copies} == {
        "evil.jpg",
        "a/no suffix",
        "b/palace.jpg",
    }
    assert not list(tmp_path.glob("evil*"))


def test_damaged_archive_is_an_error_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "a.zip").write_bytes(b"PK\3\4 broken")
    assert run("--json", tmp_path / "a.zip") == 1
    assert "not a readable ZIP archive" in capsys.readouterr().out


def test_list_with_bad_lines_is_classified(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    paths = tmp_path / "paths.txt"
    lines = [folder / "cat.png", "", folder / "cat.png", folder / "none.jpg", "a\0b", folder]
    paths.write_bytes(b"\xef\xbb\xbf" + "\r\n".join(map(str, lines)).encode() + b"\n\xff.jpg\n")

    assert run("--json", paths) == 1

    answers = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [answer.get("error") for answer in answers] == [
        None,
        "listed more than once",
        "cannot be read: No such file or directory",
        "not a valid path",
        "cannot be read: Is a directory",
        "cannot be read: No such file or directory",
    ]


def test_pictures_are_copied_by_label_and_never_overwritten(
    folder: Path, tmp_path: Path, make_bundle: Callable[..., Path]
) -> None:
    into, sure = tmp_path / "sorted", make_bundle(confidence_threshold=0)
    for _ in range(2):  # again: nothing is added
        assert run("--model", sure, folder, "--sort-into", into) == 1
    first = sorted(file.relative_to(into).as_posix() for file in into.rglob("*.*"))
    (palace,) = into.rglob("palace*")
    palace.write_bytes(b"mine")
    assert run("--model", sure, folder, "--sort-into", into) == 1

    assert len(first) == 2
    assert "buildings/inner/palace, old.jpg" in first
    assert palace.read_bytes() == b"mine"
    assert palace.with_name("palace, old (2).jpg").read_bytes() == CHINA.read_bytes()


def test_unsure_pictures_are_linked_into_a_folder_of_their_own(
    folder: Path, tmp_path: Path, make_bundle: Callable[..., Path]
) -> None:
    into, unsure = tmp_path / "sorted", make_bundle(confidence_threshold=1, known=None)

    for _ in range(2):
        assert run("--model", unsure, folder, "--sort-into", into, "--link") == 1

    links = {path.relative_to(into).as_posix(): path for path in into.rglob("*.*")}
    assert set(links) == {"unsure/cat.png", "unsure/inner/palace, old.jpg"}
    assert links["unsure/cat.png"].readlink() == folder / "cat.png"


def test_unknown_picture_is_sorted_into_a_folder_of_its_own(tmp_path: Path) -> None:
    answer = Answer((("sea", 0.9),), confident=False, more={"known": False})

    Sorting(tmp_path).place(Source("a.jpg", "a.jpg", relative="a.jpg"), b"x", answer)

    assert (tmp_path / "unknown" / "a.jpg").read_bytes() == b"x"


def test_wrong_folders_to_sort_into_are_refused(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(folder, "--sort-into", folder / "sorted") == 2
    assert run(folder, "--sort-into", folder / "cat.png") == 2
    assert run(folder, "--link") == 2

    errors = capsys.readouterr().err
    assert "is inside of" in errors
    assert "cat.png is not a folder" in errors
    assert "--link: needs --sort-into" in errors
    assert not (folder / "sorted").exists()


def test_progress_is_shown_on_a_terminal(folder: Path) -> None:
    terminal, shown_to = os.openpty()
    termios.tcsetwinsize(shown_to, (25, 80))
    with subprocess.Popen(
        [sys.executable, "-m", "lambda_api", "classify", folder],
        cwd=ROOT,
        stdin=shown_to,
        stdout=shown_to,
        stderr=shown_to,
    ):
        os.close(shown_to)
        shown = b""
        while data := _read(terminal):
            shown += data
    os.close(terminal)

    assert b"3/3" in shown
    assert b" pictures/s" in shown


def _read(terminal: int) -> bytes:
    try:
        return os.read(terminal, 1000)
    except OSError:  # the other end is closed
        return b""
