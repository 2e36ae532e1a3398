"""Lambda events beyond the recorded ones: keep-warm calls, other services, unusual gateways."""

import json
import logging
import sys
from base64 import b64encode
from collections.abc import Callable, Iterator
from importlib import import_module
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from lambda_api import events
from tests.imported_handler import imported_handler
from tests.lambda_api.asgi import basic

Event = dict[str, Any]
EVENTS = Path(__file__).parent / "events"
SCHEDULE = {
    "version": "0",
    "detail-type": "Scheduled Event",
    "source": "aws.events",
    "resources": ["arn:aws:events:eu-central-1:1:rule/warm"],
    "detail": {},
}
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda values: st.lists(values, max_size=3) | st.dictionaries(st.text(max_size=8), values),
    max_leaves=8,
)


@pytest.fixture(scope="module")
def module(
    credentials: tuple[str, str], bundle: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Any]:
    """The module of the handler, imported with settings in the environment."""
    username, password = credentials
    settings = {"API_USERNAME": username, "API_PASSWORD": password, "MODEL_URI": str(bundle)}
    with imported_handler(tmp_path_factory.mktemp("task"), settings) as module:
        yield module


def call(module: Any, event: Any) -> dict[str, Any]:
    return module.handler(event, SimpleNamespace(aws_request_id="1"))


def rest(path: str = "/health", method: str = "GET", **changed: Any) -> Event:
    """An event of a REST API at its stage, with a proxy resource."""
    return {
        "resource": "/{proxy+}",
        "path": path,
        "httpMethod": method,
        "headers": {"Host": "api.example.com", "X-Forwarded-Proto": "https"},
        "multiValueHeaders": None,
        "queryStringParameters": None,
        "multiValueQueryStringParameters": None,
        "pathParameters": {"proxy": path.strip("/").removeprefix("v1/")},
        "requestContext": {
            "resourcePath": "/{proxy+}",
            "httpMethod": method,
            "path": f"/prod{path}",
            "stage": "prod",
            "requestId": "r1",
            "identity": {"sourceIp": "192.0.2.1"},
        },
        "body": None,
        "isBase64Encoded": False,
        **changed,
    }


def http_api(path: str, method: str = "GET", route: str = "$default") -> Event:
    event: Event = json.loads((EVENTS / "http_api_v2_health.json").read_bytes())
    event["rawPath"] = path
    event["routeKey"] = event["requestContext"]["routeKey"] = route
    event["requestContext"]["http"] |= {"path": path, "method": method}
    return event


def load_balancer(path: str = "/health", **headers: str) -> Event:
    return {
        "requestContext": {"elb": {"targetGroupArn": "arn:aws:elasticloadbalancing:x"}},
        "httpMethod": "GET",
        "path": path,
        "queryStringParameters": {},
        "headers": {"host": "lb.example.com", "x-forwarded-for": "192.0.2.7", **headers},
        "body": "",
        "isBase64Encoded": False,
    }


@pytest.mark.parametrize(
    "event",
    [
        SCHEDULE,
        {"source": "aws.scheduler", "detail-type": "Scheduled Event"},
        {"source": "serverless-plugin-warmup"},
        {"warmer": True, "concurrency": 3},
        {"key1": "value1", "key2": "value2"},
        {},
        None,
        "ping",
        [],
    ],
)
def test_keep_warm_call_gets_a_quiet_answer(
    module: Any, log_lines: list[dict[str, Any]], event: Any
) -> None:
    assert call(module, event) == {"status": "ok"}
    assert log_lines == []


def test_keep_warm_call_is_logged_at_debug(module: Any, log_lines: list[dict[str, Any]]) -> None:
    module.logger.setLevel(logging.DEBUG)
    try:
        call(module, SCHEDULE)
    finally:
        module.logger.setLevel(logging.INFO)

    (line,) = log_lines
    assert (line["level"], line["message"]) == ("DEBUG", "no request")
    assert "source" in line["event_keys"]


@pytest.mark.parametrize("first", [SCHEDULE, {"warmer": True}, {}, rest()])
def test_only_the_first_event_of_a_process_is_a_cold_start(
    module: Any,
    log_lines: list[dict[str, Any]],
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    first: Any,
) -> None:
    monkeypatch.setenv("POWERTOOLS_METRICS_NAMESPACE", "Cold")
    monkeypatch.delitem(sys.modules, "lambda_api.handler")
    started = import_module("lambda_api.handler")  # as in a new process
    monkeypatch.setitem(sys.modules, "lambda_api.handler", module)
    capsys.readouterr()

    is_request = events.is_http(first)
    call(started, first)
    answer = call(started, rest())

    assert answer["statusCode"] == 200
    cold = [line["cold_start"] for line in log_lines if line["message"] == "request"]
    assert cold == ([True, False] if is_request else [False])
    written = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    counted = [line.get("ColdStarts") for line in written if "_aws" in line]
    assert counted == ([[1], None] if is_request else [None])


