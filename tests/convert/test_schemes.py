"""Bundles of every scheme, served by the API."""

import csv
import shutil
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from convert.__main__ import main
from convert.schemes import INTEGER, POLICY, SCHEMES
from lambda_api.app import create_app
from lambda_api.classifier import Classifier
from lambda_api.manifest import Scheme, read_bundle
from lambda_api.settings import Settings
from training.run.folder import Run


@pytest.mark.parametrize("scheme", SCHEMES)
def test_bundle_of_each_scheme_is_served(
    small_bundles: dict[Scheme, Path], crops: Path, scheme: Scheme
) -> None:
    folder, credentials = small_bundles[scheme], ("demo", "for-tests-only-9f2c")
    settings = Settings(
        api_username=credentials[0],
        api_password=credentials[1],
        model_uri=str(folder),
    )
    correct = 0
    pictures = sorted((crops / "test").glob("*/*.jpg"))
    with TestClient(create_app(settings)) as client:
        model = client.get("/model", auth=credentials).json()
        for path in pictures:
            answer = client.post("/predict", content=path.read_bytes(), auth=credentials)
            assert answer.status_code == 200
            correct += answer.json()["label"] == path.parent.name

    assert (model["quantization"], model["input"]["dtype"]) == (
        scheme,
        "uint8" if scheme == "int8" else "float32",
    )
    assert correct / len(pictures) == pytest.approx(model["evaluation"]["bundle"]["accuracy"])


def test_float32_agrees_with_keras_and_other_schemes_are_smaller(
    small_bundles: dict[Scheme, Path],
) -> None:
    manifests = {scheme: read_bundle(folder)[0] for scheme, folder in small_bundles.items()}

    assert manifests["float32"].evaluation.agreement == 1
    assert manifests["float32"].gate.accuracy_drop == 0
    size = {scheme: manifest.model.bytes for scheme, manifest in manifests.items()}
    assert size["float16"] < 0.6 * size["float32"]
    assert size["int8"] < 0.4 * size["float32"]


@pytest.mark.parametrize("scheme", SCHEMES)
def test_calibration_pictures_are_recorded_for_schemes_that_use_them(
    small_bundles: dict[Scheme, Path], scheme: Scheme
) -> None:
    manifest, _ = read_bundle(small_bundles[scheme])
    calibrated = scheme in ("int8", "int16x8")

    assert manifest.calibration_pictures == (20 if calibrated else 0)
    card = (small_bundles[scheme] / "MODEL_CARD.md").read_text()
    assert f"--scheme {scheme}" in card
    assert ("--calibration-pictures 20" in card) is calibrated


def test_manifest_with_another_dtype_than_the_model_is_rejected(
    small_bundles: dict[Scheme, Path], tmp_path: Path
) -> None:
    manifest, _ = read_bundle(small_bundles["float32"])
    other = manifest.model_copy(
        update={"input": manifest.input.model_copy(update={"dtype": "uint8"})}
    )
    other = other.model_copy(update={"version": other.content_version()})
    shutil.copytree(small_bundles["float32"], tmp_path, dirs_exist_ok=True)
    (tmp_path / "manifest.json").write_text(other.model_dump_json())
    with pytest.raises(Exception, match="dtype is float32, but the manifest declares uint8"):
        Classifier(tmp_path)


def test_int8_is_the_default_unless_it_breaks_the_architecture(small_bundle: Path) -> None:
    assert "custom_cnn" not in POLICY  # like every architecture that was not examined
    assert read_bundle(small_bundle)[0].quantization == "int8"
    assert {name: schemes[0] for name, schemes in POLICY.items()} == {"efficientnet_b0": "float16"}
    assert all("float32" in schemes for schemes in (INTEGER, *POLICY.values()))  # loses no accuracy


def test_schemes_command_compares_schemes(
    small_run: Run, crops: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command = ["schemes", str(small_run.folder), "--data", str(crops), "--only", "int8", "float32"]

    assert main([*command, "--calibration-pictures", "20", "--pictures", "12"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert "### custom_cnn, 80 pixels" in lines
    assert "On 12 validation pictures:" in lines
    rows = [line.split("|")[1:-1] for line in lines if line.startswith("| ")]
    assert [row[0].strip() for row in rows] == ["scheme", "Keras", "int8", "float32"]
    keras, float32 = rows[1], rows[3]
    assert keras[3:6] == float32[3:6]  # accuracy, recall, calibration error
    assert float(float32[2]) > 0


def test_layer_errors_are_written(small_bundles: dict[Scheme, Path]) -> None:
    debug = small_bundles["int8"].parent / "debug"

    with (debug / "layer_errors.csv").open() as file:
        layers = list(csv.DictReader(file))

    assert [x["operator"] for x in layers if "POOL" not in x["operator"]].count("CONV_2D") == 4
    assert all(0 < float(x["error_in_steps"]) < 5 for x in layers if x["operator"] == "CONV_2D")
    assert (debug / "layer_errors.png").read_bytes().startswith(b"\x89PNG")
    assert read_bundle(small_bundles["int8"])[0].quantization == "int8"
