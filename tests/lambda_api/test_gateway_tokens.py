"""Bearer tokens: claims count only in the event of an HTTP API, never in what a client sends."""

import asyncio
import base64
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from fastapi import Request
from mangum import Mangum

from infra.pretraffic import handler as pretraffic
from lambda_api import events
from lambda_api.app import create_app
from lambda_api.auth.gateway_tokens import GatewayTokens
from lambda_api.loaded_model import LoadedModel
from lambda_api.problems import Problem
from lambda_api.settings import Settings, SettingsError, load_settings
from lambda_api.web.gateway import GatewayScope
from lambda_api.workers import inline

ISSUER = "https://id.example.com/tenant"
CLAIMS = {"iss": ISSUER, "sub": "1f2e", "aud": "landscape", "scope": "predict"}
EVENT = Path(__file__).parent / "events" / "http_api_v2_raw.json"
Call = Callable[[dict[str, Any]], dict[str, Any]]


def token_settings(bundle: Path) -> Settings:
    return Settings(jwt_issuer=ISSUER, model_uri=str(bundle), fallback_model=bundle)


@pytest.fixture
def call(bundle: Path, loaded_model: LoadedModel) -> Iterator[Call]:
    """The service behind Mangum, as on Lambda."""
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    app = create_app(token_settings(bundle), loaded_model=loaded_model, run=inline)
    handler = Mangum(GatewayScope(app), lifespan="off")
    context = SimpleNamespace(aws_request_id="b1946ac9-2d7f-4c1b-8c39-0f7f3d0f2a11")
    yield lambda event: handler(events.complete(event), context)
    asyncio.set_event_loop(None)
    loop.close()


def event(authorizer: object | None = None, **fields: object) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(EVENT.read_bytes())
    if authorizer is not None:
        found["requestContext"]["authorizer"] = authorizer
    return found | fields


def test_verified_claims_are_accepted(call: Call) -> None:
    response = call(event({"jwt": {"claims": CLAIMS, "scopes": None}}))

    assert response["statusCode"] == 200
    assert json.loads(response["body"])["label"]


def test_check_before_traffic_passes_and_users_are_logged(
    call: Call, log_lines: list[dict[str, Any]]
) -> None:
    claims = {"iss": ISSUER, "sub": "pre-traffic-check"}
    picture = {"headers": {"content-type": "image/jpeg"}, "body": pretraffic.PICTURE.read_bytes()}

    response = call(pretraffic.http_event("POST", "/predict", **picture, claims=claims))

    assert json.loads(response["body"])["label"] == pretraffic.LABEL
    assert log_lines[-1]["user"] == "pre-traffic-check"
    assert call(pretraffic.http_event("POST", "/predict", **picture))["statusCode"] == 401


def unsigned(claims: dict[str, str]) -> str:
    """A token that anybody can write."""
    parts = ({"alg": "none"}, claims)
    return ".".join(
        base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=") for part in parts
    )


HEADERS = {
    "content-type": "image/jpeg",
    "authorization": f"Bearer {unsigned(CLAIMS)}.",
    "x-amzn-oidc-data": unsigned(CLAIMS),
    "x-amzn-oidc-identity": "1f2e",
    "x-apigateway-event": json.dumps(event({"jwt": {"claims": CLAIMS}})),
    "x-amzn-request-context": json.dumps({"authorizer": {"jwt": {"claims": CLAIMS}}}),
}


@pytest.mark.parametrize(
    "forged",
    [
        event(),
        event(headers=HEADERS),
        event(rawQueryString="authorizer=%7B%22jwt%22%3A%7B%7D%7D", headers=HEADERS),
        event({"jwt": {"claims": CLAIMS | {"iss": "https://evil.example.com"}}}),
        event({"jwt": {"claims": {}}}),
        event({"jwt": json.dumps({"claims": CLAIMS})}),
        event({"lambda": {"jwt": {"claims": CLAIMS}}}),
        event({"iam": {"userId": "AIDA"}}),
        event({"claims": CLAIMS}),
        event(authorizer={"jwt": {"claims": CLAIMS}}) | {"version": "1.0"},
    ],
    ids=[
        "basic",
        "headers",
        "query",
        "other issuer",
        "no claims",
        "text",
        "lambda authorizer",
        "function URL",
        "REST API",
        "other version",
    ],
)
def test_claims_from_elsewhere_get_401(call: Call, forged: dict[str, Any]) -> None:
    if forged["version"] == "1.0":
        # Mangum then reads the event as one of a REST API.
        forged |= {"resource": "/predict", "path": "/predict", "httpMethod": "POST"}
        forged["requestContext"] |= {"identity": {"sourceIp": "203.0.113.24"}}
        forged |= {"multiValueHeaders": {}, "multiValueQueryStringParameters": {}}
    response = call(forged)

    assert response["statusCode"] == 401, response["body"]
    challenge = {name.lower(): value for name, value in response["headers"].items()}
    assert challenge["www-authenticate"].startswith("Bearer ")


def test_health_needs_no_claims(call: Call) -> None:
    health = event(rawPath="/health", body="", isBase64Encoded=False)
    health["requestContext"]["http"] |= {"method": "GET", "path": "/health"}

    assert call(health)["statusCode"] == 200


@pytest.mark.parametrize(
    ("claims", "user"),
    [
        ({"username": "anna", "sub": "1"}, "anna"),
        ({"cognito:username": "anna", "sub": "1"}, "anna"),
        ({"preferred_username": "anna@example.com", "sub": "1"}, "anna@example.com"),
        ({"sub": "1"}, "1"),
        ({"client_id": "batch-job"}, "batch-job"),
        ({}, "unknown"),
    ],
)
def test_user_is_named_by_the_claims(claims: dict[str, str], user: str) -> None:
    context = {"authorizer": {"jwt": {"claims": {"iss": ISSUER, **claims}}}}
    scope = {"type": "http", "aws.event": {"version": "2.0", "requestContext": context}}

    assert asyncio.run(GatewayTokens(ISSUER).check(Request(scope))) == user


def test_request_without_an_event_gets_401() -> None:
    with pytest.raises(Problem) as caught:
        asyncio.run(GatewayTokens(ISSUER).check(Request({"type": "http", "headers": []})))

    assert caught.value.status == 401


def test_tokens_are_refused_under_uvicorn(bundle: Path) -> None:
    with pytest.raises(SettingsError, match="JWT_ISSUER: only works on Lambda behind an HTTP API"):
        create_app(token_settings(bundle))


@pytest.mark.parametrize(
    ("environment", "message"),
    [
        ({"JWT_ISSUER": ISSUER, "API_USERNAME": "me"}, "JWT_ISSUER: replaces API_USERNAME"),
        ({"JWT_ISSUER": ISSUER, "AUTH_SECRET_ARN": "arn:x"}, "JWT_ISSUER: replaces API_USERNAME"),
        ({"JWT_ISSUER": "id.example.com"}, "JWT_ISSUER: String should match pattern"),
    ],
)
def test_contradictory_settings_are_refused(
    environment: dict[str, str], message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("API_USERNAME", "API_PASSWORD", "API_USERS", "AUTH_SECRET_ARN"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)

    with pytest.raises(SettingsError, match=message):
        load_settings()


def test_document_names_bearer_tokens(bundle: Path, loaded_model: LoadedModel) -> None:
    document = create_app(token_settings(bundle), loaded_model=loaded_model, run=inline).openapi()

    assert document["components"]["securitySchemes"].keys() == {"BearerToken"}
    assert "security" not in document["paths"]["/health"]["get"]
    assert document["paths"]["/predict"]["post"]["security"] == [{"BearerToken": []}]
