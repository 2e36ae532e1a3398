"""Unusable input is rejected with a message that says what to do, and nothing is written."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from zipfile import ZipFile

import keras
import pytest

from convert.__main__ import main
from training.run.folder import Run


@pytest.fixture
def run(small_run: Run, tmp_path: Path) -> Run:
    """Copy of `small_run` to damage."""
    copy = Run(tmp_path / "run")
    shutil.copytree(small_run.folder, copy.folder)
    return copy


@pytest.fixture
def rejected(
    run: Run, crops: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> Callable[..., str]:
    """Convert, check that it exits with code 2 and writes nothing, and return its message."""

    def convert(data: Path = crops, *options: str) -> str:
        before = sorted(tmp_path.rglob("*"))
        out = tmp_path / "models" / "small"
        command = ["bundle", str(run.folder), "--data", str(data), "--out", str(out), *options]
        assert main(command) == 2
        assert set(tmp_path.rglob("*")) - {*before, out.parent} == set()
        message = capsys.readouterr().err
        assert message.startswith("error: ")
        return message

    return convert


def _rewrite(path: Path, member: str, change: Callable[[dict], None]) -> None:
    """Change a JSON document in a .keras file."""
    with ZipFile(path) as archive:
        content = {name: archive.read(name) for name in archive.namelist()}
    document = json.loads(content[member])
    change(document)
    content[member] = json.dumps(document).encode()
    with ZipFile(path, "w") as archive:
        for name, data in content.items():
            archive.writestr(name, data)


def test_keras_file_of_a_newer_version_is_rejected(run: Run, rejected: Callable[..., str]) -> None:
    def newer(config: dict) -> None:
        config["config"]["layers"][1] |= {"class_name": "HoloConv", "module": "keras.layers"}

    _rewrite(run.model_path, "config.json", newer)
    _rewrite(run.model_path, "metadata.json", lambda data: data.update(keras_version="9.1.0"))
    message = rejected()
    assert f"is not a model that Keras {keras.__version__} can read" in message
    assert "It was written by Keras 9.1.0. Use the Keras version that wrote it" in message


def test_run_without_its_model_is_rejected(run: Run, rejected: Callable[..., str]) -> None:
    run.model_path.unlink()
    assert "model.keras: no such file. Train again, or restore the file." in rejected()


@pytest.mark.parametrize(("classes", "size"), [(2, 64), (3, 48)])
def test_model_with_other_classes_or_picture_size_is_rejected(
    run: Run, rejected: Callable[..., str], classes: int, size: int
) -> None:
    pixels = keras.Input((size, size, 3))
    pooled = keras.layers.GlobalAveragePooling2D()(pixels)
    logits = keras.layers.Dense(classes, name="logits")(pooled)
    keras.Model(pixels, keras.layers.Softmax()(logits)).save(run.model_path)
    message = rejected()
    assert f"it maps ({size}, {size}, 3) to ({classes},), but the run has pictures" in message
    assert "3 classes (coffee, flower, hubble). Restore the file" in message


def test_data_with_other_classes_are_rejected(
    crops: Path, tmp_path: Path, rejected: Callable[..., str]
) -> None:
    data = tmp_path / "data"
    shutil.copytree(crops / "train", data)
    (data / "hubble").rename(data / "galaxy")
    message = rejected(data)

    assert "the classes are coffee, flower, galaxy, but the run was trained on coffee" in message


def test_unreadable_training_picture_is_named(
    crops: Path, tmp_path: Path, rejected: Callable[..., str]
) -> None:
    data = tmp_path / "data"
    shutil.copytree(crops / "train", data)
    (data / "coffee" / "03.jpg").write_bytes(b"no picture")

    assert "coffee/03.jpg" in rejected(data)


def test_unreadable_test_picture_is_named(
    small_bundle: Path, crops: Path, tmp_path: Path, rejected: Callable[..., str], capsys
) -> None:
    data = tmp_path / "data"
    shutil.copytree(crops, data)
    (data / "test" / "coffee" / "25.jpg").write_bytes(b"no picture")

    assert "coffee/25.jpg" in rejected(data)
    assert main(["evaluate", str(small_bundle), str(data / "test")]) == 2
    assert "coffee/25.jpg" in capsys.readouterr().err


def test_debug_folder_that_cannot_be_written_is_rejected(
    run: Run, crops: Path, rejected: Callable[..., str]
) -> None:
    message = rejected(crops, "--debug", str(run.model_path / "debug"))

    assert "model.keras" in message


def test_missing_history_file_is_rejected(
    crops: Path, tmp_path: Path, rejected: Callable[..., str]
) -> None:
    assert "nowhere.md" in rejected(crops, "--history", str(tmp_path / "nowhere.md"))


def test_too_few_calibration_pictures_are_rejected(
    crops: Path, rejected: Callable[..., str]
) -> None:
    message = rejected(crops, "--calibration-pictures", "9")

    assert "9 calibration pictures are too few" in message
    assert "--scheme float16" in message


def test_unknown_scheme_is_rejected(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["bundle", "run", "--data", "data", "--out", "out", "--scheme", "int4"])
    assert "invalid choice: 'int4'" in capsys.readouterr().err
