"""Refit: a finished run repeated on its training and validation pictures together."""

import json
import shutil
from pathlib import Path

import keras
import numpy as np
import pytest

from convert.bundle import make_bundle
from convert.source import open_source
from lambda_api.evaluation import Thresholds
from tests.small_line import LENIENT as LIMITS
from training.__main__ import main
from training.data import read_folder
from training.metrics import report_metrics
from training.prepare import prepare
from training.refit import refit_config
from training.run.folder import Run, file_sha256


def _refit(crops: Path, run: Run, original: Run, *more: str) -> list[str]:
    return ["train", str(crops), str(run.folder), "--refit", str(original.folder), *more]


@pytest.fixture(scope="module")
def refit(small_run: Run, crops: Path, tmp_path_factory: pytest.TempPathFactory) -> Run:
    run = Run(tmp_path_factory.mktemp("refit") / "run")
    assert main(_refit(crops, run, small_run)) == 0
    return run


def test_a_refit_learns_all_but_the_pictures_held_back(refit: Run, small_run: Run) -> None:
    before, after = small_run.split(), refit.split()
    assert after.train == before.train
    assert {*after.refitted, *after.validation} == set(before.validation)
    assert not set(after.refitted) & set(after.validation)
    assert len(after.validation) == 3  # a fifth of 15, one per class
    assert len({name.split("/")[0] for name in after.validation}) == 3
    assert after.dataset_sha256 == before.dataset_sha256


def test_a_refit_repeats_the_epochs_found_and_keeps_the_last_model(
    refit: Run, small_run: Run
) -> None:
    epochs = [epoch.val_accuracy for epoch in small_run.epochs()]
    best = epochs.index(max(epochs)) + 1
    assert len(refit.epochs()) == refit.result().epochs == best
    rates = [epoch.learning_rate for epoch in small_run.epochs()][: best - 1]
    assert [epoch.learning_rate for epoch in refit.epochs()] == pytest.approx([1e-3, *rates])
    assert refit.epochs()[-1].val_accuracy == pytest.approx(refit.result().validation_accuracy)


def test_temperature_and_threshold_come_from_the_run_before(refit: Run, small_run: Run) -> None:
    assert refit.calibration() == small_run.calibration()
    recorded = refit.result().refit
    assert recorded is not None
    assert recorded.run == small_run.folder.name
    assert recorded.model_sha256 == file_sha256(small_run.model_path)
    assert recorded.validation_accuracy == small_run.result().validation_accuracy
    assert refit.config() == small_run.config().model_copy(update={"refit": str(small_run.folder)})


def test_the_gate_uses_the_pictures_held_back(refit: Run, crops: Path) -> None:
    source = open_source(refit, crops)
    assert {p.as_posix() for p in source.validation.paths} == set(refit.split().validation)
    metrics = json.loads((refit.folder / "report" / "metrics.json").read_text())
    held_back = read_folder(crops / "train").only(refit.split().validation)
    again = report_metrics(
        source.keras_logits(held_back), held_back.labels, held_back.classes, refit.calibration()
    )
    assert metrics["pictures"] == 3
    assert (
        again.accuracy
        == metrics["accuracy"]
        == pytest.approx(refit.result().validation_accuracy, abs=1e-6)
    )


