"""Regions, missing credentials and misconfigured buckets."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from httpx import Response

from lambda_api import aws
from lambda_api.app import create_app
from lambda_api.loaded_model import LoadedModel
from lambda_api.settings import Settings

NAME = "0123456789abcdef0123456789abcdef.jpg"
FORM = ("my-pictures", "uploads/x.jpg", "image/jpeg", 9)


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Callable[..., None]]:
    """Return a function that sets variables. No other AWS settings of this machine apply."""
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))

    def set_(*, keys: bool = True, **variables: str) -> None:
        if keys:
            variables |= {"AWS_ACCESS_KEY_ID": "unused", "AWS_SECRET_ACCESS_KEY": "unused"}
        for name, value in variables.items():
            monkeypatch.setenv(name, value)

    aws.forget_clients()
    yield set_
    aws.forget_clients()


@pytest.fixture
def client(
    settings: Settings, loaded_model: LoadedModel, credentials: tuple[str, str]
) -> TestClient:
    changed = settings.model_copy(update={"upload_bucket": "my-pictures"})
    client = TestClient(create_app(changed, loaded_model=loaded_model))
    client.auth = credentials
    return client


def both_answers(client: TestClient) -> list[Response]:
    """Request an upload, and a prediction for an uploaded picture."""
    return [
        client.post("/uploads", json={"content_type": "image/jpeg"}),
        client.post("/predict", json={"key": f"uploads/{NAME}"}),
    ]


@pytest.mark.parametrize(
    "variables",
    [
        {"AWS_REGION": "eu-central-1"},
        {"AWS_DEFAULT_REGION": "eu-central-1"},
        {"AWS_REGION": "eu-central-1", "AWS_DEFAULT_REGION": "us-east-2"},
        {"AWS_REGION": "", "AWS_DEFAULT_REGION": "eu-central-1"},
        {"AWS_PROFILE": "mine"},
    ],
)
def test_region_is_used_for_every_service(
    environment: Callable[..., None], tmp_path: Path, variables: dict[str, str]
) -> None:
    (tmp_path / "config").write_text("[profile mine]\nregion = eu-central-1\n")
    environment(**variables)

    url, _ = aws.presigned_post(*FORM)

    assert url == "https://my-pictures.s3.eu-central-1.amazonaws.com/"
    assert aws.client("secretsmanager").meta.region_name == "eu-central-1"
    assert aws.new_client("s3").meta.region_name == "eu-central-1"


def test_region_of_a_secret_is_the_one_of_its_arn(
    aws_client: Callable[[str], Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    arn = aws_client("secretsmanager").create_secret(Name="users", SecretString="x")["ARN"]
    assert ":eu-central-1:" in arn
    for other in ("us-east-1", ""):
        monkeypatch.setenv("AWS_DEFAULT_REGION", other)
        aws.forget_clients()

        assert aws.secret_text(arn) == "x"


def test_region_of_a_bucket_is_requested_if_none_is_set(
    bucket: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("AWS_DEFAULT_REGION")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    aws.forget_clients()

    _, fields = aws.presigned_post(bucket, *FORM[1:])

    assert "/eu-central-1/s3/" in fields["x-amz-credential"]


def test_without_credentials_uploads_get_503_and_the_log_says_why(
    environment: Callable[..., None], client: TestClient, log_lines: list[dict[str, Any]]
) -> None:
    environment(keys=False, AWS_REGION="eu-central-1")

    for answer, line in zip(both_answers(client), log_lines, strict=True):
        assert answer.status_code == 503
        assert "A retry does not help" in answer.json()["detail"]
        assert "Retry-After" not in answer.headers
        assert (line["status"], line["aws_error"]) == (503, "NoCredentialsError")


def test_missing_bucket_gets_503_and_the_log_says_why(
    aws_client: Callable[[str], Any], client: TestClient, log_lines: list[dict[str, Any]]
) -> None:
    answer = client.post("/predict", json={"key": f"uploads/{NAME}"})

    assert answer.status_code == 503
    assert "A retry does not help" in answer.json()["detail"]
    assert log_lines[-1]["aws_error"] == "NoSuchBucket"


def test_unknown_profile_gets_503(
    environment: Callable[..., None], client: TestClient, log_lines: list[dict[str, Any]]
) -> None:
    environment(AWS_REGION="eu-central-1", AWS_PROFILE="nobody")

    answer = client.post("/uploads", json={"content_type": "image/jpeg"})

    assert answer.status_code == 503
    assert log_lines[-1]["aws_error"] == "ProfileNotFound"


def test_unreachable_s3_may_be_tried_again(
    environment: Callable[..., None], client: TestClient, log_lines: list[dict[str, Any]]
) -> None:
    environment(AWS_REGION="eu-central-1", AWS_ENDPOINT_URL="http://127.0.0.1:9")

    answer = client.post("/predict", json={"key": f"uploads/{NAME}"})

    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "5")
    assert log_lines[-1]["aws_error"] == "EndpointConnectionError"


@pytest.mark.parametrize(
    ("variables", "error", "reason"),
    [
        ({"AWS_ENDPOINT_URL_S3": "localhost:9000"}, "ValueError", "localhost:9000"),
        (
            {"AWS_WEB_IDENTITY_TOKEN_FILE": "/nope", "AWS_ROLE_ARN": "arn:aws:iam::1:role/x"},
            "FileNotFoundError",
            "/nope",
        ),
        ({"AWS_CONFIG": "[default]\ncredential_process = /nope"}, "FileNotFoundError", "/nope"),
        ({"AWS_CONFIG": "[default]\nregion"}, "ConfigParseError", "config"),
        ({"AWS_CONFIG": "[default]\nrole_arn = x\nsource_profile = y"}, "InvalidConfigError", "y"),
        ({"AWS_REGION": "EU (Frankfurt)"}, "InvalidRegionError", "EU (Frankfurt)"),
        ({"AWS_ACCESS_KEY_ID": "AKIAIOSFODNN7EXAMPLE"}, "PartialCredentialsError", "SECRET_ACCESS"),
    ],
)
def test_wrong_configuration_gets_503_and_the_log_says_why(
    environment: Callable[..., None],
    client: TestClient,
    log_lines: list[dict[str, Any]],
    tmp_path: Path,
    variables: dict[str, str],
    error: str,
    reason: str,
) -> None:
    (tmp_path / "config").write_text(variables.get("AWS_CONFIG", ""))
    keys = "AWS_ENDPOINT_URL_S3" in variables or variables.get("AWS_REGION", "").startswith("EU")
    environment(keys=keys, **{"AWS_REGION": "eu-central-1"} | variables)

    for answer, line in zip(both_answers(client), log_lines, strict=True):
        assert answer.status_code == 503
        assert "A retry does not help" in answer.json()["detail"]
        assert line["aws_error"] == error
        assert reason in line["aws_reason"]


def test_region_may_have_blanks_around_it(environment: Callable[..., None]) -> None:
    environment(AWS_REGION=" eu-central-1\r")

    assert aws.presigned_post(*FORM)[0] == "https://my-pictures.s3.eu-central-1.amazonaws.com/"
