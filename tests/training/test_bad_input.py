"""Unusable input: the command names the file and a remedy, and leaves nothing behind."""

import json
import shutil
from contextlib import suppress
from functools import partialmethod
from pathlib import Path
from typing import Any

import keras
import pytest

from tests.small_line import SMALL_NETWORK
from training.__main__ import main
from training.errors import RunError
from training.run.checkpoint import BestModel
from training.run.folder import STATE_BYTES, Run


@pytest.fixture
def data(crops: Path, tmp_path: Path) -> Path:
    """A copy of a few pictures: 8 per class, without a test part."""
    root = tmp_path / "data"
    for path in sorted((crops / "test").glob("*/*.jpg")):
        (root / path.parent.name).mkdir(parents=True, exist_ok=True)
        shutil.copy(path, root / path.parent.name)
    return root


def _only(data: Path, count: int) -> None:
    for path in sorted((data / "flower").iterdir())[count:]:
        path.unlink()


def _no_folder(data: Path) -> None:
    shutil.rmtree(data)


def _a_file_in_its_place(data: Path) -> None:
    shutil.rmtree(data)
    data.write_text("pictures.zip")


def _one_class(data: Path) -> None:
    shutil.rmtree(data / "coffee")
    shutil.rmtree(data / "hubble")


def _empty_class(data: Path) -> None:
    _only(data, 0)


def _class_of_other_files(data: Path) -> None:
    _only(data, 0)
    (data / "flower" / "notes.txt").write_text("no picture")
    (data / "flower" / "clip.mp4").write_bytes(b"\0\0\0\x18ftypisom")
    (data / "flower" / "album.jpg").mkdir()


def _one_picture(data: Path) -> None:
    _only(data, 1)


