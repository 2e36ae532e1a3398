"""Conversion gate: a model that loses too much is rejected, with the reason and what to try."""

import re
from pathlib import Path

import flatbuffers
import keras
import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema

from convert.__main__ import main
from convert.bundle import make_bundle
from convert.errors import ConversionFailed, GateError
from convert.evaluate import side_by_side
from convert.gate import Failure, compare_metrics, failed_checks
from convert.model_file import operators, smoke_test
from convert.quantize import converted, exported
from convert.source import open_source
from lambda_api.classifier import Network
from lambda_api.evaluation import ClassMetrics, Metrics, Thresholds
from lambda_api.manifest import MODEL_FILE, read_bundle
from training.run.folder import Run

LIMITS = Thresholds()


def _metrics(
    accuracy: float, recall: float, calibration_error: float, pictures: int = 500
) -> Metrics:
    return Metrics(
        accuracy=accuracy,
        macro_f1=accuracy,
        calibration_error=calibration_error,
        per_class={
            "land": ClassMetrics(
                precision=accuracy, recall=accuracy, f1=accuracy, support=pictures
            ),
            "sea": ClassMetrics(precision=accuracy, recall=recall, f1=accuracy, support=pictures),
        },
        confusion=((0, 0), (0, 0)),
    )


def _failed(
    candidate: Metrics, agreement: float, size: int = 1, limits: Thresholds = LIMITS
) -> list[Failure]:
    keras = _metrics(0.9, 0.9, 0.02, candidate.per_class["sea"].support)
    gate = compare_metrics(keras, candidate, agreement, limits, ("CONV_2D",))
    return failed_checks(gate, size, keras, candidate)


def test_model_at_the_default_limits_passes() -> None:
    assert _failed(_metrics(0.895, 0.88, 0.03), 0.98, 50_000_000) == []
    assert _failed(_metrics(0.99, 0.99, 0.0), 1.0) == []


@pytest.mark.parametrize(
    ("candidate", "agreement", "size", "check", "reason"),
    [
        (_metrics(0.8949, 0.9, 0.02), 1, 1, "accuracy", "0.51 points, from 0.9000 to 0.8949"),
        (_metrics(0.9, 0.8799, 0.02), 1, 1, "recall of sea", "2.01 points, from 0.9000 to 0.8799"),
        (_metrics(0.9, 0.9, 0.02), 0.9799, 1, "agreement", "is 0.9799; the minimum is 0.98"),
        (_metrics(0.9, 0.9, 0.0301), 1, 1, "calibration error", "rises by 0.0101, from 0.0200"),
        (_metrics(0.9, 0.9, 0.02), 1, 50_000_001, "size", "50.00 MB; the limit is 50.00"),
    ],
)
def test_failed_check_reports_the_difference(
    candidate: Metrics, agreement: float, size: int, check: str, reason: str
) -> None:
    (failure,) = _failed(candidate, agreement, size)

    assert failure.check == check
    assert reason in failure.reason


def test_with_few_pictures_one_of_them_may_change_its_bin() -> None:
    assert _failed(_metrics(0.9, 0.9, 0.12, pictures=10), 1) == []
    (failure,) = _failed(_metrics(0.9, 0.9, 0.1201, pictures=10), 1)
    assert failure.check == "calibration error"


def test_limits_can_be_set() -> None:
    lenient = Thresholds(max_accuracy_drop=0.2, max_recall_drop=0.3, min_agreement=0.5)

    assert _failed(_metrics(0.75, 0.65, 0.02), 0.6, limits=lenient) == []


