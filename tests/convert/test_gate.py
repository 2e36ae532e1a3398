"""The gate: what lost too much becomes no bundle, and people are told what and what to do."""

import re
from pathlib import Path

import flatbuffers
import keras
import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema

from convert.__main__ import main
from convert.bundle import make_bundle
from convert.errors import ConversionError, GateError
from convert.gate import Failure, compared, failures
from convert.model_file import fault, operators
from convert.quantize import converted, exported
from lambda_api.evaluation import ClassMetrics, Metrics, Thresholds
from lambda_api.manifest import MODEL_FILE, read_bundle
from training.run.folder import Run

LIMITS = Thresholds()


def _metrics(accuracy: float, recall: float, calibration_error: float) -> Metrics:
    return Metrics(
        accuracy=accuracy,
        macro_f1=accuracy,
        calibration_error=calibration_error,
        per_class={
            "land": ClassMetrics(precision=accuracy, recall=accuracy, f1=accuracy, support=500),
            "sea": ClassMetrics(precision=accuracy, recall=recall, f1=accuracy, support=500),
        },
        confusion=((0, 0), (0, 0)),
    )


def _failed(
    candidate: Metrics, agreement: float, size: int = 1, limits: Thresholds = LIMITS
) -> list[Failure]:
    keras = _metrics(0.9, 0.9, 0.02)
    gate = compared(keras, candidate, agreement, limits, ("CONV_2D",))
    return failures(gate, size, keras, candidate)


def test_what_stays_within_the_issues_limits_passes() -> None:
    assert _failed(_metrics(0.895, 0.88, 0.03), 0.98, 50_000_000) == []
    assert _failed(_metrics(0.99, 0.99, 0.0), 1.0) == []


@pytest.mark.parametrize(
    ("candidate", "agreement", "size", "check", "told"),
    [
        (_metrics(0.8949, 0.9, 0.02), 1, 1, "accuracy", "0.51 points, from 0.9000 to 0.8949"),
        (_metrics(0.9, 0.8799, 0.02), 1, 1, "recall of sea", "2.01 points, from 0.9000 to 0.8799"),
        (_metrics(0.9, 0.9, 0.02), 0.9799, 1, "agreement", "is 0.9799; 0.98 is the least"),
        (_metrics(0.9, 0.9, 0.0301), 1, 1, "calibration error", "rises by 0.0101, from 0.0200"),
        (_metrics(0.9, 0.9, 0.02), 1, 50_000_001, "size", "50.00 MB; 50.00 are allowed"),
    ],
)
def test_what_goes_beyond_a_limit_fails_by_so_much(
    candidate: Metrics, agreement: float, size: int, check: str, told: str
) -> None:
    (failure,) = _failed(candidate, agreement, size)
    assert failure.check == check
    assert told in failure.reason


def test_limits_can_be_set() -> None:
    lenient = Thresholds(max_accuracy_drop=0.2, max_recall_drop=0.3, min_agreement=0.5)
    assert _failed(_metrics(0.75, 0.65, 0.02), 0.6, limits=lenient) == []


