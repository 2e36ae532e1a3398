"""A bundle in S3, and the fallback."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from lambda_api.app import create_app
from lambda_api.manifest import MANIFEST_FILE, read_bundle
from lambda_api.settings import Settings

PREFIX = "models/of-mine/1"
URI = f"s3://pictures/{PREFIX}"


@pytest.fixture
def put_bundle(aws_client: Callable[[str], Any], bucket: str) -> Callable[..., None]:
    """Return a function that uploads a bundle, optionally with other content for some files."""

    def put(folder: Path, **changed: bytes) -> None:
        for name in (MANIFEST_FILE, *read_bundle(folder)[0].files()):
            data = changed.get(name.partition(".")[0], (folder / name).read_bytes())
            aws_client("s3").put_object(Bucket=bucket, Key=f"{PREFIX}/{name}", Body=data)

    return put


def health(settings: Settings, uri: str) -> dict[str, Any]:
    app = create_app(settings.model_copy(update={"model_uri": uri}))
    with TestClient(app) as client:
        answer = client.get("/health")
        assert answer.status_code == 200
        return answer.json()


@pytest.mark.parametrize("uri", [URI, f"{URI}/"])
def test_a_bundle_in_s3_is_served(
    settings: Settings,
    make_bundle: Callable[..., Path],
    put_bundle: Callable[..., None],
    uri: str,
) -> None:
    folder = make_bundle(name="of-mine")
    put_bundle(folder)

    document = health(settings, uri)

    assert document["model"]["version"] == read_bundle(folder)[0].version
    assert document["model"]["name"] == "of-mine"
    assert document["fallback"] is None


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        (None, "Cannot download manifest.json from S3 (404)"),
        ({"model": b"TFL3"}, "model.tflite has 4 bytes"),
        ({"manifest": b'{"schema_version": 4}'}, "has schema version 4"),
    ],
    ids=["missing", "corrupt", "newer schema"],
)
def test_fallback_bundle_is_reported_in_health_and_log(
    settings: Settings,
    bundle: Path,
    put_bundle: Callable[..., None],
    log_lines: list[dict[str, Any]],
    changed: dict[str, bytes] | None,
    reason: str,
) -> None:
    if changed is not None:
        put_bundle(bundle, **changed)
    document = health(settings, URI)
    assert document["model"]["version"] == read_bundle(bundle)[0].version
    assert reason in document["fallback"]
    warning, loaded, *_ = log_lines
    assert (warning["level"], warning["bundle"]) == ("WARNING", URI)
    assert reason in warning["reason"]
    assert loaded["message"] == "model loaded"


def test_service_starts_without_s3(
    settings: Settings, bucket: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    assert "EndpointConnectionError" in health(settings, URI)["fallback"]


def test_service_starts_without_aws_credentials(
    settings: Settings, bucket: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")

    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/nonexistent")

    assert "NoCredentialsError" in health(settings, URI)["fallback"]


def test_health_is_503_without_any_usable_bundle(
    settings: Settings, bucket: str, tmp_path: Path, log_lines: list[dict[str, Any]]
) -> None:
    changed = {"model_uri": URI, "fallback_model": tmp_path / "none"}

    with TestClient(create_app(settings.model_copy(update=changed))) as client:
        answer = client.get("/health")

    assert answer.status_code == 503
    assert [line["level"] for line in log_lines[:2]] == ["WARNING", "ERROR"]
