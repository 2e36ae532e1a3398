"""Errors name what was received, and advise what works."""

import gzip
import json

import pytest
from fastapi.testclient import TestClient

from lambda_api.app import create_app
from lambda_api.loaded_model import LoadedModel
from lambda_api.settings import Settings
from tests.lambda_api.forms import B64, JPEG, PNG, WEBP, form
from tests.lambda_api.pictures import china, encode

LARGE_JPEG = encode(china(), "JPEG")
WITHOUT_LINES = bytes.maketrans(b"", b""), b"\0\r\n"  # what curl -d removes
RECEIVED = {
    "curl -d of a JPEG": (LARGE_JPEG.translate(*WITHOUT_LINES), "--data-binary"),
    "curl -d of a PNG": (PNG.translate(*WITHOUT_LINES), "--data-binary"),
    "URL-encoded form": (b"file=@photo.jpg", "curl -F file=@photo.jpg"),
    "URL-encoded base64": (b"image=" + B64.encode(), "URL-encoded form"),
    "mixed parts": (b"--XX\r\nContent-Type: image/jpeg\r\n\r\n" + JPEG, "multipart/form-data"),
    "JPEG XL": (b"\xff\x0a" + bytes(20), "JPEG XL"),
    "JPEG 2000": (b"\0\0\0\x0cjP  \r\n\x87\n", "JPEG 2000"),
    "Photoshop": (b"8BPS\0\1", "Photoshop"),
    "icon": (encode(china(), "ICO"), "icon"),
    "raw photo": (b"\0\0\0\x18ftypcrx \0\0\0\1", "raw photo"),
    "video": (b"\0\0\0\x18ftypisom\0\0\2\0isomavc1", "video"),
    "byte order mark": (b"\xef\xbb\xbf" + JPEG, "byte order mark"),
    "Git LFS": (b"version https://git-lfs.github.com/spec/v1\noid sha256:1\n", "git lfs pull"),
    "replaced": (JPEG.decode("utf-8", "replace").encode(), "binary media types"),
    "replaced PNG": (PNG.decode("utf-8", "replace").encode(), "binary media types"),
    "replaced WebP": (WEBP.decode("utf-8", "replace").encode(), "binary media types"),
    "Latin-1 as UTF-8": (JPEG.decode("latin-1").encode(), "binary media types"),
    "question marks": (JPEG.decode("ascii", "replace").replace("\ufffd", "?").encode(), "binary"),
    "base64": (B64.encode(), 'Send {"image"'),
    "data URL": (f"data:image/png;base64,{B64}".encode(), 'Send {"image"'),
    "JSON": (json.dumps({"image": B64}).encode(), "application/json"),
    "form": (form(), "multipart/form-data"),
    "HTML": (b"<!DOCTYPE html><html></html>", "HTML page"),
    "SVG": (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "SVG"),
    "PDF": (b"%PDF-1.7\n", "PDF"),
    "gzip": (gzip.compress(JPEG), "gzip"),
    "ZIP": (b"PK\x03\x04" + bytes(40), "ZIP"),
    "file name": (b"@photos/beach.jpg", "file name"),
}


@pytest.mark.parametrize("kind", RECEIVED)
def test_error_names_what_was_received(client: TestClient, kind: str) -> None:
    data, detail = RECEIVED[kind]
    answers = [
        client.post("/predict", content=data, headers={"Content-Type": "image/jpeg"}),
        client.post("/explain", content=data, headers={"Content-Type": "image/jpeg"}),
    ]
    in_batch = client.post("/predict/batch", files={"file": ("a.jpg", data)}).json()

    assert {answer.status_code for answer in answers} <= {415, 422}
    assert all(detail in answer.json()["detail"] for answer in answers)
    assert detail in in_batch["results"][0]["error"]["detail"]


def test_advice_of_an_error_works(client: TestClient) -> None:
    """Sent as the error says, the same data gets an answer."""
    assert client.post("/predict", content=B64).status_code == 415
    assert client.post("/predict", json={"image": B64}).status_code == 200


@pytest.mark.parametrize("uploads", [True, False])
def test_413_advises_only_what_works(
    settings: Settings, loaded_model: LoadedModel, credentials: tuple[str, str], *, uploads: bool
) -> None:
    changed = {"upload_bucket": "pictures" if uploads else None}
    app = create_app(settings.model_copy(update=changed), loaded_model=loaded_model)
    client = TestClient(app)
    client.auth = credentials

    one, several = (
        client.post(path, content=bytes(4_000_001)).json()["detail"]
        for path in ("/predict", "/predict/batch")
    )

    assert ("/uploads" in one) is uploads
    assert "/uploads" not in several  # a batch takes no keys
    assert "fewer" in several


def test_batch_that_is_no_form_names_its_type(client: TestClient) -> None:
    answer = client.post("/predict/batch", content=JPEG, headers={"Content-Type": "image/jpeg"})

    assert answer.status_code == 415
    assert answer.json()["detail"].startswith("Received image/jpeg.")


def test_unsupported_method_names_the_right_one(client: TestClient) -> None:
    answer = client.get("/predict")

    assert answer.json()["detail"] == "This route does not support GET. Use POST."
