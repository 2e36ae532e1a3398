"""`python -m lambda_api classify`: output and exit codes."""

import json
import os
import re
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from lambda_api import images
from lambda_api.__main__ import main
from lambda_api.classifier import Classifier
from tests.lambda_api.classify_command import run, start
from tests.lambda_api.pictures import CHINA, SCIKIT_IMAGE, refused


@pytest.fixture
def folder(tmp_path: Path, photo: bytes) -> Path:
    """A folder with three pictures, one in a subfolder, and other files."""
    root = tmp_path / "holiday"
    inner = root / "Tag 1 – 北京"
    inner.mkdir(parents=True)
    (inner / "der große Turm.JPG").write_bytes(photo)
    (root / "cat.png").write_bytes((SCIKIT_IMAGE / "chelsea.png").read_bytes())
    (root / "rocket.jpeg").write_bytes((SCIKIT_IMAGE / "rocket.jpg").read_bytes())
    (root / "notes.txt").write_text("not a picture")
    (root / "drawing.svg").write_text("<svg xmlns='http://www.w3.org/2000/svg'/>")
    (root / "folder.png").mkdir()
    return root


def as_json(capsys: pytest.CaptureFixture[str], *arguments: object) -> list[dict[str, Any]]:
    run("--json", *arguments)
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def test_json_has_one_prediction_per_line(
    capsys: pytest.CaptureFixture[str], photo: bytes, bundle: Path
) -> None:
    answer = Classifier(bundle).classify(photo)

    (line,) = as_json(capsys, CHINA)

    assert line == {
        "file": str(CHINA),
        "label": answer.label,
        "confidence": round(answer.confidence, 6),
        "confident": answer.confident,
        "known": answer.known,
        "familiarity": answer.familiarity and round(answer.familiarity, 6),
        "predictions": [{"label": x, "confidence": round(p, 6)} for x, p in answer.scores],
    }


def test_a_folder_is_searched_for_pictures(
    capsys: pytest.CaptureFixture[str], folder: Path
) -> None:
    lines = as_json(capsys, folder)

    names = ["Tag 1 – 北京/der große Turm.JPG", "cat.png", "rocket.jpeg"]

    assert [line["file"] for line in lines] == [str(folder / name) for name in names]
    assert all("label" in line for line in lines)


