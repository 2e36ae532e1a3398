"""The entry point of the Lambda with recorded events: HTTP API, REST API, function URL.

The multipart bodies come from requests, curl and Chromium.
"""

import base64
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from lambda_api.classifier import Classifier
from tests.imported_handler import imported_handler

ROOT = Path(__file__).parents[2]
EVENTS = Path(__file__).parent / "events"
PREDICTIONS = (
    "http_api_v2_multipart",
    "http_api_v2_raw",
    "http_api_v2_stage_browser",
    "rest_api_v1_multipart",
    "function_url_curl",
)
Event = dict[str, Any]
Handler = Callable[[Event], dict[str, Any]]


def recorded(name: str) -> Event:
    return json.loads((EVENTS / f"{name}.json").read_bytes())


def picture(event: Event) -> bytes:
    body = base64.b64decode(event["body"])
    return body[body.index(b"\xff\xd8\xff") : body.rindex(b"\xff\xd9") + 2]


def environment(credentials: tuple[str, str], bundle: Path) -> dict[str, str]:
    username, password = credentials
    return {"API_USERNAME": username, "API_PASSWORD": password, "MODEL_URI": str(bundle)}


@pytest.fixture(scope="module")
def handler(
    credentials: tuple[str, str], bundle: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Handler]:
    """The handler, imported as on Lambda, with its settings in the environment."""
    context = SimpleNamespace(aws_request_id="b1946ac9-2d7f-4c1b-8c39-0f7f3d0f2a11")
    folder = tmp_path_factory.mktemp("task")
    with imported_handler(folder, environment(credentials, bundle)) as module:
        yield lambda event: module.handler(event, context)


@pytest.mark.parametrize("name", PREDICTIONS)
def test_picture_is_classified_through_the_gateway(
    handler: Handler, bundle: Path, name: str
) -> None:
    event = recorded(name)
    expected = Classifier(bundle).classify(picture(event))
    answer = handler(event)
    assert answer["statusCode"] == 200
    assert answer["isBase64Encoded"] is False
    assert answer["headers"]["content-type"] == "application/json"
    document = json.loads(answer["body"])
    assert answer["headers"]["strict-transport-security"]
    assert document["label"] == expected.label
    assert document["confidence"] == expected.confidence
    assert document["image"] == {"format": "JPEG", "width": 64, "height": 44}
    asked_for = 3 if "top_k" in json.dumps(event) else len(expected.scores)
    assert len(document["predictions"]) == asked_for


@pytest.mark.parametrize("name", [*PREDICTIONS, "http_api_v2_health"])
def test_request_id_of_the_gateway_is_used(
    handler: Handler, log_lines: list[dict[str, Any]], name: str
) -> None:
    event = recorded(name)

    answer = handler(event)

    assert answer["headers"]["x-request-id"] == event["requestContext"]["requestId"]
    assert log_lines[-1]["request_id"] == event["requestContext"]["requestId"]


def test_request_id_of_the_client_is_preferred(handler: Handler) -> None:
    event = recorded("http_api_v2_health")

    event["headers"]["x-request-id"] = "mine"

    assert handler(event)["headers"]["x-request-id"] == "mine"


def test_health_through_the_gateway(handler: Handler, bundle: Path) -> None:
    answer = handler(recorded("http_api_v2_health"))
    assert answer["statusCode"] == 200
    document = json.loads(answer["body"])
    assert document["status"] == "ok"
    assert document["model"]["version"] == Classifier(bundle).manifest.version


def _set_header(event: Event, name: str, value: str) -> None:
    """Set a header everywhere in an event."""
    for header in (name, name.title()):
        if header in event["headers"]:
            event["headers"][header] = value
        if header in event.get("multiValueHeaders", {}):
            event["multiValueHeaders"][header] = [value]


@pytest.mark.parametrize("name", PREDICTIONS)
def test_wrong_credentials_get_401_as_text(handler: Handler, name: str) -> None:
    event = recorded(name)
    _set_header(event, "authorization", "Basic ZGVtbzp3cm9uZw==")

    answer = handler(event)

    assert answer["statusCode"] == 401
    assert answer["headers"]["content-type"] == "application/problem+json"
    assert answer["headers"]["www-authenticate"].startswith("Basic ")
    assert answer["isBase64Encoded"] is False
    assert json.loads(answer["body"])["status"] == 401


def test_picture_damaged_by_a_gateway_gets_415(handler: Handler) -> None:
    """A REST API without `binary_media_types` decodes the body as UTF-8."""
    event = recorded("http_api_v2_raw")
    event["body"] = picture(event).decode("utf-8", "replace")
    event["isBase64Encoded"] = False

    answer = handler(event)

    assert answer["statusCode"] == 415


def _asks(event: Event, method: str, path: str) -> Event:
    """Change the method and path of an event. Its stage is kept."""
    context = event["requestContext"]
    event["body"], event["isBase64Encoded"] = "", False
    if "http" in context:
        stage = "" if context["stage"] == "$default" else f"/{context['stage']}"
        context["http"] |= {"method": method, "path": stage + path}
        event["rawPath"] = stage + path
    else:
        event |= {"httpMethod": method, "path": path}
        context |= {"httpMethod": method, "path": f"/{context['stage']}{path}"}
    return event


@pytest.mark.parametrize(
    ("name", "prefix"),
    [
        ("http_api_v2_multipart", ""),
        ("function_url_curl", ""),
        ("http_api_v2_stage_browser", "/prod"),
        ("rest_api_v1_multipart", "/prod"),
    ],
)
def test_docs_work_under_a_stage(handler: Handler, name: str, prefix: str) -> None:
    page = handler(_asks(recorded(name), "GET", "/docs"))
    assert page["statusCode"] == 200
    assert f"url: '{prefix}/openapi.json'" in page["body"]
    document = json.loads(handler(_asks(recorded(name), "GET", "/openapi.json"))["body"])
    assert document.get("servers", [{"url": ""}])[0]["url"] == prefix
    assert handler(_asks(recorded(name), "GET", "/"))["statusCode"] == 200