@pytest.mark.parametrize(
    ("event", "source"),
    [
        ({"Records": [{"eventSource": "aws:s3", "s3": {}}]}, "aws:s3"),
        ({"Records": [{"eventSource": "aws:sqs", "body": "secret"}]}, "aws:sqs"),
        ({"Records": [{"EventSource": "aws:sns", "Sns": {}}]}, "aws:sns"),
        ({"Records": [{"cf": {"request": {}}}]}, "CloudFront"),
        ({"source": "aws.ec2", "detail": {}}, "aws.ec2"),
        ({"eventSource": "aws:kafka", "records": {}}, "aws:kafka"),
        ({"awslogs": {"data": "H4s"}}, "aws.logs"),
        ({"requestContext": {"connectionId": "c", "eventType": "CONNECT"}}, "a WebSocket API"),
    ],
)
def test_event_of_another_service_is_named(
    module: Any, log_lines: list[dict[str, Any]], event: Event, source: str
) -> None:
    answer = call(module, event)

    (line,) = log_lines
    assert answer["status"] == "ignored"
    assert source in answer["detail"]
    assert (line["level"], line["source"]) == ("WARNING", source)
    assert "secret" not in json.dumps(line)


@pytest.mark.parametrize(
    ("path", "resource", "parameters", "root"),
    [
        ("/v1/openapi.json", "/{proxy+}", {"proxy": "openapi.json"}, "/v1"),
        ("/v1/openapi.json", "/openapi.json", None, "/v1"),
        ("/a/b/openapi.json", "/{proxy+}", {"proxy": "openapi.json"}, "/a/b"),
        ("/v1/openapi.json/", "/{proxy+}", {"proxy": "openapi.json"}, "/v1"),
        ("/openapi.json", "/{proxy+}", {"proxy": "openapi.json"}, ""),
    ],
)
def test_base_path_of_a_custom_domain(
    module: Any, path: str, resource: str, parameters: dict[str, str] | None, root: str
) -> None:
    event = rest(path, resource=resource, pathParameters=parameters)
    event["requestContext"]["path"] = path

    answer = call(module, event)

    assert answer["statusCode"] == 200
    assert json.loads(answer["body"]).get("servers", [{"url": ""}])[0]["url"] == root


@pytest.mark.parametrize("path", ["/v1", "/v1/"])
def test_root_under_a_base_path(module: Any, path: str) -> None:
    event = rest(path, resource="/", pathParameters=None)
    event["requestContext"]["path"] = path

    assert json.loads(call(module, event)["body"])["name"] == "Landscape Classifier"


def test_base_path_of_an_http_api_with_a_proxy_route(module: Any) -> None:
    event = http_api("/v1/health", route="ANY /{proxy+}")
    event["pathParameters"] = {"proxy": "health"}

    assert call(module, event)["statusCode"] == 200


@pytest.mark.parametrize("path", ["/prod", "/prod/", "/prod//health", "/prod/health/"])
def test_slashes_under_a_stage(module: Any, path: str) -> None:
    event = http_api(path)
    event["requestContext"]["stage"] = "prod"

    assert call(module, event)["statusCode"] == 200


@pytest.mark.parametrize("identity", [{}, None, {"sourceIp": None}, {"sourceIp": ""}])
def test_rest_api_event_without_an_address(
    module: Any, credentials: tuple[str, str], identity: Any
) -> None:
    event = rest("/model")
    event["requestContext"]["identity"] = identity
    event["headers"]["Authorization"] = basic(":".join(credentials))

    assert call(module, event)["statusCode"] == 200


def test_http_api_event_without_an_address(module: Any) -> None:
    event = http_api("/model")
    del event["requestContext"]["http"]["sourceIp"]

    assert call(module, event)["statusCode"] == 401


