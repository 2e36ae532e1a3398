"""The log: one JSON line per request, optionally in a file per day."""

import base64
import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from aws_lambda_powertools import Logger
from fastapi.testclient import TestClient

from lambda_api.app import create_app
from lambda_api.loaded_model import LoadedModel
from lambda_api.log import configured_logger
from lambda_api.settings import Settings


def test_prediction_is_one_complete_log_line(
    client: TestClient, photo: bytes, log_lines: list[dict[str, Any]]
) -> None:
    answer = client.post("/predict?top_k=1", content=photo, headers={"X-Request-ID": "abc"}).json()
    (line,) = log_lines
    assert line.pop("duration_ms") > sum(line["timings_ms"].values())
    assert datetime.fromisoformat(line.pop("timestamp")).utcoffset() is not None
    line.pop("location")
    assert line == {
        "level": "INFO",
        "message": "request",
        "service": "landscape-classifier",
        "request_id": "abc",
        "method": "POST",
        "path": "/predict",
        "status": 200,
        "cold_start": True,
        "user": "demo",
        "label": answer["label"],
        "confidence": round(answer["confidence"], 4),
        "confident": answer["confident"],
        "known": answer["known"],
        "familiarity": round(answer["familiarity"], 4),
        "model_version": answer["model_version"],
        "timings_ms": answer["timings_ms"],
    }


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/", 200),
        ("GET", "/health", 200),
        ("GET", "/nothing", 404),
        ("GET", "/predict", 405),
        ("POST", "/predict", 400),
        ("POST", "/predict?top_k=0", 422),
    ],
)
def test_every_request_is_one_line(
    client: TestClient, log_lines: list[dict[str, Any]], method: str, path: str, status: int
) -> None:
    answer = client.request(method, path)

    (line,) = log_lines

    assert (line["method"], line["path"], line["status"]) == (method, path.split("?")[0], status)
    assert line["request_id"] == answer.headers["X-Request-ID"]
    assert line["level"] == "INFO"
    assert "label" not in line


def test_log_line_has_the_user_only_after_a_right_login(
    client: TestClient, log_lines: list[dict[str, Any]], credentials: tuple[str, str]
) -> None:
    name, password = credentials
    for auth in [credentials, (name, "wrong"), (password, name), None]:
        client.auth = auth
        client.get("/model")

    users = [line.get("user") for line in log_lines]

    # A name that is not known may be a password in the wrong field.
    assert users == [name, None, None, None]
    assert password not in json.dumps(log_lines)


def test_user_outside_ascii_is_logged_as_one_name(
    settings: Settings,
    loaded_model: LoadedModel,
    credentials: tuple[str, str],
    log_lines: list[dict[str, Any]],
) -> None:
    changed = settings.model_copy(update={"api_username": "José"})
    client = TestClient(create_app(changed, loaded_model=loaded_model))
    for name in ("José".encode(), "Jose\u0301".encode(), "José".encode("latin-1")):
        token = base64.b64encode(name + b":" + credentials[1].encode()).decode()
        client.get("/model", headers={"Authorization": f"Basic {token}"}).raise_for_status()

    assert [line["user"] for line in log_lines] == ["José"] * 3


def test_only_the_first_request_of_a_process_is_a_cold_start(
    client: TestClient, log_lines: list[dict[str, Any]]
) -> None:
    headers = [client.get("/").headers["X-Cold-Start"] for _ in range(3)]

    assert [line["cold_start"] for line in log_lines] == [True, False, False]
    assert headers == ["true", "false", "false"]


def test_provisioned_instance_has_no_cold_start(
    client: TestClient, log_lines: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_LAMBDA_INITIALIZATION_TYPE", "provisioned-concurrency")

    assert client.get("/").headers["X-Cold-Start"] == "false"
    assert [line["cold_start"] for line in log_lines] == [False]


@pytest.fixture
def dated(tmp_path: Path) -> Iterator[tuple[Logger, Path]]:
    """A logger that also writes to a folder."""
    folder = tmp_path / "new" / "logs"
    logger = configured_logger(folder)
    yield logger, folder
    logger.handlers[-1].close()
    logger.removeHandler(logger.handlers[-1])


def test_lines_also_go_to_a_file_named_by_date(
    dated: tuple[Logger, Path],
) -> None:
    logger, folder = dated
    for word in ("one", "zwei …"):
        logger.info(word, status=200)
    (file,) = folder.iterdir()
    assert re.fullmatch(r"\d{4}-\d\d-\d\d\.log", file.name)
    lines = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]
    assert [(line["message"], line["status"]) for line in lines] == [("one", 200), ("zwei …", 200)]
    assert {line["timestamp"][:10] for line in lines} == {file.stem}


def test_file_is_chosen_by_utc_date(dated: tuple[Logger, Path]) -> None:
    logger, folder = dated

    for day in (datetime(2026, 12, 31, 23, 59, tzinfo=UTC), datetime(2027, 1, 1, tzinfo=UTC)):
        record = logger.makeRecord("x", 20, "file.py", 1, "message", (), None)
        record.created = day.timestamp()
        logger.handlers[-1].handle(record)

    assert {file.name for file in folder.iterdir()} == {"2026-12-31.log", "2027-01-01.log"}


def test_a_folder_is_set_up_once(dated: tuple[Logger, Path]) -> None:
    logger, folder = dated
    again = configured_logger(folder)
    again.info("once")

    (file,) = folder.iterdir()

    assert again is logger
    assert len(file.read_text().splitlines()) == 1


def test_missing_log_folder_does_not_stop_the_service(
    dated: tuple[Logger, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    logger, folder = dated
    folder.rmdir()

    logger.info("still running")

    assert "No such file or directory" in capsys.readouterr().err


def test_unencodable_text_does_not_stop_the_service(
    dated: tuple[Logger, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    logger, _ = dated

    logger.info("a lone surrogate", path="/\ud800")

    assert "UnicodeEncodeError" in capsys.readouterr().err