def test_hidden_and_system_files_are_left_out_and_counted(
    capsys: pytest.CaptureFixture[str], folder: Path, photo: bytes
) -> None:
    for name in ("._cat.png", "@eaDir/cat.png", "__MACOSX/x/._a.jpg", "cat.png~"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(b"\0\5\x16\7")
    (folder / "Windows.jfif").write_bytes(photo)
    (folder / "no suffix").write_bytes(photo)
    (folder / "again").symlink_to(folder)

    assert run("--json", folder) == 0

    printed = capsys.readouterr()
    assert len(printed.out.splitlines()) == 5
    assert printed.err == "left out: 4 hidden, 2 not pictures, 1 circular links\n"


def test_a_folder_that_cannot_be_listed_is_an_error_line(
    capsys: pytest.CaptureFixture[str], folder: Path
) -> None:
    deep = folder.joinpath(*"d" * 110)
    deep.mkdir(parents=True)

    lines = as_json(capsys, folder)

    assert "label" in lines[0]
    assert lines[-1]["error"] == "cannot be read: More than 100 nested folders"


def test_the_table_has_a_row_a_picture(capsys: pytest.CaptureFixture[str], folder: Path) -> None:
    labels = {line["file"]: line["label"] for line in as_json(capsys, folder)}
    assert run(folder) == 0
    rows = capsys.readouterr().out.splitlines()
    assert len(rows) == 3
    width = max(map(len, labels))
    for row, (file, label) in zip(rows, labels.items(), strict=True):
        assert row.startswith(f"{file:<{width}}  {label} ")
        assert re.search(r"%(  \((low confidence|unknown: unlike the training pictures)\))?$", row)


def test_top_k_limits_the_classes(capsys: pytest.CaptureFixture[str]) -> None:
    (line,) = as_json(capsys, "--top-k", 2, CHINA)
    assert len(line["predictions"]) == 2
    run("--top-k", 2, CHINA)
    assert capsys.readouterr().out.count("%") == 2


@pytest.mark.parametrize("threshold", [0, 1])
def test_table_marks_low_confidence(
    capsys: pytest.CaptureFixture[str], make_bundle: Callable[..., Path], threshold: float
) -> None:
    run("--model", make_bundle(confidence_threshold=threshold, temperature=100), CHINA)
    assert ("(low confidence)" in capsys.readouterr().out) is bool(threshold)


@pytest.mark.parametrize("kind", refused())
def test_invalid_picture_gets_an_error_line_and_exit_code_1(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, kind: str
) -> None:
    data, error = refused()[kind]
    file = tmp_path / "beach.jpg"
    file.write_bytes(data)
    with pytest.raises(error) as reason:
        images.decode(data, (150, 150))
    assert run("--json", file, CHINA) == 1
    printed = capsys.readouterr()
    first, second = map(json.loads, printed.out.splitlines())
    assert first == {"file": str(file), "error": str(reason.value)}
    assert "label" in second
    assert "1 of 2 files could not be classified." in printed.err
    assert run(file) == 1
    assert f"{file}  error: {reason.value}" in capsys.readouterr().out


def test_named_file_is_read_with_any_suffix(
    capsys: pytest.CaptureFixture[str], folder: Path, tmp_path: Path, photo: bytes
) -> None:
    unnamed = tmp_path / "photo"
    unnamed.write_bytes(photo)
    notes = tmp_path / "notes.md"

    (folder / "notes.txt").rename(notes)
    lines = as_json(capsys, unnamed, notes, tmp_path / "none.jpg")

    assert "label" in lines[0]
    assert lines[1]["error"] == f"This is not a {images.NAMES} picture."
    assert lines[2]["error"] == "cannot be read: No such file or directory"


def test_folder_without_pictures_is_exit_code_2(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    (tmp_path / "notes.txt").write_text("x")
    assert run(tmp_path) == 2
    printed = capsys.readouterr()
    assert (printed.out, printed.err.startswith("error: no pictures found")) == ("", True)


def test_an_unknown_bundle_is_exit_code_2(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    assert run("--model", tmp_path / "none", CHINA) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.startswith(f"error: {tmp_path / 'none'}: No bundle found")


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        ([], "COMMAND"),
        (["paint"], "invalid choice: 'paint'"),
        (["classify"], "PATH"),
        (["classify", "x.jpg", "--top-k", "0"], "'0' is not a whole number of 1 or more"),
        (["classify", "x.jpg", "--top-k", "all"], "'all' is not a whole number of 1 or more"),
    ],
)
def test_wrong_arguments_are_exit_code_2(
    capsys: pytest.CaptureFixture[str], arguments: list[str], reason: str
) -> None:
    with pytest.raises(SystemExit) as caught:
        main(arguments)

    assert caught.value.code == 2
    assert reason in capsys.readouterr().err


def test_closed_pipe_is_no_error() -> None:
    with start(*[CHINA] * 200) as process:
        assert str(CHINA) in process.stdout.readline()
        process.stdout.close()
        errors = process.stderr.read()

    assert process.returncode == 0
    assert "Traceback" not in errors
    assert "BrokenPipe" not in errors


def test_an_interrupt_stops_it_without_a_traceback() -> None:
    with start(*[CHINA] * 1000) as process:
        process.stdout.readline()
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate()

    assert process.returncode == 130
    assert "Traceback" not in errors


def test_unprintable_file_name_is_escaped(tmp_path: Path, photo: bytes) -> None:
    file = Path(os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9 \xe5\x8c\x97.jpg"))
    file.write_bytes(photo)
    with start("--json", tmp_path, PYTHONIOENCODING="ascii") as process:
        output, errors = process.communicate()
    assert (process.returncode, errors) == (0, "")  # nor messages of LiteRT's native code
    line = json.loads(output)
    assert Path(line["file"]) == file
    assert output.isascii()


def test_the_shared_pictures_are_classified(shared_pictures: Path) -> None:
    with start("--json", shared_pictures / "test") as process:
        output, errors = process.communicate()
    assert process.returncode == 0, errors
    lines = [json.loads(line) for line in output.splitlines()]
    right = sum(Path(line["file"]).parent.name == line["label"] for line in lines)
    assert len(lines) == 1061
    assert right / len(lines) >= 0.925
