"""Uploads to S3 with a presigned form, then `/predict` with the key."""

import base64
import json
from collections.abc import Callable
from typing import Any

import pytest
import requests
from fastapi.testclient import TestClient

from lambda_api.app import create_app
from lambda_api.loaded_model import LoadedModel
from lambda_api.settings import Settings
from tests.lambda_api.pictures import china, encode

UNREACHABLE = "http://127.0.0.1:9"
MAX_UPLOAD = 7_000_000


@pytest.fixture
def client(
    settings: Settings, loaded_model: LoadedModel, credentials: tuple[str, str], bucket: str
) -> TestClient:
    changed = {"upload_bucket": bucket, "max_upload_bytes": MAX_UPLOAD}
    client = TestClient(create_app(settings.model_copy(update=changed), loaded_model=loaded_model))
    client.auth = credentials
    return client


def new_upload(client: TestClient, content_type: str = "image/jpeg") -> dict[str, Any]:
    answer = client.post("/uploads", json={"content_type": content_type})
    assert answer.status_code == 201
    return answer.json()


def put(form: dict[str, Any], data: bytes) -> requests.Response:
    return requests.post(form["url"], data=form["fields"], files={"file": data}, timeout=10)


def test_uploaded_picture_is_classified_by_its_key(client: TestClient) -> None:
    large = encode(china(1800, 1200), "PNG", compress_level=0)
    assert len(large) > 4_000_000
    form = new_upload(client, "image/png")

    assert put(form, large).ok
    by_key = client.post("/predict?top_k=2", json={"key": form["key"]})
    explained = client.post("/explain?grid=2", json={"key": form["key"]})

    assert by_key.status_code == explained.status_code == 200
    assert by_key.json()["image"] == {"format": "PNG", "width": 1800, "height": 1200}
    assert len(by_key.json()["predictions"]) == 2
    assert explained.json()["label"] == by_key.json()["label"]


def test_form_limits_key_type_and_size(client: TestClient) -> None:
    form = new_upload(client, "image/webp")
    policy = json.loads(base64.b64decode(form["fields"]["policy"]))

    conditions = policy["conditions"]

    assert {"key": form["key"]} in conditions
    assert {"Content-Type": "image/webp"} in conditions
    assert ["content-length-range", 1, MAX_UPLOAD] in conditions
    assert form["fields"]["Content-Type"] == "image/webp"
    assert (form["expires_in_s"], form["max_bytes"]) == (300, MAX_UPLOAD)


def test_form_uses_the_regional_url(client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    """The global URL of a new bucket redirects, which a form in a browser does not follow."""
    monkeypatch.delenv("AWS_ENDPOINT_URL")

    url = new_upload(client)["url"]

    assert url == "https://pictures.s3.eu-central-1.amazonaws.com/"


def test_keys_are_random_under_the_prefix(client: TestClient) -> None:
    keys = {new_upload(client)["key"] for _ in range(20)}

    assert len(keys) == 20
    assert all(key.startswith("uploads/") and key.endswith(".jpg") for key in keys)


NAME = "0123456789abcdef0123456789abcdef.jpg"


@pytest.mark.parametrize(
    "key",
    [
        "",
        NAME,
        f"models/{NAME}",
        f"uploads/../models/{NAME}",
        f"uploads/./{NAME}",
        f"uploads//{NAME}",
        f"/uploads/{NAME}",
        f"uploads/{NAME}/",
        f"uploads/{NAME}\n",
        f"uploads/{NAME}\0",
        f"uploads%2F{NAME}",
        f"uploads\\{NAME}",
        f"UPLOADS/{NAME}",
        f"uploads/{NAME.upper()}",
        "uploads/models/intel-scenes/manifest.json",
        f"s3://pictures/uploads/{NAME}",
        f"uploads/{'٠' * 32}.jpg",
    ],
)
def test_invalid_key_is_rejected_without_a_call_to_s3(
    client: TestClient, monkeypatch: pytest.MonkeyPatch, key: str
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", UNREACHABLE)  # a call would cause a 503

    answer = client.post("/predict", json={"key": key})

    assert answer.status_code == 400
    assert answer.json()["type"].endswith(":foreign-key")


def test_missing_upload_gets_404(client: TestClient) -> None:
    answer = client.post("/predict", json={"key": f"uploads/{NAME}"})

    assert answer.status_code == 404
    assert answer.json()["type"].endswith(":no-such-upload")


def test_upload_over_the_limit_gets_413(
    client: TestClient, aws_client: Callable[[str], Any], bucket: str
) -> None:
    key = f"uploads/{NAME}"
    aws_client("s3").put_object(Bucket=bucket, Key=key, Body=bytes(MAX_UPLOAD + 1))

    answer = client.post("/predict", json={"key": key})

    assert answer.status_code == 413
    assert "7,000,000 bytes" in answer.json()["detail"]


def test_invalid_upload_gets_415(client: TestClient) -> None:
    form = new_upload(client)

    assert put(form, b"%PDF-1.7 and so on").ok
    assert client.post("/predict", json={"key": form["key"]}).status_code == 415


@pytest.mark.parametrize(
    "body", ["", "null", "[]", '"uploads/x"', "{}", '{"key": 7}', '{"key": "a", "bucket": "b"}']
)
@pytest.mark.parametrize("path", ["/predict", "/explain", "/uploads"])
def test_invalid_json_body_gets_422(client: TestClient, path: str, body: str) -> None:
    headers = {"Content-Type": "application/json; charset=utf-8"}

    answer = client.post(path, content=body, headers=headers)

    assert answer.status_code == 422
    assert answer.json()["type"].endswith(":invalid-request")


@pytest.mark.parametrize("content_type", ["image/svg+xml", "text/html", "", "IMAGE/JPEG"])
def test_form_is_created_for_pictures_only(client: TestClient, content_type: str) -> None:
    assert client.post("/uploads", json={"content_type": content_type}).status_code == 422


def test_without_a_bucket_there_are_no_uploads(
    settings: Settings, loaded_model: LoadedModel, credentials: tuple[str, str]
) -> None:
    client = TestClient(create_app(settings, loaded_model=loaded_model))
    for path, body in (
        ("/uploads", {"content_type": "image/png"}),
        ("/predict", {"key": f"uploads/{NAME}"}),
    ):
        answer = client.post(path, json=body, auth=credentials)
        assert answer.status_code == 404
        assert answer.json()["type"].endswith(":no-uploads")


def test_unreachable_s3_gets_503(client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", UNREACHABLE)

    answer = client.post("/predict", json={"key": f"uploads/{NAME}"})

    assert answer.status_code == 503
    assert answer.json()["type"].endswith(":storage-unavailable")
    assert int(answer.headers["Retry-After"]) > 0
    assert "127.0.0.1" not in answer.text
