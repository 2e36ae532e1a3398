"""Pictures in base64 in JSON, as common clients write it."""

import base64
import json

import pytest
from fastapi.testclient import TestClient

from tests.lambda_api.forms import B64, JPEG, PNG, WEBP

JSON = {"Content-Type": "application/json"}
JSON_BODIES = {
    "base64": {"image": B64},
    "data URL": {"image": f"data:image/jpeg;base64,{B64}"},
    "data URL with a charset": {"image": f"DATA:image/jpeg;charset=utf-8;BASE64,{B64}"},
    "escaped data URL": {"image": "data:image/jpeg;base64," + B64.replace("+", "%2B")},
    "URL-safe": {"image": base64.urlsafe_b64encode(JPEG).decode().rstrip("=")},
    "no media type": {"image": f"data:;base64,{B64}"},
    "blanks in the prefix": {"image": f"data:image/jpeg; name=a.jpg; base64 , {B64}"},
    "prefix without data:": {"image": f"image/jpeg;base64,{B64}"},
    "base64 as prefix": {"image": f"base64,{B64}"},
    "CRLF and blanks": {"image": "\r\n ".join(B64[i : i + 76] for i in range(0, len(B64), 76))},
    "lines": {"image": base64.encodebytes(JPEG).decode()},
}


@pytest.mark.parametrize("kind", JSON_BODIES)
@pytest.mark.parametrize("path", ["/predict", "/explain?grid=2"])
def test_picture_in_json_is_classified(client: TestClient, path: str, kind: str) -> None:
    answer = client.post(path, json=JSON_BODIES[kind])

    assert answer.status_code == 200
    assert answer.json()["confidence"] == client.post("/predict", content=JPEG).json()["confidence"]


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_json_may_have_a_byte_order_mark(client: TestClient, encoding: str) -> None:
    body = json.dumps({"image": B64}).encode(encoding)

    assert client.post("/predict", content=body, headers=JSON).status_code == 200


@pytest.mark.parametrize("picture", [JPEG, PNG, WEBP], ids=["JPEG", "PNG", "WebP"])
def test_picture_labeled_as_json_is_classified(client: TestClient, picture: bytes) -> None:
    assert client.post("/predict", content=picture, headers=JSON).status_code == 200


def test_large_picture_in_json_is_limited_as_a_body(client: TestClient) -> None:
    padded = base64.b64encode(JPEG + bytes(2_900_000)).decode()

    assert client.post("/predict", json={"image": padded}).status_code == 200
    assert client.post("/predict", json={"image": padded * 2}).status_code == 413


@pytest.mark.parametrize(
    ("document", "detail"),
    [
        ({"image": "not base64!"}, "image: is not base64"),
        ({"image": 5}, 'image: Input should be a valid string. Send {"image": "<base64>"}'),
        ({"image": {"data": B64}}, 'valid string. Send {"image": "<base64>"}'),
        ({"image": None}, 'valid string. Send {"image": "<base64>"}'),
        ({"image": list(JPEG)}, 'valid string. Send {"image": "<base64>"}'),
        ({"image": "https://example.com/a.jpg"}, "image: is not base64"),
        ({"image": f"image/jpeg,{B64}"}, "image: is not base64"),
        ({"image": B64, "top_k": 2}, "top_k: Extra inputs"),
        ({"file": "x"}, 'Send {"image": "<base64>"}'),
        ({"data": "x" * 5000}, 'no field "image"'),
        ([B64[:100]], 'Send {"image": "<base64>"}'),
    ],
)
def test_other_json_is_rejected_with_what_to_send(
    client: TestClient, document: object, detail: str
) -> None:
    answer = client.post("/predict", json=document)

    assert answer.status_code == 422
    assert detail in answer.json()["detail"]
    assert "/uploads" not in answer.json()["detail"]  # this service has none