def test_a_json_body_comes_as_text(handler: Handler) -> None:
    event = recorded("http_api_v2_raw")
    event["body"], event["isBase64Encoded"] = '{"key": "uploads/ä"}', False
    _set_header(event, "content-type", "application/json")

    answer = handler(event)

    assert answer["statusCode"] == 404
    assert json.loads(answer["body"])["type"].endswith(":no-uploads")


@pytest.mark.parametrize("name", PREDICTIONS)
def test_source_of_a_failed_login_is_the_address_from_the_gateway(
    handler: Handler, name: str
) -> None:
    """X-Forwarded-For from the client is ignored."""

    def log_in(forwarded: str, source: str, credentials: str) -> int:
        event = recorded(name)
        _set_header(event, "authorization", credentials)
        _set_header(event, "x-forwarded-for", forwarded)
        context = event["requestContext"]
        context.get("http", context.get("identity"))["sourceIp"] = source
        return handler(event)["statusCode"]

    wrong, right = "Basic ZGVtbzp3cm9uZw==", recorded("http_api_v2_raw")["headers"]["authorization"]
    guesser = f"192.0.2.{PREDICTIONS.index(name) + 1}"

    statuses = [log_in(f"198.51.100.{i}", guesser, wrong) for i in range(12)]

    assert statuses == [401] * 10 + [429] * 2
    assert log_in(guesser, "203.0.113.24", right) == 200


def test_unknown_path_gets_404(handler: Handler) -> None:
    event = recorded("http_api_v2_health")

    event["rawPath"] = event["requestContext"]["http"]["path"] = "/nothing"

    assert handler(event)["statusCode"] == 404


COLD_START = """
import json, sys
from lambda_api.handler import handler
print(json.dumps({"message": "imported"}))
for path in sys.argv[1:]:
    answer = handler(json.load(open(path)), None)
    print(json.dumps({"message": "answer", "status": answer["statusCode"]}))
    if path == sys.argv[1]:
        # Powertools imports the package botocore, which is light, but none of its modules.
        heavy = "boto3 botocore.session tensorflow keras matplotlib pandas sklearn scipy".split()
        heavy += ["argparse", "dotenv", "pydantic_settings", "pydantic.v1"]
        heavy += ["lambda_api.collection.records", "lambda_api.web.feedback_body"]  # COLLECT is off
        # For the OpenAPI document, forms, JSON bodies, damaged events and explanations only.
        names = "openapi.schemas web.forms web.form_pictures web.received".split()
        heavy += [f"lambda_api.{name}" for name in names]
        heavy += ["pillow_heif", *(f"PIL.{name}ImagePlugin" for name in %r)]
        from fastapi.openapi.models import OpenAPI
        print(json.dumps({
            "message": "predicted",
            "heavy": [name for name in heavy if name in sys.modules],
            "document_models_built": OpenAPI.__pydantic_complete__,
        }))
""" % ["Avif", "Bmp", "Gif", "Png", "Ppm", "Tiff", "WebP"]


def test_a_process_starts_light_and_loads_its_model_once(
    credentials: tuple[str, str], bundle: Path, tmp_path: Path
) -> None:
    names = list(dict.fromkeys(["http_api_v2_raw", *PREDICTIONS, "http_api_v2_health"]))
    events = [EVENTS / f"{name}.json" for name in names]
    clean = {name: value for name, value in os.environ.items() if name != "LOG_DIR"}
    result = subprocess.run(
        [sys.executable, "-c", COLD_START, *events],
        env=clean | environment(credentials, bundle) | {"PYTHONPATH": str(ROOT)},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )
    lines = [json.loads(line) for line in result.stdout.splitlines()]
    assert [line["message"] for line in lines[:2]] == ["model loaded", "imported"]
    (predicted,) = [line for line in lines if line["message"] == "predicted"]
    assert predicted["heavy"] == []
    assert predicted["document_models_built"] is False
    assert [x["status"] for x in lines if x["message"] == "answer"] == [200] * len(events)
    cold = [line["cold_start"] for line in lines if line["message"] == "request"]
    assert cold == [True] + [False] * (len(events) - 1)
    assert [line["message"] for line in lines].count("model loaded") == 1
    assert list(tmp_path.iterdir()) == []


def test_deferred_models_give_the_same_document(
    credentials: tuple[str, str], bundle: Path, tmp_path: Path
) -> None:
    event = tmp_path / "event.json"
    event.write_text(json.dumps(_asks(recorded("http_api_v2_raw"), "GET", "/openapi.json")))
    program = (
        "import json, sys; from lambda_api.handler import handler; "
        "print(handler(json.load(open(sys.argv[1])), None)['body'])"
    )

    result = subprocess.run(
        [sys.executable, "-c", program, event],
        env=os.environ | environment(credentials, bundle) | {"PYTHONPATH": str(ROOT)},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )

    document = json.loads(result.stdout.splitlines()[-1])
    assert document == json.loads((ROOT / "docs" / "openapi.json").read_text())


def test_without_settings_the_process_does_not_start(tmp_path: Path) -> None:
    clean = {k: v for k, v in os.environ.items() if k not in ("API_USERNAME", "API_PASSWORD")}

    result = subprocess.run(
        [sys.executable, "-c", "import lambda_api.handler"],
        env=clean | {"PYTHONPATH": str(ROOT)},
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )

    assert result.returncode == 1
    assert "API_PASSWORD: Field required" in result.stderr
