"""The round of docs/training.md: wrong answer, correction, collection, training, promotion."""

import json
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import boto3
import numpy as np
import pytest
import requests
import skimage
from moto.server import ThreadedMotoServer
from PIL import Image, ImageOps

from convert.__main__ import main as convert
from lambda_api import aws
from tests.lambda_api.server import running
from tests.small_line import LENIENT, SMALL_NETWORK
from training.__main__ import main as training

CREDENTIALS = ("round", "a-long-enough-secret")
REGISTRY, COLLECTED = "s3://round/models", "s3://round/collected"
OPTIONS = [
    *SMALL_NETWORK[:4],
    *("--image-size", "64", "--upscale", "1.25", "--learning-rate", "0.001"),
    *("--batch-size", "8", "--epochs", "12"),
]
GATE = [f"--{name.replace('_', '-')}={value}" for name, value in LENIENT.items()]


@pytest.fixture
def s3(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The bucket `round` on a moto server, for this process and the service."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    for name, value in {
        "AWS_ENDPOINT_URL": "http://{}:{}".format(*server.get_host_and_port()),
        "AWS_ACCESS_KEY_ID": "for-moto",
        "AWS_SECRET_ACCESS_KEY": "for-moto",
        "AWS_DEFAULT_REGION": "us-east-1",
    }.items():
        monkeypatch.setenv(name, value)
    aws.forget_clients()
    boto3.client("s3").create_bucket(Bucket="round")
    yield
    aws.forget_clients()
    server.stop()


@pytest.fixture
def negatives(tmp_path: Path) -> list[Path]:
    """Negatives of a photo of stars, as astronomers print them, which the old model confuses."""
    photo = Path(skimage.__file__).parent / "data" / "hubble_deep_field.jpg"
    negative = ImageOps.invert(Image.open(photo).convert("RGB"))
    rng, files = np.random.default_rng(1), []
    for i in range(12):
        left, top = rng.integers(0, negative.width - 160), rng.integers(0, negative.height - 160)
        files.append(tmp_path / f"negative-{i}.jpg")
        crop = negative.crop((left, top, left + 160, top + 160)).resize((96, 96))
        crop.save(files[-1], quality=95)
    return files


class Api(requests.Session):
    """A client of the service at `url`."""

    def __init__(self, url: str) -> None:
        super().__init__()
        self.url, self.auth = url, CREDENTIALS

    def request(self, method: str, path: str, *arguments: Any, **options: Any) -> Any:
        return super().request(method, self.url + path, *arguments, timeout=30, **options)


def predict(api: Api, picture: Path) -> dict[str, Any]:
    answer = api.post("/predict", data=picture.read_bytes())
    assert answer.status_code == 200, answer.text
    return answer.json()


@contextmanager
def served(folder: Path, **settings: str) -> Iterator[Api]:
    """Serve the promoted version with uvicorn."""
    folder.mkdir()
    with (
        running(folder, CREDENTIALS, f"{REGISTRY}/small/current", **settings) as server,
        Api(server.url) as api,
    ):
        yield api


def promote(bundle: Path) -> str:
    """Publish and promote a bundle. Returns its version."""
    manifest = json.loads((bundle / "manifest.json").read_text())
    assert convert(["publish", str(bundle), REGISTRY]) == 0
    assert convert(["promote", manifest["name"], manifest["version"], "--registry", REGISTRY]) == 0
    return manifest["version"]


@pytest.mark.usefixtures("s3")
def test_service_answers_right_after_corrections_were_collected_trained_and_promoted(
    small_bundle: Path,
    crops: Path,
    negatives: list[Path],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    old, new, data, run = small_bundle, tmp_path / "small", tmp_path / "data", tmp_path / "run"
    shutil.copytree(crops, data)
    corrected, later = negatives[:8], negatives[8:]

    version = promote(old)
    with served(tmp_path / "before", COLLECT="all", COLLECT_TO=COLLECTED) as api:
        for picture in corrected:
            prediction = predict(api, picture)
            assert prediction["model_version"] == version
            assert prediction["label"] != "hubble"
            correction = {"request_id": prediction["request_id"], "label": "hubble"}
            answer = api.post("/feedback", json=correction)
            assert answer.status_code == 201, answer.text
        assert "hubble" not in {predict(api, picture)["label"] for picture in later}

    assert training(["collect", COLLECTED, str(data)]) == 0
    assert "Added 8 pictures: 8 hubble." in capsys.readouterr().out
    assert training(["train", str(data), str(run), *OPTIONS]) == 0
    assert convert(["bundle", str(run), "--data", str(data), "--out", str(new), *GATE]) == 0
    capsys.readouterr()
    assert convert(["compare", str(old), str(new), "--data", str(data), *GATE]) == 0
    printed = capsys.readouterr().out
    assert "On 15 validation pictures, and on the corrections" in printed
    assert re.search(r"\| old \| .* \| 0 of 8 \|\n\| new \| .* \| 8 of 8 \|", printed)
    assert convert(["compare", str(new), str(old), "--data", str(data), *GATE]) == 3
    assert "corrections: 0 are right, 8 were before" in capsys.readouterr().err

    version = promote(new)
    with served(tmp_path / "after") as api:
        answers = [predict(api, picture) for picture in later]
    assert {answer["model_version"] for answer in answers} == {version}
    assert [answer["label"] for answer in answers] == ["hubble"] * len(later)
