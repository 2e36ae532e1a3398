"""A run: its folder and its command line."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest

from tests.small_line import SMALL_NETWORK
from training.__main__ import main
from training.audit.examine import examine
from training.audit.files import list_files
from training.batches import stream
from training.config import TrainingConfig
from training.data import read_folder, split
from training.errors import DataError, RunError
from training.run.folder import Run, file_sha256, resolve
from training.selection import check_exclusions
from training.train import train


def _audit_of(data: Path, names: dict[str, str]) -> str:
    """An audit that excludes `names` with these causes."""
    exclude = [{"path": path, "cause": cause, "reason": cause} for path, cause in names.items()]
    audit = examine(list_files(data)).model_dump(mode="json")
    return json.dumps(audit | {"exclude": exclude})


def test_a_run_folder_contains_inputs_and_results(small_run: Run, crops: Path) -> None:
    config, split, result = small_run.config(), small_run.split(), small_run.result()
    assert (config.architecture, config.image_size) == ("custom_cnn", 64)
    assert split.classes == ("coffee", "flower", "hubble")
    assert (len(split.train), len(split.validation)) == (57, 15)
    assert not set(split.train) & set(split.validation)
    rows = small_run.history_path.read_text().splitlines()
    assert rows[0].startswith("phase,epoch,accuracy,loss,")
    assert len(rows) - 1 == result.epochs == config.epochs
    validation = resolve(read_folder(crops / "train"), split.validation)
    model = keras.models.load_model(small_run.model_path, compile=False)
    answers = model.predict(stream(validation, 64, 32), verbose=0).argmax(axis=1)
    assert (answers == validation.labels).mean() == pytest.approx(result.validation_accuracy)
    assert (small_run.folder / "report" / "report.html").is_file()
    assert not small_run.backup_path.exists()


def test_the_model_of_the_best_epoch_is_kept(small_run: Run) -> None:
    result = small_run.result()
    assert result.head_accuracy is None
    assert result.validation_accuracy == pytest.approx(small_run.best_accuracy())
    assert result.validation_accuracy > 0.6  # it did learn


def test_without_epochs_only_the_head_is_trained(crops: Path, tmp_path: Path) -> None:
    weights, run = tmp_path / "random.weights.h5", Run(tmp_path / "run")
    keras.utils.set_random_seed(0)
    network = keras.applications.MobileNetV2(
        (32, 32, 3), alpha=0.35, include_top=False, weights=None
    )
    network.save_weights(weights)
    config = TrainingConfig(
        weights=str(weights), alpha=0.35, image_size=32, head_epochs=20, epochs=0
    )
    result = train(crops, run.folder, config, tensorboard=True)
    assert list((run.folder / "tensorboard" / "head").rglob("events.*"))
    assert result.epochs == 0
    assert result.head_accuracy == pytest.approx(result.validation_accuracy)
    assert result.validation_accuracy > 0.4  # even random features tell some apart
    assert result.weights_sha256 == file_sha256(weights)
    model = keras.models.load_model(run.model_path, compile=False)
    kernel, original = (x.get_layer("Conv1").get_weights()[0] for x in (model, network))
    np.testing.assert_allclose(kernel, original / np.sqrt(1 + 1e-3), rtol=1e-5)  # folded


def test_a_run_is_never_overwritten(small_run: Run, crops: Path, capsys) -> None:
    before = {p: p.read_bytes() for p in small_run.folder.rglob("*") if p.is_file()}
    assert main(["train", str(crops), str(small_run.folder), *SMALL_NETWORK]) == 2
    assert "is not empty" in capsys.readouterr().err
    assert main(["train", str(crops), str(small_run.folder), *SMALL_NETWORK, "--resume"]) == 2
    assert "is finished" in capsys.readouterr().err
    after = {p: p.read_bytes() for p in small_run.folder.rglob("*") if p.is_file()}
    assert after == before


def test_unusable_input_is_reported_and_leaves_no_folder(crops: Path, tmp_path, capsys) -> None:
    run = tmp_path / "run"
    for arguments, message in [
        ([str(tmp_path / "nowhere")], "no such folder"),
        ([str(crops), "--weights", "nowhere.h5"], "no such weights file"),
        ([str(crops), "--epochs", "-1"], "greater than or equal to 0"),
        ([str(crops), "--architecture", "resnet50", "--alpha", "0.5"], "resnet50 ignores alpha"),
        ([str(crops), "--resume"], "contains no run"),
    ]:
        assert main(["train", arguments[0], str(run), *arguments[1:]]) == 2
        assert message in capsys.readouterr().err
        assert not run.exists()


def test_a_run_can_be_repeated_and_options_override_its_config(
    small_run: Run, crops: Path, tmp_path: Path
) -> None:
    run = Run(tmp_path / "again")
    config = small_run.folder / "config.json"
    command = ["train", str(crops), str(run.folder), "--config", str(config), "--epochs", "1"]
    assert main([*command, "--tensorboard"]) == 0
    assert run.config() == small_run.config().model_copy(update={"epochs": 1})
    again, before = run.epochs()[0], small_run.epochs()[0]
    assert (again.loss, again.val_accuracy) == (before.loss, before.val_accuracy)
    assert list((run.folder / "tensorboard").rglob("events.*"))


def test_excluded_files_are_left_out_of_an_unchanged_split(
    small_run: Run, crops: Path, tmp_path: Path, capsys
) -> None:
    split = small_run.split()
    names = {split.train[0]: "copy", split.validation[0]: "contradiction"}
    audit = tmp_path / "audit.json"
    audit.write_text(_audit_of(crops, names))
    run = Run(tmp_path / "run")
    command = ["train", str(crops), str(run.folder), *SMALL_NETWORK, "--epochs", "1"]
    assert main([*command, "--exclude", str(audit)]) == 0
    assert run.split().train == split.train[1:]
    assert run.split().validation == split.validation[1:]
    assert run.split().dataset_sha256 != split.dataset_sha256
    assert (run.split().excluded, run.split().audit_sha256) == (2, file_sha256(audit))
    assert "near copies" not in capsys.readouterr().out

    audit.write_text(_audit_of(crops, {"coffee/elsewhere.jpg": "copy"}))
    other = str(tmp_path / "other")
    assert main(["train", str(crops), other, *SMALL_NETWORK, "--exclude", str(audit)]) == 2
    assert "first coffee/elsewhere.jpg" in capsys.readouterr().err
    assert not Path(other).exists()


def test_excluding_all_validation_pictures_of_a_class_is_rejected(crops: Path) -> None:
    pictures = read_folder(crops / "train")
    fitting, validation = split(pictures, 0.2, seed=0)
    excluded = frozenset(p.as_posix() for p in validation.paths if p.parts[0] == "flower")

    with pytest.raises(DataError, match="no pictures of the class 'flower' in the validation"):
        check_exclusions(excluded, pictures, fitting, validation)


def test_an_older_run_without_audit_fields_can_be_resumed(small_run: Run, tmp_path: Path) -> None:
    run, config, split = Run(tmp_path / "run"), small_run.config(), small_run.split()
    run.create(config, split, parameters=1)
    path = run.folder / "split.json"
    older = json.loads(path.read_bytes())
    del older["excluded"], older["audit_sha256"]
    path.write_text(json.dumps(older))
    assert run.split() == split
    again = split.model_copy(update={"excluded": 2, "audit_sha256": "0" * 64})
    run.check_resumable(config, again)


def test_training_warns_of_pictures_that_are_in_the_test_set(
    crops: Path, tmp_path: Path, capsys
) -> None:
    data = tmp_path / "data"
    shutil.copytree(crops, data)
    leaked = next((data / "train" / "coffee").iterdir())
    shutil.copy(leaked, data / "test" / "flower" / "leak.jpg")
    command = ["train", str(data), str(tmp_path / "run"), *SMALL_NETWORK, "--epochs", "1"]
    assert main(command) == 0
    said = capsys.readouterr().out
    assert (
        f"1 training pictures have an exact copy in the test set, first coffee/{leaked.name}"
        in said
    )
    assert "`python -m training audit` also finds near copies" in said


def test_mixed_precision_saves_a_float32_model(crops: Path, tmp_path: Path) -> None:
    run = Run(tmp_path / "run")
    command = ["train", str(crops), str(run.folder), *SMALL_NETWORK, "--epochs", "1"]
    assert main([*command, "--mixed-precision"]) == 0
    model = keras.models.load_model(run.model_path, compile=False)
    assert {layer.dtype_policy.name for layer in model.layers} == {"float32"}
    assert run.result().validation_accuracy > 0.3


def test_a_report_of_the_test_pictures_is_written_on_request(
    small_run: Run, crops: Path, capsys
) -> None:
    command = ["report", str(small_run.folder), "--data", str(crops), "--part", "test"]
    assert not (small_run.folder / "report-test").exists()
    assert main(command) == 0
    assert "test accuracy" in capsys.readouterr().out
    assert (small_run.folder / "report-test" / "report.html").is_file()
    shutil.rmtree(small_run.folder / "report-test")


def test_missing_pictures_of_a_run_are_reported(crops: Path) -> None:
    with pytest.raises(RunError, match=r"1 pictures of this run .* first hubble/gone\.jpg"):
        resolve(read_folder(crops / "train"), ("hubble/gone.jpg",))


def test_help_does_not_import_tensorflow() -> None:
    code = "import sys, training.__main__ as t\ntry: t.main(['train', '--help'])\n"
    code += "finally: print('tensorflow' in sys.modules)"
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert shown.stdout.endswith("False\n")
    for word in ("DATA", "RUN", "--weights", "--resume", "--epochs", "validation"):
        assert word in shown.stdout


def test_the_documented_defaults_are_the_defaults() -> None:
    defaults = json.loads(TrainingConfig().model_dump_json())
    shown = subprocess.run(
        [sys.executable, "-m", "training", "train", "--help"], capture_output=True, text=True
    ).stdout
    text = " ".join(shown.split())
    for flag, name in [
        ("--epochs", "epochs"),
        ("--batch-size", "batch_size"),
        ("--label-smoothing", "label_smoothing"),
        ("--dropout", "dropout"),
        ("--patience", "patience"),
        ("--seed", "seed"),
        ("--image-size", "image_size"),
        ("--validation-fraction", "validation_fraction"),
        ("--alpha", "alpha"),
        ("--upscale", "upscale"),
    ]:
        described = text.split(f" {flag} ", 2)[-1].split(" --")[0]
        assert f"({defaults[name]})" in described
