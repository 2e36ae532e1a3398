"""`POST /explain`: a prediction with its occlusion map."""

import asyncio
import base64
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from fastapi.testclient import TestClient
from PIL import Image

from lambda_api.classifier import Classifier, Network
from lambda_api.explain import Explanation, explain, overlay_png
from lambda_api.workers import Run, ThreadPool, inline
from tests.lambda_api.pictures import encode


@pytest.fixture(scope="module")
def classifier(bundle: Path) -> Classifier:
    return Classifier(bundle)


def explained(classifier: Classifier, data: bytes, grid: int, run: Run = inline) -> Explanation:
    return asyncio.run(explain(classifier, data, grid, run))


def test_response_is_a_prediction_with_a_map(client: TestClient, photo: bytes) -> None:
    predicted = client.post("/predict?top_k=2", content=photo).json()
    answer = client.post("/explain?top_k=2", content=photo)
    assert answer.status_code == 200
    document = answer.json()
    for name in ("label", "confidence", "confident", "predictions", "image", "model_version"):
        assert document[name] == predicted[name]
    explanation = document["explanation"]
    assert (explanation["label"], explanation["grid"]) == (predicted["label"], 7)
    assert np.shape(explanation["drops"]) == (7, 7)
    assert np.abs(explanation["drops"]).max() <= 1
    assert explanation["overlay_png"] is None


def test_drop_is_the_loss_of_probability_of_a_covered_cell(
    classifier: Classifier, photo: bytes
) -> None:
    explanation = explained(classifier, photo, 3)
    prediction = explanation.prediction
    covered = prediction.picture.pixels.copy()
    covered[50:100, 100:150] = covered.mean(axis=(0, 1)).round()
    (lossy,) = classifier.probabilities(covered[np.newaxis])

    label = classifier.manifest.classes.index(prediction.label)

    assert explanation.drops[1, 2] == pytest.approx(prediction.confidence - lossy[label], abs=1e-9)


def test_threads_compute_the_same_map(classifier: Classifier, photo: bytes) -> None:
    alone = explained(classifier, photo, 5)
    together = explained(classifier, photo, 5, ThreadPool())

    assert np.array_equal(together.drops, alone.drops)


def test_map_finds_the_relevant_part(classifier: Classifier, shared_pictures: Path) -> None:
    """For a scene in one corner of a plain picture, that corner has the largest drop."""
    found = 0

    for path in sorted((shared_pictures / "test" / "forest").iterdir())[:5]:
        with Image.open(path) as scene:
            picture = Image.new("RGB", (300, 300), (128, 128, 128))
            picture.paste(scene.convert("RGB").resize((150, 150)), (150, 0))
        explanation = explained(classifier, encode(picture, "PNG"), 2)
        found += int(explanation.drops.argmax() == 1)  # the upper right of 2x2

    assert found >= 4


def test_a_map_of_7x7_takes_at_most_60_inferences(
    classifier: Classifier, photo: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = 0
    real = Network.run

    def counted(self: Network, pixels: np.ndarray) -> tuple[np.ndarray, np.ndarray | None]:
        nonlocal calls
        calls += 1
        return real(self, pixels)

    monkeypatch.setattr(Network, "run", counted)

    explained(classifier, photo, 7)

    assert calls == 50


@pytest.mark.parametrize("grid", [2, 4, 15])
def test_the_grid_can_be_chosen(client: TestClient, photo: bytes, grid: int) -> None:
    explanation = client.post(f"/explain?grid={grid}", content=photo).json()["explanation"]
    assert np.shape(explanation["drops"]) == (grid, grid)


@pytest.mark.parametrize("query", ["grid=1", "grid=16", "grid=x", "overlay=x", "top_k=0"])
def test_invalid_query_gets_422(client: TestClient, photo: bytes, query: str) -> None:
    assert client.post(f"/explain?{query}", content=photo).status_code == 422


def test_overlay_is_redder_where_the_drop_is_large(client: TestClient, photo: bytes) -> None:
    answer = client.post("/explain?grid=5&overlay=true", content=photo).json()
    png = base64.b64decode(answer["explanation"]["overlay_png"])
    with Image.open(BytesIO(png)) as image:
        assert image.format == "PNG"
        assert image.size == (448, 299)  # the photo's proportions
        overlay = np.asarray(image).astype(float)
    with Image.open(BytesIO(photo)) as image:
        scene = np.asarray(image.convert("RGB").resize((448, 299))).astype(float)
    drops = np.array(answer["explanation"]["drops"])
    redder = (overlay - scene)[..., 0] - (overlay - scene)[..., 2]
    row, column = np.unravel_index(drops.argmax(), drops.shape)
    center = redder[int((row + 0.5) * 299 / 5), int((column + 0.5) * 448 / 5)]

    row, column = np.unravel_index(drops.argmin(), drops.shape)

    assert center > redder[int((row + 0.5) * 299 / 5), int((column + 0.5) * 448 / 5)] + 20


def test_a_picture_of_one_color_has_a_flat_map_and_an_overlay(classifier: Classifier) -> None:
    explanation = explained(classifier, encode(Image.new("RGB", (40, 900), "teal"), "PNG"), 3)

    assert explanation.drops.tolist() == [[0.0] * 3] * 3
    with Image.open(BytesIO(overlay_png(explanation))) as image:
        assert image.size == (20, 448)
