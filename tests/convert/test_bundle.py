"""Bundles: content, evaluation, and errors that keep a bundle from being made."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from convert.__main__ import main
from convert.bundle import make_bundle
from convert.errors import ConvertError
from convert.evaluate import compute_metrics, predict, probabilities_of
from lambda_api.classifier import Classifier
from lambda_api.evaluation import Thresholds
from lambda_api.manifest import read_bundle
from tests import small_line
from training.data import read_folder
from training.errors import RunError
from training.run.folder import Run

LENIENT = Thresholds(**small_line.LENIENT)


def test_evaluation_matches_the_served_bundle(small_bundle: Path, crops: Path) -> None:
    manifest, _ = read_bundle(small_bundle)
    test = read_folder(crops / "test")
    predictions = predict(Classifier(small_bundle), test)
    served = compute_metrics(probabilities_of(predictions, test.classes), test.labels, test.classes)

    assert served == manifest.evaluation.bundle
    assert manifest.evaluation.pictures == "test"
    assert manifest.evaluation.count == 24
    assert manifest.evaluation.bundle.accuracy > 0.6
    assert manifest.evaluation.agreement > 0.9


def test_manifest_records_the_run(small_bundle: Path, small_run: Run) -> None:
    manifest, _ = read_bundle(small_bundle)
    split = small_run.split()

    assert manifest.name == "small"
    assert manifest.classes == split.classes
    assert manifest.dataset.sha256 == split.dataset_sha256
    assert (manifest.dataset.train, manifest.dataset.validation) == (57, 15)
    assert manifest.training["architecture"] == manifest.architecture == "custom_cnn"
    assert manifest.toolchain.keys() >= {"tensorflow", "keras", "ai-edge-litert"}
    assert manifest.created.isoformat() == small_run.result().finished


def test_temperature_is_that_of_the_run(small_bundle: Path, small_run: Run) -> None:
    manifest, _ = read_bundle(small_bundle)
    calibration = small_run.calibration()

    assert manifest.temperature == calibration.temperature != 1
    assert manifest.confidence is not None
    assert manifest.confidence_threshold == manifest.confidence.target_accuracy  # too few pictures


def test_card_has_the_measured_figures_and_its_diagrams(small_bundle: Path) -> None:
    manifest, _ = read_bundle(small_bundle)
    card = (small_bundle / "MODEL_CARD.md").read_text()
    metrics = manifest.evaluation

    assert f"| accuracy | {metrics.keras.accuracy:.4f} | {metrics.bundle.accuracy:.4f} |" in card
    assert "python -m convert evaluate models/small DATA/test" in card
    assert (
        "python -m training train DATA RUN --architecture custom_cnn --weights none "
        "--image-size 64 --upscale 1.25 --batch-size 8 --epochs 6\n"
    ) in card
    for figure in ("confusion.png", "reliability.png"):
        assert f"]({figure})" in card
        assert (small_bundle / figure).read_bytes().startswith(b"\x89PNG")


def test_card_reports_pictures_excluded_by_an_audit(
    small_bundle: Path, small_run: Run, crops: Path, tmp_path: Path
) -> None:
    run = Run(tmp_path / "run")
    shutil.copytree(small_run.folder, run.folder)
    split = small_run.split().model_copy(update={"excluded": 24, "audit_sha256": "5" * 64})
    (run.folder / "split.json").write_text(split.model_dump_json())
    make_bundle(run, crops, tmp_path / "small", scheme="float32", thresholds=LENIENT)
    card = (tmp_path / "small" / "MODEL_CARD.md").read_text()

    assert (
        "    python -m training audit DATA --out AUDIT\n    python -m training train DATA" in card
    )
    assert " --epochs 6 --exclude AUDIT/audit.json\n" in card
    assert "The 24 pictures listed by the audit were excluded. SHA-256 of" in card
    assert "AUDIT" not in (small_bundle / "MODEL_CARD.md").read_text()


def test_same_run_gives_the_same_bundle_byte_for_byte(
    small_bundle: Path, small_run: Run, crops: Path, tmp_path: Path
) -> None:
    again = tmp_path / "small"
    make_bundle(small_run, crops, again, calibration_pictures=40, thresholds=LENIENT)
    files = {p.name: p.read_bytes() for p in small_bundle.iterdir()}

    assert {p.name: p.read_bytes() for p in again.iterdir()} == files


def test_without_test_pictures_the_validation_pictures_are_used(
    small_run: Run, crops: Path, tmp_path: Path
) -> None:
    data = tmp_path / crops.name
    shutil.copytree(crops / "train", data / "train")
    manifest = make_bundle(
        small_run, data, tmp_path / "small", calibration_pictures=40, thresholds=LENIENT
    )

    assert manifest.evaluation.pictures == "validation"
    assert manifest.evaluation.count == manifest.dataset.validation == 15
    card = (tmp_path / "small" / "MODEL_CARD.md").read_text()
    assert "also those of the figures above" in card
    assert "convert evaluate" not in card  # validation pictures have no folder


def test_only_an_existing_bundle_can_be_replaced(
    small_bundle: Path, small_run: Run, crops: Path, tmp_path: Path
) -> None:
    precious = tmp_path / "thesis"
    precious.mkdir()
    (precious / "chapter-1.md").write_text("years of work")
    for replace in (False, True):
        with pytest.raises(ConvertError, match="already exists"):
            make_bundle(small_run, crops, precious, replace=replace)

    assert (precious / "chapter-1.md").read_text() == "years of work"

    bundle = tmp_path / "small"
    shutil.copytree(small_bundle, bundle)
    with pytest.raises(ConvertError, match="--replace"):
        make_bundle(small_run, crops, bundle)
    (bundle / "MODEL_CARD.md").unlink()
    make_bundle(small_run, crops, bundle, calibration_pictures=40, thresholds=LENIENT, replace=True)
    assert (bundle / "MODEL_CARD.md").is_file()
    assert sorted(p.name for p in tmp_path.iterdir()) == ["small", "thesis"]


def test_interrupted_replacement_restores_the_old_bundle__rename_mocked(
    small_bundle: Path, small_run: Run, crops: Path, tmp_path: Path, monkeypatch
) -> None:
    bundle = tmp_path / "small"
    shutil.copytree(small_bundle, bundle)
    (bundle / "MODEL_CARD.md").write_text("the old one")
    before = {p.name: p.read_bytes() for p in bundle.iterdir()}
    rename = Path.rename

    def interrupt(source: Path, target: Path) -> Path:
        renamed = rename(source, target)
        if source == bundle:
            raise KeyboardInterrupt
        return renamed

    with monkeypatch.context() as patch:
        patch.setattr(Path, "rename", interrupt)
        with pytest.raises(KeyboardInterrupt):
            make_bundle(
                small_run,
                crops,
                bundle,
                scheme="float32",
                thresholds=LENIENT,
                replace=True,
            )

    assert {p.name: p.read_bytes() for p in bundle.iterdir()} == before
    assert [p.name for p in tmp_path.iterdir()] == ["small"]


def test_other_pictures_than_those_of_the_run_are_rejected(
    small_run: Run, crops: Path, tmp_path: Path
) -> None:
    data = tmp_path / crops.name
    shutil.copytree(crops, data)
    (data / "train" / "hubble" / "00.jpg").unlink()

    with pytest.raises(ConvertError, match="the pictures are not those the run was trained on"):
        make_bundle(small_run, data, tmp_path / "small")
    assert [p.name for p in tmp_path.iterdir()] == [crops.name]


def test_unfinished_run_is_rejected(small_run: Run, crops: Path, tmp_path: Path) -> None:
    unfinished = Run(tmp_path / "run")
    unfinished.create(small_run.config(), small_run.split(), parameters=1)

    with pytest.raises(RunError, match="no finished run"):
        make_bundle(unfinished, crops, tmp_path / "small")


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 cut off", b"text"])
def test_file_that_is_not_a_keras_model_is_rejected(
    small_run: Run, crops: Path, tmp_path: Path, content: bytes
) -> None:
    run = Run(tmp_path / "run")
    shutil.copytree(small_run.folder, run.folder)
    run.model_path.write_bytes(content)
    with pytest.raises(RunError, match=r"model\.keras is not a model that Keras"):
        make_bundle(run, crops, tmp_path / "small")
    assert [p.name for p in tmp_path.iterdir()] == ["run"]


def test_destination_that_cannot_be_written_is_rejected(
    small_run: Run, crops: Path, tmp_path: Path, capsys
) -> None:
    (tmp_path / "file").write_text("in the way")
    out = str(tmp_path / "file" / "small")

    assert main(["bundle", str(small_run.folder), "--data", str(crops), "--out", out]) == 2
    output = capsys.readouterr()
    assert str(tmp_path / "file") in output.err
    assert output.out == ""  # rejected before any work


def test_command_line_makes_and_measures_a_bundle(
    small_run: Run, crops: Path, tmp_path: Path, capsys
) -> None:
    bundle = tmp_path / "shop"
    arguments = ["bundle", str(small_run.folder), "--data", str(crops), "--out", str(bundle)]

    assert main([*arguments, "--calibration-pictures", "20"]) == 0
    output = capsys.readouterr().out
    assert "shop" in output
    assert "accuracy on 24 test pictures" in output

    assert main(["evaluate", str(bundle), str(crops / "test")]) == 0
    assert "24 pictures: accuracy" in capsys.readouterr().out
    assert main(["evaluate", str(bundle), str(crops / "test"), "--json"]) == 0
    figures = json.loads(capsys.readouterr().out)
    assert np.array(figures["confusion"]).sum() == 24

    assert main(["evaluate", str(bundle), str(crops)]) == 2
    assert "Pass the folder of one part" in capsys.readouterr().err
    shutil.copytree(crops / "test", tmp_path / "other")
    (tmp_path / "other" / "hubble").rename(tmp_path / "other" / "nebula")
    assert main(["evaluate", str(bundle), str(tmp_path / "other")]) == 2
    assert "the bundle's classes are coffee, flower, hubble" in capsys.readouterr().err
    assert main(["evaluate", str(tmp_path / "nowhere"), str(crops / "test")]) == 2
    assert "No bundle found" in capsys.readouterr().err


def test_help_does_not_import_tensorflow() -> None:
    code = "import sys, convert.__main__ as c\ntry: c.main(['bundle', '--help'])\n"
    code += "finally: print('tensorflow' in sys.modules)"
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)

    assert shown.stdout.endswith("False\n")
    for word in ("RUN", "--data", "--out", "--replace"):
        assert word in shown.stdout
