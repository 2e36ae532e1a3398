"""`POST /feedback`: labels, request IDs, repetition, contradiction, and storage that fails."""

import base64
import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from lambda_api.app import create_app
from lambda_api.collection.records import Feedback, is_feedback
from lambda_api.loaded_model import LoadedModel
from lambda_api.settings import Settings
from tests.lambda_api.pictures import china, encode

Objects = dict[str, bytes]


@pytest.fixture
def serve(
    settings: Settings, loaded_model: LoadedModel, credentials: tuple[str, str]
) -> Callable[..., TestClient]:
    """Return a function that starts a service that collects."""

    def start(**changed: object) -> TestClient:
        app = create_app(settings.model_copy(update=changed), loaded_model=loaded_model)
        client = TestClient(app, raise_server_exceptions=False)
        client.auth = credentials
        return client

    return start


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "collected"


@pytest.fixture
def client(serve: Callable[..., TestClient], folder: Path) -> TestClient:
    return serve(collect="feedback", collect_to=str(folder))


def stored(folder: Path) -> Objects:
    files = (path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}


def drain(client: TestClient) -> None:
    assert client.app.state.services.collection.collector.drain(10)


def slug(answer: Any) -> str:
    assert answer.headers["Content-Type"] == "application/problem+json"
    return answer.json()["type"].rpartition(":")[2]


def test_picture_is_stored_with_its_prediction_and_label(
    client: TestClient, folder: Path, photo: bytes
) -> None:
    predicted = client.post("/predict", content=photo).json()

    answer = client.post(
        "/feedback",
        files={"file": ("holiday with anna.jpg", photo)},
        data={"label": "forest", "note": "a park", "request_id": predicted["request_id"]},
    )

    assert answer.status_code == 201
    receipt, digest = answer.json(), hashlib.sha256(photo).hexdigest()
    assert (receipt["status"], receipt["label"], receipt["contradicts"]) == ("stored", "forest", [])
    assert (receipt["picture"], receipt["predicted"]) == (digest, predicted["label"])
    objects = stored(folder)
    assert objects.pop(f"pictures/{digest}.jpeg") == photo
    ((name, record),) = objects.items()
    assert is_feedback(name)
    feedback = Feedback.model_validate_json(record)
    assert (feedback.label, feedback.note) == ("forest", "a park")
    assert feedback.request_id == predicted["request_id"]
    assert feedback.model_version == predicted["model_version"]
    assert feedback.answer["confidence"] == pytest.approx(predicted["confidence"])
    for secret in (b"anna", b"holiday", b"demo", b"testclient", b"127.0.0.1"):
        assert secret not in record


@pytest.mark.parametrize("collect", ["all", "unsure", "feedback"])
def test_request_id_suffices_if_its_picture_was_collected(
    serve: Callable[..., TestClient],
    make_bundle: Callable[..., Path],
    bundle: Path,
    folder: Path,
    photo: bytes,
    collect: str,
) -> None:
    client = serve(collect=collect, collect_to=str(folder))
    predicted = client.post("/predict", content=photo).json()
    kept = collect == "all" or (collect == "unsure" and not predicted["confident"])

    answer = client.post("/feedback", json={"request_id": predicted["request_id"], "label": "none"})

    if kept:
        assert answer.status_code == 201
        assert answer.json()["label"] == "none"
        (name,) = (name for name in stored(folder) if is_feedback(name))
        assert Feedback.model_validate_json((folder / name).read_bytes()).label is None
    else:
        assert (answer.status_code, slug(answer)) == (404, "no-such-picture")
        assert "Send the picture itself" in answer.json()["detail"]


def test_unsure_collects_only_predictions_without_confidence(
    serve: Callable[..., TestClient], folder: Path, photo: bytes
) -> None:
    client = serve(collect="unsure", collect_to=str(folder))
    gray = encode(china(64, 64).point(lambda value: 128), "PNG")
    confident = [
        client.post("/predict", content=data).json()["confident"] for data in (photo, gray)
    ]
    drain(client)

    pictures = {name for name in stored(folder) if name.startswith("pictures/")}

    assert len(pictures) == confident.count(False)


