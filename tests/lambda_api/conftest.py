"""Fixtures for tests of the service: settings, client, modified bundles, log, AWS."""

import json
import logging
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
import requests
from fastapi.testclient import TestClient
from moto.server import ThreadedMotoServer

from lambda_api import aws
from lambda_api.app import create_app
from lambda_api.loaded_model import LoadedModel
from lambda_api.log import configured_logger
from lambda_api.manifest import MANIFEST_FILE, MODEL_FILE, Manifest, ModelFile
from lambda_api.settings import Settings
from tests.lambda_api.pictures import sha256


@pytest.fixture(scope="session")
def credentials() -> tuple[str, str]:
    """User name and password of every service in a test, and of the recorded events."""
    return "demo", "for-tests-only-9f2c"


@pytest.fixture(scope="session")
def settings(bundle: Path, credentials: tuple[str, str]) -> Settings:
    username, password = credentials
    return Settings(
        api_username=username,
        api_password=password,
        model_uri=str(bundle),
        fallback_model=bundle,
    )


@pytest.fixture(scope="session")
def loaded_model(bundle: Path) -> LoadedModel:
    return LoadedModel.load(str(bundle), bundle, configured_logger(None))


@pytest.fixture
def client(
    settings: Settings, loaded_model: LoadedModel, credentials: tuple[str, str]
) -> TestClient:
    """A client with right credentials, for a service with a loaded model."""
    client = TestClient(
        create_app(settings, loaded_model=loaded_model), raise_server_exceptions=False
    )
    client.auth = credentials
    return client


@pytest.fixture
def make_bundle(bundle: Path, tmp_path: Path) -> Callable[..., Path]:
    """Return a function that copies the bundle with another model file or manifest fields.

    Hashes and version of the copy match its content.
    """

    def make(model: bytes | None = None, **fields: Any) -> Path:
        folder = tmp_path / "bundle"
        shutil.copytree(bundle, folder)
        if model is not None:
            (folder / MODEL_FILE).write_bytes(model)
            fields["model"] = ModelFile(sha256=sha256(model), bytes=len(model))
        manifest = Manifest.model_validate_json((folder / MANIFEST_FILE).read_bytes())
        manifest = manifest.model_copy(update=fields)
        manifest = manifest.model_copy(update={"version": manifest.content_version()})
        (folder / MANIFEST_FILE).write_text(manifest.model_dump_json(), encoding="utf-8")
        return folder

    return make


@pytest.fixture
def log_lines() -> Iterator[list[dict[str, Any]]]:
    """The parsed log lines of the service during the test."""
    lines: list[dict[str, Any]] = []

    class Recorder(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            lines.append(json.loads(self.format(record)))

    logger = configured_logger(None)
    recorder = Recorder()
    recorder.setFormatter(logger.registered_formatter)
    logger.addHandler(recorder)
    yield lines
    logger.removeHandler(recorder)


@pytest.fixture(scope="session")
def aws_server() -> Iterator[str]:
    """The URL of a moto server, which emulates S3 and Secrets Manager."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture(scope="session")
def aws_environment(aws_server: str) -> dict[str, str]:
    """Environment variables that direct boto3 to the moto server."""
    return {
        "AWS_ENDPOINT_URL": aws_server,
        "AWS_ACCESS_KEY_ID": "unused",
        "AWS_SECRET_ACCESS_KEY": "unused",
        "AWS_DEFAULT_REGION": "eu-central-1",
    }


@pytest.fixture
def aws_client(
    aws_environment: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[[str], Any]]:
    """Direct the service to an empty moto server. Returns boto3's function for clients."""
    for name, value in aws_environment.items():
        monkeypatch.setenv(name, value)
    aws.forget_clients()
    requests.post(f"{aws_environment['AWS_ENDPOINT_URL']}/moto-api/reset", timeout=10)
    yield boto3.client
    aws.forget_clients()


@pytest.fixture
def bucket(aws_client: Callable[[str], Any]) -> str:
    """The name of an empty bucket."""
    location = {"LocationConstraint": "eu-central-1"}
    aws_client("s3").create_bucket(Bucket="pictures", CreateBucketConfiguration=location)
    return "pictures"
