"""`python -m training collect`: what comes in, what is left out, and interruptions."""

import json
import shutil
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from lambda_api.collection.records import PICTURES, Feedback, feedback_name, picture_file
from lambda_api.collection.store import FolderStore, Store
from training.__main__ import main
from training.collected import collect as module
from training.collected.collect import STAGING, Report, collect

Say = Callable[..., str]


@pytest.fixture
def data(crops: Path, tmp_path: Path) -> Path:
    """The small data set, without the last two training pictures of each class."""
    folder = tmp_path / "data"
    shutil.copytree(crops, folder)
    for path in (folder / "train").glob("*/2[23].jpg"):
        path.unlink()
    return folder


@pytest.fixture
def store(tmp_path: Path) -> FolderStore:
    return FolderStore(tmp_path / "collected")


@pytest.fixture
def say(store: Store) -> Say:
    """Return a function that stores feedback as the service does."""

    def write(picture: Path, label: str | None, *, predicted: str = "hubble") -> str:
        data = picture.read_bytes()
        name = picture_file(data, "JPEG")
        feedback = Feedback(
            picture=name,
            request_id="r",
            time=datetime.now(UTC),
            model="small",
            model_version="0" * 12,
            answer={"label": predicted},
            label=label,
        )
        store.write(PICTURES + name, data)
        store.write(feedback_name(feedback), feedback.model_dump_json().encode())
        return name

    return write


def new_files(data: Path) -> list[str]:
    return sorted(path.relative_to(data).as_posix() for path in data.rglob("*collected*"))


def test_new_pictures_go_to_their_classes(
    store: Store, data: Path, crops: Path, say: Say, tmp_path: Path
) -> None:
    coffee = say(crops / "train" / "coffee" / "23.jpg", "coffee")
    flower = say(crops / "train" / "flower" / "23.jpg", "flower", predicted="flower")
    other = say(crops / "train" / "flower" / "22.jpg", None)

    report = collect(store, data, tmp_path / "others")

    assert new_files(data) == [
        f"train/coffee/collected-{coffee}",
        f"train/flower/collected-{flower}",
    ]
    assert (data / "train" / "coffee" / f"collected-{coffee}").read_bytes() == (
        crops / "train" / "coffee" / "23.jpg"
    ).read_bytes()
    assert [path.name for path in (tmp_path / "others").iterdir()] == [f"collected-{other}"]
    assert dict(report.added) == {"coffee": 1, "flower": 1}
    assert (report.records, report.confirmed, report.others, report.left_out) == (3, 1, 1, {})


def test_second_run_adds_nothing(
    store: Store, data: Path, crops: Path, say: Say, tmp_path: Path
) -> None:
    say(crops / "train" / "coffee" / "23.jpg", "coffee")
    say(crops / "train" / "flower" / "22.jpg", None)
    collect(store, data, tmp_path / "others")
    before = {path: path.stat().st_mtime_ns for path in data.rglob("*")}

    report = collect(store, data, tmp_path / "others")

    assert (report.added.total(), report.others, report.present) == (0, 0, 2)
    after = {path: path.stat().st_mtime_ns for path in data.rglob("*") if path.is_file()}
    assert after == {path: time for path, time in before.items() if path.is_file()}