def _unreadable_files(data: Path) -> None:
    whole = (data / "coffee" / "24.jpg").read_bytes()
    (data / "coffee" / "cut off é.jpg").write_bytes(whole[: len(whole) // 2])
    (data / "flower" / "empty.png").touch()
    (data / "flower" / "gone.jpg").symlink_to(data / "nowhere.jpg")
    (data / "hubble" / "text.webp").write_text("text")


def _name_that_is_not_text(data: Path) -> None:
    (data / "coffee" / "24.jpg").rename(data / "coffee" / "caf\udce9.jpg")


SPOILED = [
    (_no_folder, ["data: no such folder"]),
    (_a_file_in_its_place, ["data: no such folder"]),
    (_one_class, ["contains 1 class folders", "at least two classes"]),
    (_empty_class, ["flower contains no pictures", "Add some, or remove the folder"]),
    (_class_of_other_files, ["flower contains no pictures", "Add some, or remove the folder"]),
    (_one_picture, ["the class 'flower' has 1", "Add some, or remove the class"]),
    (
        _unreadable_files,
        [
            *(
                "4 of 28 files",
                "Repair or remove them",
                "coffee/cut off é.jpg: The JPEG picture is",
            ),
            *(
                "flower/empty.png: ",
                "flower/gone.jpg: No such file",
                "hubble/text.webp: This is not",
            ),
        ],
    ),
    (_name_that_is_not_text, [r"'coffee/caf\udce9.jpg' in ", "Rename the file"]),
]


@pytest.mark.parametrize(("spoil", "messages"), SPOILED, ids=[s.__name__[1:] for s, _ in SPOILED])
def test_unusable_pictures_are_rejected(
    data: Path, tmp_path: Path, capsys, spoil, messages
) -> None:
    spoil(data)
    run = tmp_path / "runs" / "mine"
    assert main(["train", str(data), str(run), *SMALL_NETWORK]) == 2
    said = capsys.readouterr().err
    assert said.startswith("error: ")
    for message in messages:
        assert message in said
    assert not run.parent.exists()


def test_two_pictures_per_class_are_enough_to_train(data: Path, tmp_path: Path) -> None:
    for folder in list(data.iterdir()):
        for path in sorted(folder.iterdir())[2:]:
            path.unlink()
    (data / "flower").rename(data / "цветы & 花")
    run = Run(tmp_path / "run")
    command = ["train", str(data), str(run.folder), *SMALL_NETWORK, "--epochs", "1"]
    assert main([*command, "--validation-fraction", "0.5"]) == 0
    assert run.split().classes == ("coffee", "hubble", "цветы & 花")


@pytest.fixture(scope="module")
def other_weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Weights of a narrower MobileNetV2."""
    path = tmp_path_factory.mktemp("weights") / "narrow.weights.h5"
    keras.applications.MobileNetV2(
        (64, 64, 3), alpha=0.35, include_top=False, weights=None
    ).save_weights(path)
    return path


@pytest.mark.parametrize("architecture", ["mobilenet_v2", "efficientnet_lite2", "custom_cnn"])
def test_weights_that_do_not_fit(
    data: Path, tmp_path: Path, capsys, other_weights: Path, architecture: str
) -> None:
    command = ["train", str(data), str(tmp_path / "run"), "--weights", str(other_weights)]
    assert main([*command, "--architecture", architecture, "--image-size", "64"]) == 2
    said = capsys.readouterr().err
    assert f"Cannot use the weights '{other_weights}'" in said
    assert "--weights none" in said
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("place", ["file", "file/run"])
def test_a_run_folder_that_cannot_be_made(data: Path, tmp_path: Path, capsys, place: str) -> None:
    (tmp_path / "file").write_text("precious")
    assert main(["train", str(data), str(tmp_path / place), *SMALL_NETWORK]) == 2
    assert str(tmp_path / "file") in capsys.readouterr().err
    assert (tmp_path / "file").read_text() == "precious"


def _leave(monkeypatch: pytest.MonkeyPatch, *free: int) -> None:
    """Mock the free bytes of the disk: one number per call, the last one repeats."""
    answers = list(free)

    class Usage:
        @property
        def free(self) -> int:
            return answers.pop(0) if len(answers) > 1 else answers[0]

    monkeypatch.setattr(shutil, "disk_usage", lambda _: Usage())


def test_a_full_disk_is_reported_before_writing__disk_usage_mocked(
    data: Path, tmp_path: Path, capsys, monkeypatch: pytest.MonkeyPatch
) -> None:
    _leave(monkeypatch, 10_000_000)
    run = tmp_path / "runs" / "mine"
    assert main(["train", str(data), str(run), *SMALL_NETWORK, "--epochs", "1"]) == 2
    said = capsys.readouterr().err
    assert f"{run}: " in said
    assert "10 MB free" in said
    assert "Free some space" in said
    assert not run.parent.exists()


def test_a_run_can_be_resumed_after_a_full_disk__disk_usage_mocked(
    data: Path, tmp_path: Path, capsys, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = Run(tmp_path / "run")
    command = ["train", str(data), str(run.folder), *SMALL_NETWORK, "--epochs", "2"]
    with monkeypatch.context() as patch:
        _leave(patch, 10**9, 10**9, 1_000_000)  # at the start, in the first epoch, in the second
        assert main(command) == 2
    assert "1 MB free" in capsys.readouterr().err
    assert len(run.epochs()) == 1
    assert main([*command, "--resume"]) == 0
    assert len(run.epochs()) == 2


def test_the_required_disk_space_is_the_size_of_the_model(small_run: Run) -> None:
    model = keras.models.load_model(small_run.model_path)
    needed = STATE_BYTES * model.count_params()
    assert small_run.model_path.stat().st_size == pytest.approx(needed, rel=0.1)


def _cut_off(model: keras.Model, path: Path, *_: object, **__: object) -> None:
    Path(path).write_bytes(b"PK\x03\x04 half")
    raise KeyboardInterrupt


def test_a_run_can_be_resumed_after_an_interrupted_save__save_mocked(
    data: Path, tmp_path: Path, capsys, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = Run(tmp_path / "run")
    command = ["train", str(data), str(run.folder), *SMALL_NETWORK, "--epochs", "2"]

    with monkeypatch.context() as patch:
        patch.setattr(keras.Model, "save", _cut_off)
        assert main(command) == 130
    assert not run.finished
    assert main(["report", str(run.folder), "--data", str(data)]) == 2
    assert "contains no finished run" in capsys.readouterr().err
    assert main([*command, "--resume"]) == 0
    keras.models.load_model(run.model_path, compile=False)
    assert len(run.epochs()) == 2


def test_an_interrupted_save_keeps_the_previous_model__save_mocked(
    small_run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run, model = Run(tmp_path), keras.models.load_model(small_run.model_path)
    best = BestModel(run, model)
    best.set_model(model)
    best.on_epoch_end(0, {"val_accuracy": 0.5})
    before = run.model_path.read_bytes()
    with monkeypatch.context() as patch:
        patch.setattr(keras.Model, "save", _cut_off)
        with pytest.raises(KeyboardInterrupt):
            best.on_epoch_end(1, {"val_accuracy": 0.9})
    assert run.model_path.read_bytes() == before
    best.on_epoch_end(1, {"val_accuracy": 0.4})  # a partial file is never loaded as a model
    assert run.model_path.read_bytes() == before
    assert [path.name for path in tmp_path.iterdir()] == ["model.keras"]


def test_an_interrupted_last_save_keeps_the_best_model__save_mocked(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = Run(tmp_path / "run")
    command = ["train", str(data), str(run.folder), *SMALL_NETWORK, "--epochs", "1"]
    command += ["--mixed-precision"]  # it is saved once more, in full precision
    save = keras.Model.save

    def cut_off_at_the_end(model: keras.Model, *arguments: Any, **options: Any) -> None:
        (_cut_off if run.epochs() else save)(model, *arguments, **options)

    with monkeypatch.context() as patch:
        patch.setattr(keras.Model, "save", cut_off_at_the_end)
        assert main(command) == 130
    keras.models.load_model(run.model_path, compile=False)
    assert main([*command, "--resume"]) == 0
    assert run.finished


def test_resuming_writes_an_interrupted_report__report_mocked(
    data: Path, tmp_path: Path, capsys, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = Run(tmp_path / "run")
    command = ["train", str(data), str(run.folder), *SMALL_NETWORK, "--epochs", "1"]

    def interrupt(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("training.train.write_report", interrupt)
        assert main(command) == 130
    assert "To continue, rerun with --resume" in capsys.readouterr().out
    assert main([*command, "--resume"]) == 0
    assert (run.folder / "report" / "report.html").is_file()
    assert len(run.epochs()) == 1


def test_a_report_names_a_test_picture_that_does_not_decode(
    small_run: Run, crops: Path, tmp_path: Path, capsys
) -> None:
    data = tmp_path / "data"
    shutil.copytree(crops, data)
    (data / "test" / "coffee" / "25.jpg").write_bytes(b"no picture")
    assert main(["report", str(small_run.folder), "--data", str(data), "--part", "test"]) == 2
    assert "coffee/25.jpg" in capsys.readouterr().err


def test_a_report_needs_the_model_of_the_run(
    small_run: Run, crops: Path, tmp_path: Path, capsys
) -> None:
    run = Run(tmp_path / "run")
    shutil.copytree(small_run.folder, run.folder)
    run.model_path.unlink()
    assert main(["report", str(run.folder), "--data", str(crops)]) == 2
    assert f"{run.model_path}: no such file. Train again" in capsys.readouterr().err


@pytest.mark.parametrize("survived", range(5))  # steps: two files, each written and renamed
def test_a_run_killed_at_its_start_is_new_or_resumable__write_mocked(
    small_run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, survived: int
) -> None:
    run, config, split = Run(tmp_path / "run"), small_run.config(), small_run.split()
    steps = iter(range(4))

    def step(path: Path, original: Any, *arguments: Any, **options: Any) -> Any:
        if next(steps) == survived:
            raise KeyboardInterrupt
        return original(path, *arguments, **options)

    with monkeypatch.context() as patch, suppress(KeyboardInterrupt):
        patch.setattr(Path, "write_text", partialmethod(step, Path.write_text))
        patch.setattr(Path, "replace", partialmethod(step, Path.replace))
        run.create(config, split, parameters=1)
    if survived == 4:
        run.check_resumable(config, split)
    else:
        with pytest.raises(RunError, match="Start one without --resume"):
            run.check_resumable(config, split)
        run.check_new()


@pytest.mark.parametrize("name", ["config.json", "split.json", "result.json"])
def test_a_damaged_run_names_the_file(
    small_run: Run, crops: Path, tmp_path: Path, capsys, name: str
) -> None:
    run = tmp_path / "run"
    shutil.copytree(small_run.folder, run)
    (run / name).write_text(json.dumps({"half": "a"})[:-3])
    assert main(["report", str(run), "--data", str(crops)]) == 2
    assert f"{run} contains no run ({name}: " in capsys.readouterr().err
