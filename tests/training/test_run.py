"""A run: its folder, its command line, interruption and resumption."""

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import keras
import numpy as np
import pytest

from training.__main__ import main
from training.config import TrainingConfig
from training.data import read_folder, stream
from training.fit import train
from training.run import Run, RunError, file_sha256, resolve

SMALL = ["--architecture", "custom_cnn", "--weights", "none", "--image-size", "64"]


def test_a_run_folder_holds_all_that_it_was_made_from_and_made(small_run: Run, crops: Path):
    config, split, result = small_run.config(), small_run.split(), small_run.result()
    assert (config.architecture, config.image_size) == ("custom_cnn", 64)
    assert split.classes == ("coffee", "flower", "hubble")
    assert (len(split.train), len(split.validation)) == (57, 15)
    assert not set(split.train) & set(split.validation)
    rows = small_run.history_path.read_text().splitlines()
    assert rows[0].startswith("epoch,accuracy,loss,")
    assert len(rows) - 1 == result.epochs == config.epochs
    validation = resolve(read_folder(crops / "train"), split.validation)
    model = keras.models.load_model(small_run.model_path, compile=False)
    answers = model.predict(stream(validation, 64, 32), verbose=0).argmax(axis=1)
    assert (answers == validation.labels).mean() == pytest.approx(result.validation_accuracy)
    assert not small_run.backup_path.exists()


def test_the_model_of_the_best_epoch_is_kept(small_run: Run):
    result = small_run.result()
    assert result.head_accuracy is None
    assert result.validation_accuracy == pytest.approx(max(small_run.epoch_accuracies()))
    assert result.validation_accuracy > 0.6  # it did learn


def test_without_epochs_it_is_the_frozen_network_with_its_head(crops: Path, tmp_path: Path):
    weights, run = tmp_path / "random.weights.h5", Run(tmp_path / "run")
    keras.utils.set_random_seed(0)
    network = keras.applications.MobileNetV2(
        (64, 64, 3), alpha=0.35, include_top=False, weights=None
    )
    network.save_weights(weights)
    config = TrainingConfig(weights=str(weights), alpha=0.35, image_size=64, epochs=0)
    result = train(crops, run.folder, config)
    assert result.epochs == 0
    assert result.head_accuracy == pytest.approx(result.validation_accuracy)
    assert result.validation_accuracy > 0.4  # even random features tell some apart
    assert result.weights_sha256 == file_sha256(weights)
    model = keras.models.load_model(run.model_path, compile=False)
    kernel, original = (x.get_layer("Conv1").get_weights()[0] for x in (model, network))
    np.testing.assert_allclose(kernel, original / np.sqrt(1 + 1e-3), rtol=1e-5)  # folded


def test_a_run_is_never_overwritten(small_run: Run, crops: Path, capsys):
    before = {p: p.read_bytes() for p in small_run.folder.iterdir()}
    assert main([str(crops), str(small_run.folder), *SMALL]) == 2
    assert "is not empty" in capsys.readouterr().err
    assert main([str(crops), str(small_run.folder), *SMALL, "--resume"]) == 2
    assert "is finished" in capsys.readouterr().err
    assert {p: p.read_bytes() for p in small_run.folder.iterdir()} == before


def test_unusable_input_is_answered_in_words_and_leaves_no_folder(crops: Path, tmp_path, capsys):
    run = tmp_path / "run"
    for arguments, message in [
        ([str(tmp_path / "nowhere")], "no such folder"),
        ([str(crops), "--weights", "nowhere.h5"], "no such weights file"),
        ([str(crops), "--epochs", "-1"], "greater than or equal to 0"),
        ([str(crops), "--resume"], "holds no run"),
    ]:
        assert main([arguments[0], str(run), *arguments[1:]]) == 2
        assert message in capsys.readouterr().err
        assert not run.exists()


def test_pictures_that_went_missing_since_the_run_are_named(crops: Path):
    with pytest.raises(RunError, match=r"1 pictures of this run .* first hubble/gone\.jpg"):
        resolve(read_folder(crops / "train"), ("hubble/gone.jpg",))


def test_an_interrupted_run_is_resumed_where_it_was(crops: Path, tmp_path: Path, capsys):
    run = Run(tmp_path / "run")
    arguments = [str(crops), str(run.folder), *SMALL, "--epochs", "2"]
    command = [sys.executable, "-m", "training", *arguments]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    deadline = time.monotonic() + 200
    while not run.epoch_accuracies():
        assert process.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.02)
    process.send_signal(signal.SIGINT)
    output, _ = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "--resume" in output
    assert not run.finished

    assert main([*arguments, "--seed", "9", "--resume"]) == 2
    assert "another configuration" in capsys.readouterr().err

    assert main([*arguments, "--resume"]) == 0
    epochs = [x.split(",")[0] for x in run.history_path.read_text().splitlines()]
    assert epochs == ["epoch", "0", "1"]
    assert run.result().epochs == 2


def test_help_reads_without_tensorflow():
    code = "import sys, training.__main__ as t\ntry: t.main(['--help'])\n"
    code += "finally: print('tensorflow' in sys.modules)"
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert shown.stdout.endswith("False\n")
    for word in ("DATA", "RUN", "--weights", "--resume", "--epochs", "validation"):
        assert word in shown.stdout


def test_the_documented_defaults_are_the_defaults():
    defaults = json.loads(TrainingConfig().model_dump_json())
    shown = subprocess.run(
        [sys.executable, "-m", "training", "--help"], capture_output=True, text=True
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