def test_same_feedback_twice_is_stored_once(client: TestClient, folder: Path, photo: bytes) -> None:
    form = {"files": {"file": photo}, "data": {"label": "sea"}}

    first, second = client.post("/feedback", **form), client.post("/feedback", **form)

    assert (first.status_code, second.status_code) == (201, 200)
    assert second.json()["status"] == "repeated"
    assert sum(is_feedback(name) for name in stored(folder)) == 1


def test_contradiction_is_stored_and_reported(
    client: TestClient, folder: Path, photo: bytes
) -> None:
    for label in ("sea", "none"):
        client.post("/feedback", files={"file": photo}, data={"label": label})

    answer = client.post("/feedback", files={"file": photo}, data={"label": "street"})

    assert answer.status_code == 201
    assert answer.json()["contradicts"] == ["none", "sea"]
    assert sum(is_feedback(name) for name in stored(folder)) == 3


@pytest.mark.parametrize(
    ("body", "status", "problem"),
    [
        ({"label": "beach", "request_id": "x"}, 422, "unknown-label"),
        ({"label": "", "request_id": "x"}, 422, "invalid-request"),
        ({"label": "sea"}, 422, "invalid-request"),
        ({"label": "sea", "request_id": "../../etc"}, 422, "invalid-request"),
        ({"label": "sea", "request_id": "x", "note": "n" * 501}, 422, "invalid-request"),
        ({"label": "sea", "request_id": "x", "user": "anna"}, 422, "invalid-request"),
        ({"label": "sea", "image": "/9j/", "key": "k"}, 422, "invalid-request"),
        ({"label": "sea", "image": "***"}, 422, "invalid-request"),
        ({"label": "sea", "image": base64.b64encode(b"hello").decode()}, 415, "unsupported-format"),
        ({"label": "sea", "key": "uploads/x.jpg"}, 404, "no-uploads"),
        ({"label": "sea", "request_id": "never-seen"}, 404, "no-such-picture"),
    ],
)
def test_invalid_feedback_gets_a_clear_error_and_stores_nothing(
    client: TestClient, folder: Path, body: dict[str, str], status: int, problem: str
) -> None:
    answer = client.post("/feedback", json=body)

    assert (answer.status_code, slug(answer)) == (status, problem)
    assert stored(folder) == {}


@pytest.mark.parametrize(
    ("fields", "files", "status"),
    [
        ({"label": "sea"}, [("picture", b"x")], 422),
        ({"label": "beach"}, [("file", b"x")], 422),
        ({"label": "sea", "note": "n" * 501}, [("file", b"x")], 422),
        ({"label": "sea"}, [("file", b"x"), ("file", b"y")], 422),
        ({"label": "sea"}, [("file", b"not a picture")], 415),
        ({"label": ["sea", "forest"]}, [("file", b"x")], 422),
    ],
)
def test_invalid_form_gets_a_clear_error(
    client: TestClient,
    folder: Path,
    fields: dict[str, str | list[str]],
    files: list[tuple[str, bytes]],
    status: int,
) -> None:
    answer = client.post("/feedback", data=fields, files=files)

    assert answer.status_code == status
    assert slug(answer)
    assert stored(folder) == {}


def test_body_that_is_no_feedback_gets_415(client: TestClient, photo: bytes) -> None:
    answer = client.post("/feedback", content=photo, headers={"Content-Type": "image/jpeg"})

    assert (answer.status_code, slug(answer)) == (415, "not-feedback")


def test_feedback_is_off_by_default(
    serve: Callable[..., TestClient], client: TestClient, photo: bytes
) -> None:
    off = serve()

    answer = off.post("/feedback", files={"file": photo}, data={"label": "sea"})

    assert (answer.status_code, slug(answer)) == (404, "no-feedback")
    assert off.get("/health").json()["collect"] == "off"
    assert client.get("/health").json()["collect"] == "feedback"


def test_feedback_needs_credentials(client: TestClient) -> None:
    client.auth = None

    assert client.post("/feedback", json={"label": "sea", "request_id": "x"}).status_code == 401


