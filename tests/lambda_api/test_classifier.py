"""The classifier: calibrated predictions, threads, and rejected models."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import flatbuffers
import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema
from scipy.special import softmax as scipy_softmax

from lambda_api import images
from lambda_api.classifier import Classifier, softmax
from lambda_api.manifest import MODEL_FILE, BundleError, InputSpec
from tests.lambda_api.pictures import SCIKIT_IMAGE


@pytest.fixture(scope="module")
def classifier(bundle: Path) -> Classifier:
    return Classifier(bundle)


def test_scores_have_every_class_sorted_and_sum_to_one(
    classifier: Classifier, photo: bytes
) -> None:
    answer = classifier.classify(photo)

    labels, confidences = zip(*answer.scores, strict=True)

    assert sorted(labels) == sorted(classifier.manifest.classes)
    assert list(confidences) == sorted(confidences, reverse=True)
    assert sum(confidences) == pytest.approx(1)
    assert (answer.label, answer.confidence) == answer.scores[0]
    assert answer.label in ("buildings", "street")
    assert (answer.picture.width, answer.picture.height) == (640, 427)
    assert answer.decode_ms > 0
    assert answer.inference_ms > 0


def test_scores_are_the_softmax_of_the_logits(classifier: Classifier, photo: bytes) -> None:
    manifest = classifier.manifest
    pixels = images.decode(photo, (manifest.input.height, manifest.input.width)).pixels
    logits = classifier.network.logits(pixels)

    expected = scipy_softmax(logits.astype(float) / manifest.temperature)

    assert dict(classifier.classify(photo).scores) == pytest.approx(
        dict(zip(manifest.classes, expected, strict=True))
    )


@pytest.mark.parametrize("temperature", [0.1, 1, 3.7])
def test_softmax_is_scipys(temperature: float) -> None:
    logits = np.random.default_rng(0).normal(0, 20, (50, 6)).astype(np.float32)

    expected = scipy_softmax(logits.astype(np.float64) / temperature, axis=-1)

    assert softmax(logits, temperature) == pytest.approx(expected, rel=1e-12)


def test_softmax_of_huge_logits_does_not_overflow() -> None:
    assert softmax([1e4, 0, -1e4], 1).tolist() == [1, 0, 0]


def test_temperature_changes_the_confidence_and_not_the_label(
    make_bundle: Callable[..., Path], classifier: Classifier, photo: bytes
) -> None:
    warmer = Classifier(make_bundle(temperature=classifier.manifest.temperature * 4))

    was, now = classifier.classify(photo), warmer.classify(photo)

    assert [label for label, _ in now.scores] == [label for label, _ in was.scores]
    assert now.confidence < was.confidence


def test_bundle_that_returns_nan_is_rejected(make_bundle: Callable[..., Path]) -> None:
    with (
        pytest.raises(BundleError, match="NaN or infinity"),
        np.errstate(divide="ignore", over="ignore", invalid="ignore"),
    ):
        Classifier(make_bundle(temperature=1e-320))


@pytest.mark.parametrize(("threshold", "confident"), [(0, True), (1, False)])
def test_confident_depends_on_the_threshold(
    make_bundle: Callable[..., Path], photo: bytes, threshold: float, confident: bool
) -> None:
    folder = make_bundle(confidence_threshold=threshold, temperature=100)
    assert Classifier(folder).classify(photo).confident is confident


def test_eight_threads_get_the_predictions_of_one(classifier: Classifier, photo: bytes) -> None:
    names = ("chelsea.png", "coffee.png", "rocket.jpg", "grass.png", "hubble_deep_field.jpg")
    pictures = [photo, *((SCIKIT_IMAGE / name).read_bytes() for name in names)]
    asked = pictures * 8

    def scores(data: bytes) -> tuple[tuple[str, float], ...]:
        return classifier.classify(data).scores

    alone = [scores(data) for data in pictures] * 8

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(scores, asked)) == alone

    assert len(set(alone)) == len(pictures)


def test_invalid_picture_raises_an_error(classifier: Classifier) -> None:
    with pytest.raises(images.UnsupportedFormat):
        classifier.classify(b"no picture")


def _with_output(model: bytes, change: Callable[[schema.SubGraphT], None]) -> bytes:
    """Return the model with another output, using the schema of TensorFlow Lite."""
    graph = schema.ModelT.InitFromObj(schema.Model.GetRootAs(model, 0))
    change(graph.subgraphs[0])
    graph.signatureDefs = []
    builder = flatbuffers.Builder(len(model))
    builder.Finish(graph.Pack(builder), b"TFL3")
    return bytes(builder.Output())


def _quantized(subgraph: schema.SubGraphT) -> None:
    """Remove the last operator, which converts int8 to float32."""
    last = subgraph.operators.pop()
    subgraph.outputs = last.inputs[:1]


def _two_outputs(subgraph: schema.SubGraphT) -> None:
    subgraph.outputs = [*subgraph.outputs, subgraph.operators[-1].inputs[0]]


@pytest.mark.parametrize("change", [_quantized, _two_outputs])
def test_model_without_float_logits_is_rejected(
    make_bundle: Callable[..., Path], bundle: Path, change: Callable[[schema.SubGraphT], None]
) -> None:
    model = _with_output((bundle / MODEL_FILE).read_bytes(), change)
    with pytest.raises(BundleError, match=r"Unsupported model tensors: .*int8"):
        Classifier(make_bundle(model))


@pytest.mark.parametrize("model", [b"not a model", b"\x1c\0\0\0TFL3" + bytes(64)])
def test_invalid_model_file_is_rejected(make_bundle: Callable[..., Path], model: bytes) -> None:
    with pytest.raises(BundleError, match="Cannot load the model file"):
        Classifier(make_bundle(model))


def test_picture_as_model_file_is_rejected(make_bundle: Callable[..., Path], photo: bytes) -> None:
    with pytest.raises(BundleError, match="Cannot load the model file"):
        Classifier(make_bundle(photo))


@pytest.mark.parametrize(
    "fields",
    [
        {"classes": ("land", "sea")},
        {"classes": tuple("abcdefghijkl")},
        {"input": InputSpec(height=224, width=150, dtype="uint8")},
    ],
    ids=["fewer classes", "more classes", "another input size"],
)
def test_model_that_contradicts_its_manifest_is_rejected(
    make_bundle: Callable[..., Path], fields: dict
) -> None:
    with pytest.raises(BundleError, match="but the manifest declares"):
        Classifier(make_bundle(**fields))