def test_a_network_that_int8_breaks_is_refused(
    broken_run: Run, crops: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "models" / "broken"
    command = ["bundle", str(broken_run.folder), "--data", str(crops), "--out", str(out)]
    assert main([*command, "--calibration-pictures", "20", "--debug", str(tmp_path / "why")]) == 3
    said = capsys.readouterr().err
    assert "refused: broken: int8 is refused; nothing was written. On 15 validation" in said
    assert re.search(r"  accuracy falls by \d\d\.\d\d points, from \S+ to \S+; 0\.50 are", said)
    assert re.search(r"  recall of (coffee|flower|hubble) falls by", said)
    assert re.search(r"  agreement is 0\.\d+; 0\.98 is the least", said)
    changed = re.findall(r"^  (\w+)/\d\d\.jpg: (\w+) by Keras, (\w+) by int8$", said, re.MULTILINE)
    assert changed
    assert all(before != after for _, before, after in changed)
    for remedy in ("--scheme float16", "calibration pictures than 20", "aware fine-tuning"):
        assert remedy in said
    assert list(out.parent.iterdir()) == []
    # Of the layers, those with the loud channel lose.
    assert (tmp_path / "why" / "layer_errors.csv").stat().st_size > 500


def test_a_refused_bundle_leaves_the_one_that_is_there(
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


def test_auto_takes_what_passes_and_shows_all_it_tried(
    broken_run: Run, crops: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    manifest = make_bundle(
        broken_run, crops, tmp_path / "auto", scheme="auto", calibration_pictures=20
    )
    table = capsys.readouterr().out
    rows = {row.split("|")[1].strip(): row for row in table.splitlines() if row.startswith("| ")}
    assert rows.keys() == {"scheme", "Keras", "int8", "dynamic", "float16", "float32"}
    assert "refused: accuracy, recall of" in rows["int8"]
    assert manifest.quantization in ("dynamic", "float16", "float32")
    assert rows[manifest.quantization].endswith("| passes |")
    assert manifest.calibration_pictures == 0
    assert manifest.evaluation.bundle.accuracy > 0.6
    assert read_bundle(tmp_path / "auto")[0] == manifest


def _aborting(model: bytes) -> bytes:
    """The model with a convolution whose output is so finely scaled that LiteRT gives up."""
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


def test_a_file_that_ends_the_process_that_loads_it_is_a_fault_and_not_an_end(bundle: Path) -> None:
    model = (bundle / MODEL_FILE).read_bytes()
    assert fault(model) is None
    assert re.match(r"LiteRT ends its process by signal \d", fault(_aborting(model)) or "")
    assert fault(model[: len(model) // 2]) is not None


def test_the_operators_of_the_bundle_are_recorded_and_built_in(bundle: Path) -> None:
    manifest, model = read_bundle(bundle)
    assert manifest.gate.operators == operators(model)
    assert {"CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED"} <= set(operators(model))
    assert not [name for name in operators(model) if name.startswith("custom")]


def test_the_bundle_of_the_project_kept_to_the_limits_that_it_records(bundle: Path) -> None:
    gate = read_bundle(bundle)[0].gate
    assert gate.thresholds == LIMITS
    assert gate.pictures > 1000
    assert gate.accuracy_drop <= 0.005
    assert gate.recall_drop <= 0.02
    assert gate.agreement >= 0.98
    assert gate.calibration_error_rise <= 0.01


def test_an_operator_that_is_not_built_in_is_told_apart(bundle: Path) -> None:
    model = (bundle / MODEL_FILE).read_bytes()
    graph = schema.ModelT.InitFromObj(schema.Model.GetRootAs(model, 0))
    graph.operatorCodes[0].builtinCode = schema.BuiltinOperator.CUSTOM
    graph.operatorCodes[0].deprecatedBuiltinCode = schema.BuiltinOperator.CUSTOM
    graph.operatorCodes[0].customCode = b"FlexErf"
    builder = flatbuffers.Builder(len(model))
    builder.Finish(graph.Pack(builder), b"TFL3")
    assert "custom FlexErf" in operators(bytes(builder.Output()))


@pytest.mark.parametrize("share", ["1.01", "-0.1", "half", "nan"])
def test_a_limit_that_is_no_share_is_refused(
    share: str, capsys: pytest.CaptureFixture[str]
) -> None:
    command = ["bundle", "run", "--data", "data", "--out", "out", "--min-agreement", share]
    with pytest.raises(SystemExit):
        main(command)
    assert "is not a number from 0 to 1" in capsys.readouterr().err


def test_what_tensorflow_cannot_convert_is_told() -> None:
    pixels = keras.Input((8, 8, 3))
    logits = keras.ops.erfinv(keras.layers.GlobalAveragePooling2D()(pixels) / 256)
    with (
        exported(keras.Model(pixels, logits)) as saved,
        pytest.raises(ConversionError, match="Erfinv"),
    ):
        converted(saved, "float32", tuple)


@pytest.mark.parametrize("size", ["0", "-1", "much", "nan"])
def test_a_limit_that_is_no_size_is_refused(size: str, capsys: pytest.CaptureFixture[str]) -> None:
    command = ["bundle", "run", "--data", "data", "--out", "out", "--max-megabytes", size]
    with pytest.raises(SystemExit):
        main(command)
    assert "is no size in megabytes" in capsys.readouterr().err


def test_logits_of_the_broken_network_are_those_of_the_whole_one(
    small_run: Run, broken_run: Run, crops: Path
) -> None:
    """What makes the refusal above int8's doing, and not the network's."""
    from convert.source import open_source

    whole, broken = (open_source(run, crops).validation_logits for run in (small_run, broken_run))
    assert np.abs(whole - broken).max() < 0.01