def test_an_interrupted_refit_resumes_bit_for_bit(
    refit: Run, small_run: Run, crops: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from training.run.checkpoint import Checkpoint

    end = Checkpoint.on_epoch_end

    def interrupted(self: Checkpoint, epoch: int, logs: object = None) -> None:
        end(self, epoch, logs)
        raise KeyboardInterrupt

    run = Run(tmp_path / "run")
    with monkeypatch.context() as patched:
        patched.setattr(Checkpoint, "on_epoch_end", interrupted)
        assert main(_refit(crops, run, small_run)) == 130
    assert not run.finished
    assert main(_refit(crops, run, small_run, "--resume")) == 0
    assert run.epochs() == refit.epochs()
    models = [keras.models.load_model(r.model_path, compile=False) for r in (run, refit)]
    for one, other in zip(*(model.get_weights() for model in models), strict=True):
        np.testing.assert_array_equal(one, other)


def test_a_refit_of_a_validation_part_takes_pictures_of_both_folders(
    small_run: Run, crops: Path, tmp_path: Path
) -> None:
    data, first = tmp_path / "data", Run(tmp_path / "first")
    shutil.copytree(crops / "train", data / "train")
    shutil.copytree(crops / "test", data / "valid")
    shutil.copytree(small_run.folder, first.folder)
    begun = prepare(data, small_run.config(), None).split
    (first.folder / "split.json").write_text(begun.model_dump_json())
    prepared = prepare(data, refit_config(first.folder), None)
    split, pictures = prepared.split, prepared.pictures
    assert (len(split.train), len(split.refitted), len(split.validation)) == (72, 19, 5)
    assert len(pictures.all_layers) == 72 + 19
    assert all((pictures.all_layers.root / p).is_file() for p in pictures.all_layers.paths)
    assert pictures.head_validation.paths == tuple(Path(name) for name in split.refitted)
    (first.folder / "split.json").write_text(split.model_dump_json())
    assert len(open_source(first, data).validation) == 5


def _unfinished(run: Run) -> None:
    (run.folder / "result.json").unlink()


def _a_refit(run: Run) -> None:
    config = json.loads((run.folder / "config.json").read_text())
    (run.folder / "config.json").write_text(json.dumps(config | {"refit": "runs/before"}))


def _only_a_head(run: Run) -> None:
    text = run.history_path.read_text()
    run.history_path.write_text(text.replace("\nall,", "\nhead,"))


def _few_validation_pictures(run: Run) -> None:
    split = json.loads((run.folder / "split.json").read_text())
    split["validation"] = [split["validation"][0], split["validation"][-1]]
    (run.folder / "split.json").write_text(json.dumps(split))


def _other_pictures(run: Run) -> None:
    split = json.loads((run.folder / "split.json").read_text())
    (run.folder / "split.json").write_text(json.dumps(split | {"dataset_sha256": "0" * 64}))


@pytest.mark.parametrize(
    ("spoil", "more", "message"),
    [
        (_unfinished, [], "the run is unfinished"),
        (_a_refit, [], "is a refit itself. Pass the run that it repeats: runs/before"),
        (_only_a_head, [], "kept the head on the frozen backbone"),
        (_few_validation_pictures, [], "holds pictures back for the gate"),
        (_other_pictures, [], "The pictures are not those of"),
        (lambda run: None, ["--epochs", "9"], "repeats all of them"),
        (lambda run: None, ["--exclude", "audit.json"], "Leave out --exclude"),
        (lambda run: shutil.rmtree(run.folder), [], "no run"),
    ],
)
def test_a_run_that_cannot_be_refitted_is_reported(
    small_run: Run, crops: Path, tmp_path: Path, capsys, spoil, more, message
) -> None:
    original, run = Run(tmp_path / "original"), Run(tmp_path / "run")
    shutil.copytree(small_run.folder, original.folder)
    spoil(original)
    assert main(_refit(crops, run, original, *more)) == 2
    assert message in capsys.readouterr().err
    assert not run.folder.exists()


def test_the_card_of_a_refit_tells_which_pictures_were_learned(
    refit: Run, crops: Path, tmp_path: Path
) -> None:
    manifest = make_bundle(
        refit, crops, tmp_path / "small", scheme="float32", thresholds=Thresholds(**LIMITS)
    )
    assert manifest.training["refit"] == "small"
    assert (manifest.dataset.train, manifest.dataset.validation) == (69, 3)
    assert manifest.gate.pictures == 3
    card = (tmp_path / "small" / "MODEL_CARD.md").read_text()
    assert "on the training pictures and 12 of the\nvalidation pictures. The other 3" in card
    assert "--epochs 6\n    python -m training train DATA REFIT --refit RUN\n" in card
    assert "python -m convert bundle REFIT" in card