@pytest.mark.parametrize(
    ("case", "reason"),
    [
        ("copy", "copy: the same file as train/coffee/00.jpg"),
        ("contradiction", "contradiction: the same file as train/coffee/00.jpg, labeled coffee"),
        ("leak", "leak: the same file as test/coffee/24.jpg in the test part"),
        ("near copy", "copy: nearly the same picture as train/coffee/00.jpg"),
        ("two labels", "contradictory labels: coffee, flower"),
        ("label or none", "contradictory labels: coffee, none"),
        ("unknown class", "the data set has no class 'beach'"),
        ("none", "labeled none, and no --others FOLDER"),
        ("expired", "the picture has expired"),
        ("altered", "the picture was altered"),
        ("damaged", "damaged or incomplete"),
    ],
)
def test_pictures_that_do_not_help_are_left_out_with_the_reason(
    store: FolderStore,
    data: Path,
    crops: Path,
    say: Say,
    tmp_path: Path,
    case: str,
    reason: str,
) -> None:
    train = crops / "train" / "coffee"
    match case:
        case "copy":
            name = say(train / "00.jpg", "coffee")
        case "contradiction":
            name = say(train / "00.jpg", "flower")
        case "leak":
            name = say(crops / "test" / "coffee" / "24.jpg", "coffee")
        case "near copy":
            Image.open(train / "00.jpg").save(tmp_path / "small.jpg", quality=60)
            name = say(tmp_path / "small.jpg", "coffee")
        case "two labels" | "label or none":
            say(train / "23.jpg", "coffee")
            name = say(train / "23.jpg", "flower" if case == "two labels" else None)
        case "damaged":
            (tmp_path / "half.jpg").write_bytes((train / "23.jpg").read_bytes()[:900])
            name = say(tmp_path / "half.jpg", "coffee")
        case _:
            label = {"unknown class": "beach", "none": None}.get(case, "coffee")
            name = say(train / "23.jpg", label)
    if case == "expired":
        (store.folder / PICTURES / name).unlink()
    if case == "altered":
        (store.folder / PICTURES / name).write_bytes((train / "00.jpg").read_bytes())

    report = collect(store, data)

    assert report.added.total() == 0
    assert new_files(data) == []
    assert reason in report.left_out[name]


def test_files_of_others_are_ignored_with_a_count(
    store: FolderStore, data: Path, crops: Path, say: Say
) -> None:
    say(crops / "train" / "coffee" / "23.jpg", "coffee")
    (record,) = (name for name in store.names("feedback/"))
    text = (store.folder / record).read_bytes()
    store.write("notes.txt", b"look at these")
    store.write(record.replace("feedback/", "feedback/old/"), text)
    store.write(f"feedback/{'a' * 64}/{'b' * 64}.json", text)  # a name of another content
    store.write(f"feedback/{'c' * 64}/{'d' * 64}.json", b"{}")

    report = collect(store, data)

    assert (report.records, report.foreign, report.added.total()) == (1, 4, 1)


def test_interrupted_run_leaves_complete_pictures_and_is_continued(
    store: Store, data: Path, crops: Path, say: Say, monkeypatch: pytest.MonkeyPatch
) -> None:
    say(crops / "train" / "coffee" / "23.jpg", "coffee")
    say(crops / "train" / "flower" / "23.jpg", "flower")
    move, moved = module._move, []

    def interrupt(*arguments: Any) -> bool:
        if moved:
            raise KeyboardInterrupt
        moved.append(move(*arguments))
        return True

    monkeypatch.setattr(module, "_move", interrupt)
    with pytest.raises(KeyboardInterrupt):
        collect(store, data)
    monkeypatch.undo()
    assert (data / STAGING).is_dir()
    assert len([file for file in new_files(data) if STAGING not in file]) == 1

    report = collect(store, data)

    assert (report.added.total(), report.present) == (1, 1)
    assert len(new_files(data)) == 2


def test_command_prints_a_report(
    store: FolderStore, data: Path, crops: Path, say: Say, capsys: pytest.CaptureFixture[str]
) -> None:
    say(crops / "train" / "coffee" / "23.jpg", "coffee")
    say(crops / "train" / "coffee" / "00.jpg", "coffee")
    source = str(store.folder)

    assert main(["collect", source, str(data)]) == 0
    text = capsys.readouterr().out
    assert main(["collect", source, str(data), "--json"]) == 0

    assert "Added 1 pictures: 1 coffee. The prediction had been right for 0 of them." in text
    assert "copy: the same file as train/coffee/00.jpg" in text
    assert json.loads(capsys.readouterr().out)["present"] == 1


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("nowhere", "nowhere: no such folder. Pass COLLECT_TO of the service."),
        ("s3://bucket", "must be s3://bucket/prefix"),
    ],
)
def test_unusable_source_is_an_error(
    data: Path, source: str, message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["collect", source, str(data)]) == 2
    assert message in capsys.readouterr().err


def test_others_inside_of_the_data_are_refused(
    store: FolderStore, data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    store.folder.mkdir()

    code = main(["collect", str(store.folder), str(data), "--others", str(data / "others")])

    assert code == 2
    assert "would be read as a class" in capsys.readouterr().err


def test_empty_store_adds_nothing(store: FolderStore, data: Path) -> None:
    store.folder.mkdir()

    assert collect(store, data) == Report()
