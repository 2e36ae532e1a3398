"""`POST /predict` with valid pictures, `/`, `/health`, and request IDs."""

import uuid
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from lambda_api import __version__, images
from lambda_api.classifier import Classifier
from tests.lambda_api.pictures import china, encode


@pytest.fixture(scope="module")
def classifier(bundle: Path) -> Classifier:
    return Classifier(bundle)


def test_response_is_the_prediction_of_the_classifier(
    client: TestClient, photo: bytes, classifier: Classifier, bundle: Path
) -> None:
    expected = classifier.classify(photo)
    answer = client.post("/predict", files={"file": ("china.jpg", photo, "image/jpeg")})
    assert answer.status_code == 200
    document = answer.json()
    assert document["request_id"] == answer.headers["X-Request-ID"]
    assert document["model_version"] == classifier.manifest.version
    assert document["label"] == expected.label
    assert document["confidence"] == expected.confidence
    assert document["confident"] is expected.confident
    assert document["known"] is expected.known
    assert document["familiarity"] == expected.familiarity
    assert document["predictions"] == [{"label": x, "confidence": p} for x, p in expected.scores]
    assert document["image"] == {"format": "JPEG", "width": 640, "height": 427}
    assert set(document["timings_ms"]) == {"decode", "inference"}
    assert min(document["timings_ms"].values()) > 0
    assert len(document) == 10


@pytest.mark.parametrize(
    "content_type",
    [
        "image/jpeg",
        "image/png",  # the content decides, not the header
        "application/octet-stream",
        "application/x-www-form-urlencoded",  # what curl --data-binary sends
        "text/plain; charset=utf-8",
        "",
    ],
)
def test_the_whole_body_can_be_the_picture(
    client: TestClient, photo: bytes, content_type: str
) -> None:
    form = client.post("/predict", files={"file": photo}).json()

    answer = client.post("/predict", content=photo, headers={"Content-Type": content_type})

    assert answer.status_code == 200
    assert answer.json()["predictions"] == form["predictions"]


def test_a_form_may_hold_other_fields_and_any_file_name(client: TestClient, photo: bytes) -> None:
    answer = client.post(
        "/predict",
        data={"comment": "on holiday", "place": "北京"},
        files={"file": ("../../приве́т 1.exe", photo, "text/plain")},
    )
    assert answer.status_code == 200


@pytest.mark.parametrize(
    ("format_", "name"), [("JPEG", "JPEG"), ("PNG", "PNG"), ("WEBP", "WEBP"), ("MPO", "JPEG")]
)
def test_response_has_format_and_size(client: TestClient, format_: str, name: str) -> None:
    answer = client.post("/predict", content=encode(china(200, 120), format_))
    assert answer.json()["image"] == {"format": name, "width": 200, "height": 120}


@pytest.mark.parametrize("top_k", [1, 2, 1000])
def test_top_k_limits_the_classes(client: TestClient, photo: bytes, top_k: int) -> None:
    whole = client.post("/predict", content=photo).json()

    best = client.post(f"/predict?top_k={top_k}", content=photo).json()

    assert best["predictions"] == whole["predictions"][:top_k]
    assert best["label"] == whole["label"]


def test_root_links_to_all_routes(client: TestClient) -> None:
    paths = client.get("/openapi.json").json()["paths"]

    root = client.get("/").json()

    assert (root["name"], root["version"]) == ("Landscape Classifier", __version__)
    assert {f"/{name}" for name in root["links"]} == {*paths, "/docs", "/openapi.json"} - {"/"}
    for link in root["links"].values():
        path = f"/{link['href']}"
        status = 200 if "get" in paths.get(path, {"get": {}}) else 405
        assert client.get(path).status_code == status


def test_health_describes_the_model(client: TestClient, bundle: Path) -> None:
    manifest = Classifier(bundle).manifest

    first, second = client.get("/health").json(), client.get("/health").json()

    assert first["status"] == "ok"
    assert first["model"] == {
        "name": manifest.name,
        "version": manifest.version,
        "sha256": manifest.model.sha256,
    }
    assert first["classes"] == list(manifest.classes)
    assert first["load_ms"] > 0
    assert second["uptime_s"] >= first["uptime_s"] >= 0
    assert (first["cold_start"], second["cold_start"]) == (True, False)


def test_openapi_document_declares_bodies_errors_and_credentials(client: TestClient) -> None:
    document = client.get("/openapi.json").json()

    predict = document["paths"]["/predict"]["post"]

    assert set(predict["requestBody"]["content"]) == {
        "multipart/form-data",
        *images.MEDIA_TYPES,
        "application/json",
    }
    assert set(predict["responses"]) == {
        "200", "400", "401", "404", "408", "413", "415", "422", "429", "431", "500", "503",
    }  # fmt: skip
    assert set(predict["responses"]["415"]["content"]) == {"application/problem+json"}
    assert predict["security"] == [{"BasicAuth": []}]
    assert "security" not in document["paths"]["/health"]["get"]


@pytest.mark.parametrize(
    "given", ["abc", "A-1_b.c", "JKJaXmPLvHcESHA=", "x" * 128], ids=lambda given: given[:16]
)
def test_a_clients_request_id_is_kept(client: TestClient, given: str) -> None:
    assert client.get("/", headers={"X-Request-ID": given}).headers["X-Request-ID"] == given


@pytest.mark.parametrize("given", ["", "a b", "x" * 129, "a\tb", '"}{"level":"ERROR"', "ä"])
def test_invalid_request_id_is_replaced(client: TestClient, given: str) -> None:
    answer = client.get("/", headers={"X-Request-ID": given.encode()})
    assert uuid.UUID(answer.headers["X-Request-ID"]).version == 4


def test_every_request_has_its_own_id(client: TestClient) -> None:
    assert len({client.get("/").headers["X-Request-ID"] for _ in range(20)}) == 20