def test_address_behind_a_load_balancer_cannot_be_chosen(
    module: Any, credentials: tuple[str, str]
) -> None:
    """A load balancer appends the address to X-Forwarded-For of the client."""

    def log_in(forwarded: str, password: str) -> int:
        authorization = basic(f"{credentials[0]}:{password}")
        headers = {"x-forwarded-for": forwarded, "authorization": authorization}
        return call(module, load_balancer("/model", **headers))["statusCode"]

    guesses = [log_in(f"198.51.100.{i}, 192.0.2.99", "wrong") for i in range(11)]

    assert guesses == [401] * 10 + [429]
    assert log_in("192.0.2.99, 198.51.100.1", credentials[1]) == 200


@pytest.mark.parametrize("event", [rest(), http_api("/health"), load_balancer()])
def test_head_gets_no_body(module: Any, event: Event) -> None:
    if "http" in event["requestContext"]:
        event["requestContext"]["http"]["method"] = "HEAD"
    event["httpMethod"] = "HEAD"

    answer = call(module, event)

    assert (answer["statusCode"], answer["body"]) == (200, "")


def test_health_check_of_a_load_balancer(module: Any) -> None:
    event = load_balancer()
    event["headers"] = {"user-agent": "ELB-HealthChecker/2.0"}

    assert call(module, event)["statusCode"] == 200


EVENTS_OF_A_PICTURE = {
    "REST API": rest("/predict", "POST"),
    "HTTP API": http_api("/predict", "POST"),
    "load balancer": load_balancer("/predict") | {"httpMethod": "POST"},
}


def with_body(
    kind: str, credentials: tuple[str, str], body: str, *, is_base64: bool = True
) -> Event:
    event: Event = json.loads(json.dumps(EVENTS_OF_A_PICTURE[kind]))
    event["headers"]["authorization"] = basic(":".join(credentials))
    return event | {"body": body, "isBase64Encoded": is_base64}


@pytest.mark.parametrize("kind", EVENTS_OF_A_PICTURE)
@pytest.mark.parametrize("body", ["abc!", "a", "ä", "////A", "!!!!", "\ud800"])
def test_damaged_base64_gets_400(
    module: Any,
    log_lines: list[dict[str, Any]],
    credentials: tuple[str, str],
    kind: str,
    body: str,
) -> None:
    answer = call(module, with_body(kind, credentials, body))

    assert answer["statusCode"] == 400
    assert "base64" in json.loads(answer["body"])["detail"]
    assert (log_lines[-1]["level"], log_lines[-1]["message"]) == ("WARNING", "damaged event")


@pytest.mark.parametrize("kind", EVENTS_OF_A_PICTURE)
@pytest.mark.parametrize(
    "change",
    [
        lambda x: x,
        lambda x: x.rstrip("="),
        lambda x: "\r\n".join(x[i : i + 76] for i in range(0, len(x), 76)),
        lambda x: x.translate(str.maketrans("+/", "-_")),
    ],
    ids=["as it is", "no padding", "lines", "URL-safe"],
)
def test_forms_of_base64_are_decoded(
    module: Any,
    credentials: tuple[str, str],
    photo: bytes,
    kind: str,
    change: Callable[[str], str],
) -> None:
    event = with_body(kind, credentials, change(b64encode(photo).decode()))

    assert call(module, event)["statusCode"] == 200


@pytest.mark.parametrize("stage", ["predict", "pre", "health"])
def test_stage_called_like_a_route(module: Any, credentials: tuple[str, str], stage: str) -> None:
    event = with_body("REST API", credentials, "")
    event["requestContext"] |= {"stage": stage, "path": f"/{stage}/predict"}

    answer = call(module, event)

    assert (answer["statusCode"], json.loads(answer["body"])["detail"]) == (
        400,
        "The picture is empty (0 bytes).",
    )


@hypothesis_settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(event=JSON)
def test_no_event_is_an_error_of_the_function(module: Any, event: Any) -> None:
    assert isinstance(call(module, event), dict)


@hypothesis_settings(deadline=None)
@given(
    base=st.sampled_from([rest(), http_api("/health"), load_balancer()]),
    changed=st.dictionaries(
        st.sampled_from(
            ["version", "path", "headers", "multiValueHeaders", "body", "isBase64Encoded",
             "rawQueryString", "queryStringParameters", "pathParameters", "resource", "cookies"]
        ),
        JSON | st.just("/v1/health") | st.binary(max_size=9).map(lambda x: b64encode(x).decode()),
        max_size=4,
    ),
)  # fmt: skip
def test_changed_http_event_gets_a_response(module: Any, base: Event, changed: Event) -> None:
    answer = call(module, json.loads(json.dumps({**base, **changed})))

    assert 200 <= answer["statusCode"] < 500
