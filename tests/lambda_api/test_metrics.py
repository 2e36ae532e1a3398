"""Metrics in the embedded metric format of CloudWatch."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from fastapi import Request
from fastapi.testclient import TestClient

from lambda_api.app import create_app
from lambda_api.loaded_model import LoadedModel
from lambda_api.settings import Settings


@pytest.fixture
def client(
    settings: Settings, loaded_model: LoadedModel, credentials: tuple[str, str]
) -> TestClient:
    changed = {"powertools_metrics_namespace": "Scenes"}
    client = TestClient(
        create_app(settings.model_copy(update=changed), loaded_model=loaded_model),
        raise_server_exceptions=False,
    )
    client.auth = credentials
    return client


def metrics(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    return [line for line in lines if "_aws" in line]


def units(line: dict[str, Any]) -> dict[str, str]:
    (definition,) = line["_aws"]["CloudWatchMetrics"]
    assert definition["Namespace"] == "Scenes"
    return {metric["Name"]: metric["Unit"] for metric in definition["Metrics"]}


def test_a_prediction_is_measured(
    client: TestClient, loaded_model: LoadedModel, photo: bytes, capsys: pytest.CaptureFixture[str]
) -> None:
    answer = client.post("/predict", content=photo).json()

    whole, of_label = metrics(capsys)

    assert units(whole) == {
        "Requests": "Count",
        "Duration": "Milliseconds",
        "ColdStarts": "Count",
        "ModelLoadTime": "Milliseconds",
        "DecodeTime": "Milliseconds",
        "InferenceTime": "Milliseconds",
        "Confidence": "None",
        **({} if answer["confident"] else {"UnsureAnswers": "Count"}),
    }
    assert whole["service"] == "landscape-classifier"
    assert whole["_aws"]["CloudWatchMetrics"][0]["Dimensions"] == [["service"]]
    assert (whole["Requests"], whole["ColdStarts"]) == ([1], [1])
    assert whole["ModelLoadTime"] == [loaded_model.load_ms]
    assert whole["Confidence"] == [answer["confidence"]]
    assert whole["InferenceTime"][0] == pytest.approx(answer["timings_ms"]["inference"], abs=1e-3)
    assert units(of_label) == {"Predictions": "Count"}
    assert of_label["label"] == answer["label"]
    assert of_label["_aws"]["CloudWatchMetrics"][0]["Dimensions"] == [["label", "service"]]


def test_low_confidence_is_counted(
    settings: Settings,
    make_bundle: Callable[..., Path],
    credentials: tuple[str, str],
    photo: bytes,
    capsys: pytest.CaptureFixture[str],
) -> None:
    changed = {
        "powertools_metrics_namespace": "Scenes",
        "model_uri": str(make_bundle(confidence_threshold=1.0)),
    }

    with TestClient(create_app(settings.model_copy(update=changed))) as client:
        assert not client.post("/predict", content=photo, auth=credentials).json()["confident"]

    assert metrics(capsys)[0]["UnsureAnswers"] == [1]


def test_only_the_first_request_is_a_cold_start(
    client: TestClient, capsys: pytest.CaptureFixture[str]
) -> None:
    for _ in range(3):
        client.get("/health")

    lines = metrics(capsys)

    assert [line.get("ColdStarts") for line in lines] == [[1], None, None]
    assert ["ModelLoadTime" in line for line in lines] == [True, False, False]


def test_a_batch_counts_every_picture(
    client: TestClient, photo: bytes, capsys: pytest.CaptureFixture[str]
) -> None:
    client.post("/predict/batch", files=[("file", photo), ("file", photo), ("file", b"broken")])

    whole, of_label = metrics(capsys)

    assert whole["Requests"] == [1]
    assert len(whole["DecodeTime"]) == len(whole["Confidence"]) == 2
    assert of_label["Predictions"] == [2]


@pytest.mark.parametrize(
    ("path", "errors", "client_errors"),
    [("/nothing", False, True), ("/broken", True, False), ("/", False, False)],
)
def test_server_and_client_errors_are_separate_metrics(
    client: TestClient,
    capsys: pytest.CaptureFixture[str],
    path: str,
    errors: bool,
    client_errors: bool,
) -> None:
    async def break_(_: Request) -> None:
        raise LookupError

    client.app.add_api_route("/broken", break_)
    client.get(path)

    (line,) = metrics(capsys)

    assert ("Errors" in line, "ClientErrors" in line) == (errors, client_errors)
    assert "DecodeTime" not in line


def test_failed_logins_are_counted(client: TestClient, capsys: pytest.CaptureFixture[str]) -> None:
    for _ in range(11):
        client.get("/model", auth=("demo", "wrong"))

    lines = metrics(capsys)

    assert [line.get("FailedLogins") for line in lines] == [[1]] * 10 + [None]
    assert [line.get("SlowedLogins") for line in lines] == [None] * 10 + [[1]]


def test_a_model_that_is_missing_does_not_stop_the_metrics(
    settings: Settings, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    changed = {"powertools_metrics_namespace": "Scenes", "model_uri": str(tmp_path)}
    with TestClient(create_app(settings.model_copy(update=changed))) as client:
        assert client.get("/health").status_code == 503

    (line,) = metrics(capsys)

    assert line["Errors"] == [1]


def test_without_a_namespace_there_are_no_metrics(
    settings: Settings, loaded_model: LoadedModel, capsys: pytest.CaptureFixture[str]
) -> None:
    TestClient(create_app(settings, loaded_model=loaded_model)).get("/")
    assert metrics(capsys) == []
