"""End to end: train on pictures, convert, and classify through the Lambda handler."""

import asyncio
import base64
import json
from importlib import import_module, reload
from pathlib import Path
from typing import Any

import pytest
from requests import Request

CREDENTIALS = ("line", "a-long-enough-secret")


def _event(picture: Path) -> dict[str, Any]:
    """The event of an HTTP API for a form with a picture."""
    request = Request(
        "POST",
        "https://api.test/predict",
        files={"file": (picture.name, picture.read_bytes())},
        auth=CREDENTIALS,
    ).prepare()
    assert isinstance(request.body, bytes)
    return {
        "version": "2.0",
        "rawPath": "/predict",
        "rawQueryString": "",
        "headers": {name.lower(): value for name, value in request.headers.items()},
        "requestContext": {
            "requestId": "line-1",
            "http": {"method": "POST", "path": "/predict", "sourceIp": "127.0.0.1"},
        },
        "body": base64.b64encode(request.body).decode(),
        "isBase64Encoded": True,
    }


def test_a_trained_network_classifies_through_the_lambda_handler(
    small_bundle: Path, crops: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("API_USERNAME", CREDENTIALS[0])
    monkeypatch.setenv("API_PASSWORD", CREDENTIALS[1])
    monkeypatch.setenv("MODEL_URI", str(small_bundle))
    right = 0
    pictures = sorted((crops / "test").glob("*/*.jpg"))
    with asyncio.Runner() as runner:
        asyncio.set_event_loop(runner.get_loop())  # Mangum uses it
        handler = reload(import_module("lambda_api.handler")).handler
        for path in pictures:
            answer = handler(_event(path), None)
            assert answer["statusCode"] == 200, answer["body"]
            body = json.loads(answer["body"])
            assert {x["label"] for x in body["predictions"]} == {"coffee", "flower", "hubble"}
            right += body["label"] == path.parent.name
    assert right / len(pictures) > 0.6
