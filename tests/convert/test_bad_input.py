"""What cannot be converted is refused with what to do, and nothing is written."""

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
    """A copy of `small_run` to spoil."""
    copy = Run(tmp_path / "run")
    shutil.copytree(small_run.folder, copy.folder)
    return copy


@pytest.fixture
def refused(
    run: Run, crops: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> Callable[..., str]:
    """Converts, sees that it ends with exit code 2 and writes nothing; gives what it said."""

    def convert(data: Path = crops, *options: str) -> str:
        before = sorted(tmp_path.rglob("*"))
        out = tmp_path / "models" / "small"
        command = ["bundle", str(run.folder), "--data", str(data), "--out", str(out), *options]
        assert main(command) == 2
        assert set(tmp_path.rglob("*")) - {*before, out.parent} == set()
        said = capsys.readouterr().err
        assert said.startswith("error: ")
        return said

    return convert


def _rewritten(path: Path, member: str, change: Callable[[dict], None]) -> None:
    """Change a JSON document in a .keras file."""
    with ZipFile(path) as archive:
        content = {name: archive.read(name) for name in archive.namelist()}
    document = json.loads(content[member])
    change(document)
    content[member] = json.dumps(document).encode()
    with ZipFile(path, "w") as archive:
        for name, data in content.items():
            archive.writestr(name, data)


def test_a_keras_file_of_another_version_is_refused_by_its_version(
    run: Run, refused: Callable[..., str]
) -> None:
    def of_the_future(config: dict) -> None:
        config["config"]["layers"][1] |= {"class_name": "HoloConv", "module": "keras.layers"}

    _rewritten(run.model_path, "config.json", of_the_future)
    _rewritten(run.model_path, "metadata.json", lambda data: data.update(keras_version="9.1.0"))
    said = refused()
    assert f"is not a model that Keras {keras.__version__} can read" in said
    assert "It was written by Keras 9.1.0. Use the Keras version that wrote it" in said


def test_a_run_without_its_model_is_refused(run: Run, refused: Callable[..., str]) -> None:
    run.model_path.unlink()
    assert "model.keras: no such file. Train again, or restore the file." in refused()


@pytest.mark.parametrize(("classes", "size"), [(2, 64), (3, 48)])
def test_a_model_of_other_classes_or_pictures_than_the_run_s_is_refused(
    run: Run, refused: Callable[..., str], classes: int, size: int
) -> None:
    pixels = keras.Input((size, size, 3))
    pooled = keras.layers.GlobalAveragePooling2D()(pixels)
    logits = keras.layers.Dense(classes, name="logits")(pooled)
    keras.Model(pixels, keras.layers.Softmax()(logits)).save(run.model_path)
    said = refused()
    assert f"it maps ({size}, {size}, 3) to ({classes},), but the run has pictures" in said
    assert "3 classes (coffee, flower, hubble). Restore the file" in said


def test_data_with_other_classes_than_the_run_s_are_refused(
    crops: Path, tmp_path: Path, refused: Callable[..., str]
) -> None:
    data = tmp_path / "data"
    shutil.copytree(crops / "train", data)
    (data / "hubble").rename(data / "galaxy")
    said = refused(data)
    assert "has the classes coffee, flower, galaxy; the run was trained on coffee" in said


def test_a_picture_that_no_longer_decodes_is_named(
    crops: Path, tmp_path: Path, refused: Callable[..., str]
) -> None:
    data = tmp_path / "data"
    shutil.copytree(crops / "train", data)
    (data / "coffee" / "03.jpg").write_bytes(b"no picture")
    assert "coffee/03.jpg" in refused(data)


def test_a_test_picture_that_does_not_decode_is_named(
    small_bundle: Path, crops: Path, tmp_path: Path, refused: Callable[..., str], capsys
) -> None:
    data = tmp_path / "data"
    shutil.copytree(crops, data)
    (data / "test" / "coffee" / "25.jpg").write_bytes(b"no picture")
    assert "coffee/25.jpg" in refused(data)
    assert main(["evaluate", str(small_bundle), str(data / "test")]) == 2
    assert "coffee/25.jpg" in capsys.readouterr().err


def test_a_folder_for_the_layers_errors_that_cannot_be_written_is_refused(
    run: Run, crops: Path, refused: Callable[..., str]
) -> None:
    said = refused(crops, "--debug", str(run.model_path / "debug"))
    assert "model.keras" in said


def test_a_history_that_is_not_there_is_refused(
    crops: Path, tmp_path: Path, refused: Callable[..., str]
) -> None:
    assert "nowhere.md" in refused(crops, "--history", str(tmp_path / "nowhere.md"))


def test_too_few_pictures_to_calibrate_with_are_refused(
    crops: Path, refused: Callable[..., str]
) -> None:
    said = refused(crops, "--calibration-pictures", "9")
    assert "9 calibration pictures are too few" in said
    assert "--scheme float16" in said


def test_an_unknown_scheme_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["bundle", "run", "--data", "data", "--out", "out", "--scheme", "int4"])
    assert "invalid choice: 'int4'" in capsys.readouterr().err