def test_batch_is_ambiguous_until_the_picture_is_sent(
    serve: Callable[..., TestClient], folder: Path, photo: bytes
) -> None:
    client = serve(collect="all", collect_to=str(folder))
    other = encode(china(100, 100), "PNG")
    batch = client.post("/predict/batch", files=[("file", photo), ("file", other)]).json()
    drain(client)

    by_id = client.post("/feedback", json={"request_id": batch["request_id"], "label": "sea"})
    sent = client.post("/feedback", files={"file": other}, data={"label": "sea"})

    assert (by_id.status_code, slug(by_id)) == (409, "several-pictures")
    assert sent.status_code == 201


@pytest.mark.parametrize("damage", ["expired", "overwritten", "foreign record"])
def test_picture_that_is_gone_or_altered_gets_404(
    serve: Callable[..., TestClient], folder: Path, photo: bytes, damage: str
) -> None:
    client = serve(collect="all", collect_to=str(folder))
    request_id = client.post("/predict", content=photo).json()["request_id"]
    drain(client)
    (picture,) = (folder / "pictures").iterdir()
    (record,) = (folder / "answers").rglob("*.json")
    match damage:
        case "expired":
            picture.unlink()
        case "overwritten":
            picture.write_bytes(b"something else")
        case _:
            record.write_text('{"label": "sea"}')

    answer = client.post("/feedback", json={"request_id": request_id, "label": "sea"})

    assert (answer.status_code, slug(answer)) == (404, "no-such-picture")


def test_feedback_goes_to_a_bucket(
    serve: Callable[..., TestClient],
    aws_client: Callable[[str], Any],
    bucket: str,
    photo: bytes,
) -> None:
    client = serve(collect="all", collect_to=f"s3://{bucket}/collected")
    request_id = client.post("/predict", content=photo).json()["request_id"]
    drain(client)

    answer = client.post("/feedback", json={"request_id": request_id, "label": "forest"})

    assert answer.status_code == 201
    listed = aws_client("s3").list_objects_v2(Bucket=bucket)["Contents"]
    folders = sorted(entry["Key"].split("/")[1] for entry in listed)
    assert folders == ["answers", "feedback", "pictures"]
    assert all(entry["Key"].startswith("collected/") for entry in listed)


def test_bucket_that_refuses_fails_the_feedback_but_no_prediction(
    serve: Callable[..., TestClient],
    aws_client: Callable[[str], Any],
    photo: bytes,
    log_lines: list[dict[str, Any]],
    capsys: pytest.CaptureFixture[str],
) -> None:
    client = serve(
        collect="all",
        collect_to="s3://there-is-no-such-bucket/collected",
        powertools_metrics_namespace="Scenes",
    )

    predictions = [client.post("/predict", content=photo) for _ in range(3)]
    drain(client)
    feedback = client.post("/feedback", files={"file": photo}, data={"label": "sea"})

    assert [answer.status_code for answer in predictions] == [200, 200, 200]
    assert (feedback.status_code, slug(feedback)) == (503, "storage-unavailable")
    assert int(feedback.headers["Retry-After"]) > 0
    warnings = [line for line in log_lines if line["message"] == "picture not collected"]
    assert [line["level"] for line in warnings] == ["WARNING"]  # once: then it pauses
    assert "NoSuchBucket" in warnings[0]["reason"]
    metrics = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert sum("CollectErrors" in line for line in metrics) == 3


def test_full_disk_fails_no_prediction_and_feedback_can_be_repeated(
    serve: Callable[..., TestClient], photo: bytes, log_lines: list[dict[str, Any]], tmp_path: Path
) -> None:
    """A file in place of the folder `pictures` stands in for the disk, as root may write all."""
    folder = tmp_path / "collected"
    folder.mkdir()
    (folder / "pictures").touch()
    client = serve(collect="all", collect_to=str(folder))

    answer = client.post("/predict", content=photo)
    drain(client)
    correction = {"files": {"file": photo}, "data": {"label": "sea"}}
    feedback = client.post("/feedback", **correction)
    left = stored(folder)
    (folder / "pictures").unlink()  # space is free again
    again = client.post("/feedback", **correction)

    assert answer.status_code == 200
    assert "picture not collected" in {line["message"] for line in log_lines}
    assert (feedback.status_code, slug(feedback)) == (503, "storage-unavailable")
    assert left == {"pictures": b""}
    assert again.status_code == 201
