"""`POST /predict/batch`: a prediction or an error for each picture."""

from typing import Any

import pytest
from fastapi.testclient import TestClient

from lambda_api.web.request_body import MAX_BATCH
from tests.lambda_api.pictures import china, encode, refused

FORM = list[tuple[str, tuple[str, bytes, str]]]


def form(*pictures: bytes) -> FORM:
    return [("file", (f"{i}.jpg", data, "image/jpeg")) for i, data in enumerate(pictures)]


def test_batch_returns_the_same_predictions_as_single_requests(
    client: TestClient, photo: bytes
) -> None:
    pictures = [photo, encode(china(), "PNG"), encode(china(64, 64), "WEBP")]
    alone = [client.post("/predict?top_k=3", content=data).json() for data in pictures]
    answer = client.post("/predict/batch?top_k=3", files=form(*pictures))
    assert answer.status_code == 200
    document = answer.json()
    assert document["model_version"] == alone[0]["model_version"]
    assert document["request_id"] == answer.headers["X-Request-ID"]
    assert [item["filename"] for item in document["results"]] == ["0.jpg", "1.jpg", "2.jpg"]
    for item, expected in zip(document["results"], alone, strict=True):
        assert item["error"] is None
        for name in ("label", "confidence", "confident", "predictions", "image"):
            assert item["prediction"][name] == expected[name]


def test_invalid_picture_does_not_affect_others(client: TestClient, photo: bytes) -> None:
    kinds = [kind for kind in refused() if kind != "20,000x20,000 PNG"]  # over the body's limit
    spoiled = [refused()[kind][0] for kind in kinds]
    alone = [client.post("/predict", content=data).json() for data in spoiled]
    results = client.post("/predict/batch", files=form(*spoiled, photo)).json()["results"]

    for item, expected in zip(results, alone, strict=False):
        assert item["prediction"] is None
        assert item["error"] == {k: v for k, v in expected.items() if k != "request_id"}

    assert results[-1]["prediction"]["label"]
    assert len(results) == len(kinds) + 1


def test_one_picture_is_a_batch_too(client: TestClient, photo: bytes) -> None:
    assert len(client.post("/predict/batch", files=form(photo)).json()["results"]) == 1


def test_as_many_as_the_limit_are_answered_and_one_more_is_refused(
    client: TestClient, photo: bytes
) -> None:
    small = encode(china(16, 16), "JPEG")
    answer = client.post("/predict/batch", files=form(*[small] * MAX_BATCH))
    assert len(answer.json()["results"]) == MAX_BATCH
    answer = client.post("/predict/batch", files=form(*[small] * (MAX_BATCH + 1)))
    assert (answer.status_code, answer.headers["Content-Type"]) == (400, "application/problem+json")
    assert str(MAX_BATCH) in answer.json()["detail"]


@pytest.mark.parametrize(
    ("request_", "status", "slug"),
    [
        ({"content": b"\xff\xd8\xff"}, 415, "not-a-form"),
        ({"json": {"key": "uploads/x"}}, 415, "not-a-form"),
        ({"files": {"picture": b"x"}}, 400, "no-picture"),
        ({}, 415, "not-a-form"),
    ],
)
def test_other_bodies_are_rejected(
    client: TestClient, request_: dict[str, Any], status: int, slug: str
) -> None:
    answer = client.post("/predict/batch", **request_)

    assert answer.status_code == status
    assert answer.json()["type"].endswith(f":{slug}")


def test_log_has_the_labels_and_no_file_names(
    client: TestClient, photo: bytes, log_lines: list[dict[str, Any]]
) -> None:
    client.post("/predict/batch", files=form(photo, photo, b"broken"))

    (line,) = log_lines

    assert list(line["labels"].values()) == [2]
    assert "0.jpg" not in str(line)
