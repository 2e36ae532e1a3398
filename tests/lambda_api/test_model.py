"""Loading of the model: once, released at shutdown, or failed with a reason."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from lambda_api import classifier
from lambda_api.app import create_app
from lambda_api.manifest import MANIFEST_FILE, MODEL_FILE, Manifest, read_bundle
from lambda_api.settings import Settings

SPOILED: dict[str, tuple[Callable[[Path], Any], str]] = {
    "missing": (shutil.rmtree, "No bundle found: manifest.json cannot be read"),
    "corrupt": (lambda f: (f / MODEL_FILE).write_bytes(b"TFL3"), "model.tflite has 4 bytes"),
    "deeply nested": (
        lambda f: (f / MANIFEST_FILE).write_text('{"a":' * 200_000),
        "The bundle cannot be read (RecursionError).",
    ),
    "foreign": (lambda f: (f / MANIFEST_FILE).write_text('{"a": 1}'), "is not a bundle's manifest"),
}


@pytest.mark.parametrize("case", SPOILED)
def test_service_without_a_model_reports_the_reason(
    case: str,
    settings: Settings,
    credentials: tuple[str, str],
    make_bundle: Callable[..., Path],
    photo: bytes,
    log_lines: list[dict[str, Any]],
) -> None:
    spoil, reason = SPOILED[case]
    folder = make_bundle()
    spoil(folder)
    with TestClient(create_app(settings.model_copy(update={"model_uri": str(folder)}))) as client:
        assert client.get("/").status_code == 200
        health = client.get("/health")
        predict = client.post("/predict", content=photo, auth=credentials)
    for answer in (health, predict):
        assert answer.status_code == 503
        assert answer.headers["Content-Type"] == "application/problem+json"
        assert int(answer.headers["Retry-After"]) > 0
        document = answer.json()
        assert document["type"] == "urn:landscape-classifier:problem:model-not-ready"
        assert reason in document["detail"]
        assert str(folder) not in document["detail"]
        assert document["request_id"] == answer.headers["X-Request-ID"]

    first = log_lines[0]

    assert (first["level"], first["message"]) == ("ERROR", "model not loaded")
    assert first["bundle"] == str(folder)
    assert reason in first["reason"]


def test_manifest_requires_credentials(client: TestClient, bundle: Path) -> None:
    answer = client.get("/model")
    assert answer.status_code == 200
    assert Manifest.model_validate(answer.json()) == read_bundle(bundle)[0]
    client.auth = None
    assert client.get("/model").status_code == 401


def test_the_lifespan_loads_the_model_once_and_releases_it(
    settings: Settings,
    credentials: tuple[str, str],
    bundle: Path,
    photo: bytes,
    monkeypatch: pytest.MonkeyPatch,
    log_lines: list[dict[str, Any]],
) -> None:
    loaded: list[Path] = []

    def counted(folder: Path) -> tuple[Manifest, bytes]:
        loaded.append(folder)
        return read_bundle(folder)

    monkeypatch.setattr(classifier, "read_bundle", counted)
    app = create_app(settings)
    assert loaded == []
    with TestClient(app) as client:
        for _ in range(3):
            assert client.post("/predict", content=photo, auth=credentials).status_code == 200
            assert client.get("/health").status_code == 200
    assert loaded == [bundle]
    assert app.state.loaded_model is None
    assert [line["message"] for line in log_lines].count("model loaded") == 1


def test_a_given_model_is_used_as_it_is(
    client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delattr(classifier, "read_bundle")
    with client:
        assert client.get("/health").status_code == 200
