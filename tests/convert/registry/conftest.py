"""A registry on a moto server, behind a proxy that fails on demand."""

import shutil
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import boto3
import pytest
import requests
from moto.server import ThreadedMotoServer

from convert.registry import store as store_module
from convert.registry.store import Store
from lambda_api import aws
from lambda_api.manifest import MANIFEST_FILE, Manifest
from tests.convert.registry.unreliable import UnreliableS3


@pytest.fixture(scope="session")
def s3_server() -> Iterator[str]:
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
def s3(s3_server: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[UnreliableS3]:
    """The proxy that boto3 connects to. The bucket `registry` exists and is empty."""
    requests.post(f"{s3_server}/moto-api/reset", timeout=10)
    for name, value in {
        "AWS_ACCESS_KEY_ID": "for-moto",
        "AWS_SECRET_ACCESS_KEY": "for-moto",
        "AWS_DEFAULT_REGION": "us-east-1",
    }.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("MODEL_REGISTRY", raising=False)
    boto3.client("s3", endpoint_url=s3_server).create_bucket(Bucket="registry")
    with UnreliableS3(s3_server) as server:
        monkeypatch.setenv("AWS_ENDPOINT_URL", server.address)
        monkeypatch.setattr(store_module, "READ_TIMEOUT_S", 0.5)
        monkeypatch.setattr(aws, "ATTEMPTS", 2)  # fewer waits between attempts
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        yield server
        server.shutdown()


@pytest.fixture
def store(s3: UnreliableS3) -> Store:
    return Store.at("s3://registry/models")


@pytest.fixture
def make_version(bundle: Path, tmp_path: Path) -> Callable[[float], Path]:
    """Return a function that copies the project's bundle as a version with another temperature."""

    def make(temperature: float) -> Path:
        folder = tmp_path / f"bundle-{temperature}"
        shutil.copytree(bundle, folder)
        manifest = Manifest.model_validate_json((folder / MANIFEST_FILE).read_bytes())
        manifest = manifest.model_copy(update={"temperature": temperature})
        manifest = manifest.model_copy(update={"version": manifest.content_version()})
        (folder / MANIFEST_FILE).write_text(manifest.model_dump_json(), encoding="utf-8")
        return folder

    return make