def test_network_that_int8_breaks_is_rejected(
    broken_run: Run, crops: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "models" / "broken"
    command = ["bundle", str(broken_run.folder), "--data", str(crops), "--out", str(out)]

    assert main([*command, "--calibration-pictures", "20", "--debug", str(tmp_path / "why")]) == 3
    message = capsys.readouterr().err
    assert "rejected: broken: int8 was rejected. Nothing was written. Compared with" in message
    assert "the Keras model on 15 validation pictures:" in message
    assert re.search(
        r"  accuracy drops by \d\d\.\d\d points, from \S+ to \S+; the limit is 0\.50", message
    )
    assert re.search(r"  recall of (coffee|flower|hubble) drops by", message)
    assert re.search(r"  agreement is 0\.\d+; the minimum is 0\.98", message)
    changed = re.findall(r"^  (\w+)/\d\d\.jpg: Keras (\w+), int8 (\w+)$", message, re.MULTILINE)
    assert changed
    assert all(before != after for _, before, after in changed)
    for remedy in (
        "--scheme float16",
        "more than 20 calibration pictures",
        "quantization-aware training",
    ):
        assert remedy in message
    assert list(out.parent.iterdir()) == []
    assert (tmp_path / "why" / "layer_errors.csv").stat().st_size > 500


def test_rejected_bundle_leaves_the_existing_one(
    small_bundle: Path, broken_run: Run, crops: Path, tmp_path: Path
) -> None:
    bundle = tmp_path / "small"
    bundle.mkdir()
    for file in small_bundle.iterdir():
        (bundle / file.name).write_bytes(file.read_bytes())
    before = {file.name: file.read_bytes() for file in bundle.iterdir()}

    with pytest.raises(GateError):
        make_bundle(broken_run, crops, bundle, calibration_pictures=20, replace=True)
    assert {file.name: file.read_bytes() for file in bundle.iterdir()} == before


def test_auto_uses_a_passing_scheme_and_lists_all_it_tried(
    broken_run: Run, crops: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    manifest = make_bundle(
        broken_run, crops, tmp_path / "auto", scheme="auto", calibration_pictures=20
    )
    table = capsys.readouterr().out
    rows = {row.split("|")[1].strip(): row for row in table.splitlines() if row.startswith("| ")}

    assert rows.keys() == {"scheme", "Keras", "int8", "dynamic", "float16", "float32"}
    assert "rejected: accuracy, recall of" in rows["int8"]
    assert manifest.quantization in ("dynamic", "float16", "float32")
    assert rows[manifest.quantization].endswith("| passes |")
    assert manifest.calibration_pictures == 0
    assert manifest.evaluation.bundle.accuracy > 0.6
    assert read_bundle(tmp_path / "auto")[0] == manifest


def _aborting(model: bytes) -> bytes:
    """The model with an output scale of a convolution so small that LiteRT aborts."""
    graph = schema.ModelT.InitFromObj(schema.Model.GetRootAs(model, 0))
    convolution = schema.BuiltinOperator.CONV_2D
    (subgraph,) = graph.subgraphs
    first = next(
        x
        for x in subgraph.operators
        if graph.operatorCodes[x.opcodeIndex].builtinCode == convolution
    )
    subgraph.tensors[first.outputs[0]].quantization.scale = [1e-30]
    graph.signatureDefs = []
    builder = flatbuffers.Builder(len(model))
    builder.Finish(graph.Pack(builder), b"TFL3")
    return bytes(builder.Output())


def test_model_file_that_crashes_litert_is_reported(bundle: Path) -> None:
    model = (bundle / MODEL_FILE).read_bytes()

    assert smoke_test(model) is None
    assert re.match(r"LiteRT crashes with signal \d", smoke_test(_aborting(model)) or "")
    assert smoke_test(model[: len(model) // 2]) is not None


def test_operators_of_the_project_s_bundle_are_recorded_and_built_in(bundle: Path) -> None:
    manifest, model = read_bundle(bundle)

    assert manifest.gate.operators == operators(model)
    assert {"CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED"} <= set(operators(model))
    assert not [name for name in operators(model) if name.startswith("custom")]


def test_project_s_bundle_is_within_the_limits_it_records(bundle: Path) -> None:
    gate = read_bundle(bundle)[0].gate

    assert gate.thresholds == LIMITS
    assert gate.pictures > 1000
    assert gate.accuracy_drop <= 0.005
    assert gate.recall_drop <= 0.02
    assert gate.agreement >= 0.98
    assert gate.calibration_error_rise <= 0.01


def test_custom_operator_is_recognized(bundle: Path) -> None:
    model = (bundle / MODEL_FILE).read_bytes()
    graph = schema.ModelT.InitFromObj(schema.Model.GetRootAs(model, 0))
    graph.operatorCodes[0].builtinCode = schema.BuiltinOperator.CUSTOM
    graph.operatorCodes[0].deprecatedBuiltinCode = schema.BuiltinOperator.CUSTOM
    graph.operatorCodes[0].customCode = b"FlexErf"
    builder = flatbuffers.Builder(len(model))
    builder.Finish(graph.Pack(builder), b"TFL3")

    assert "custom FlexErf" in operators(bytes(builder.Output()))


@pytest.mark.parametrize("share", ["1.01", "-0.1", "half", "nan"])
def test_limit_that_is_not_a_share_is_rejected(
    share: str, capsys: pytest.CaptureFixture[str]
) -> None:
    command = ["bundle", "run", "--data", "data", "--out", "out", "--min-agreement", share]

    with pytest.raises(SystemExit):
        main(command)
    assert "is not a number from 0 to 1" in capsys.readouterr().err


def test_unsupported_operation_is_named() -> None:
    pixels = keras.Input((8, 8, 3))
    logits = keras.ops.erfinv(keras.layers.GlobalAveragePooling2D(name="features")(pixels) / 256)

    with (
        exported(keras.Model(pixels, logits)) as saved,
        pytest.raises(ConversionFailed, match="Erfinv"),
    ):
        converted(saved, "float32", tuple)


def test_model_that_returns_nan_is_rejected(small_run: Run, crops: Path) -> None:
    source = open_source(small_run, crops)
    pixels = keras.Input((64, 64, 3))
    means = keras.layers.GlobalAveragePooling2D(name="features")(
        pixels
    )  # as many channels as classes
    with exported(keras.Model(pixels, keras.ops.log(-1 - means))) as saved:
        network = Network(converted(saved, "float32", tuple))

    with pytest.raises(GateError, match="NaN or infinity"):
        side_by_side(source, network, source.validation)


@pytest.mark.parametrize("size", ["0", "-1", "much", "nan"])
def test_limit_that_is_not_a_size_is_rejected(
    size: str, capsys: pytest.CaptureFixture[str]
) -> None:
    command = ["bundle", "run", "--data", "data", "--out", "out", "--max-megabytes", size]

    with pytest.raises(SystemExit):
        main(command)
    assert "is not a size in megabytes" in capsys.readouterr().err


def test_broken_network_computes_the_same_logits_in_float(
    small_run: Run, broken_run: Run, crops: Path
) -> None:
    """So int8 causes the rejection above, not the network."""
    whole, broken = (open_source(run, crops).validation_logits for run in (small_run, broken_run))

    assert np.abs(whole - broken).max() < 0.01
