"""The OpenAPI document: committed, complete, and consistent with the responses."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from fastapi.testclient import TestClient
from jsonschema import Draft202012Validator
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT202012

from lambda_api.__main__ import main
from tests.conftest import ROOT

COMMITTED = ROOT / "docs" / "openapi.json"
# Every route with its query parameters.
ROUTES = {
    ("get", "/"): [],
    ("get", "/health"): [],
    ("get", "/model"): [],
    ("post", "/predict"): ["top_k"],
    ("post", "/predict/batch"): ["top_k"],
    ("post", "/explain"): ["top_k", "grid", "overlay"],
    ("post", "/uploads"): [],
    ("post", "/feedback"): [],
}
OPEN = {("get", "/"), ("get", "/health")}


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    return json.loads(COMMITTED.read_bytes())


@pytest.fixture(scope="module")
def operations(document: dict[str, Any]) -> dict[tuple[str, str], dict[str, Any]]:
    return {
        (method, path): operation
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
    }


def validator(document: dict[str, Any], schema: dict[str, Any]) -> Draft202012Validator:
    resource = Resource.from_contents(document, default_specification=DRAFT202012)
    registry = Registry().with_resource("urn:document", resource)
    absolute = json.loads(json.dumps(schema).replace('"#/', '"urn:document#/'))
    return Draft202012Validator(absolute, registry=registry)


def test_committed_document_is_current(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Run `make openapi` if this fails."""
    assert main(["openapi"]) == 0
    assert COMMITTED.read_text(encoding="utf-8") == capsys.readouterr().out


def test_served_document_is_the_committed_one(client: TestClient, document: dict[str, Any]) -> None:
    assert client.get("/openapi.json").json() == document


def test_every_route_and_query_parameter_is_documented(
    operations: dict[tuple[str, str], dict[str, Any]],
) -> None:
    parameters = {
        route: [parameter["name"] for parameter in operation.get("parameters", [])]
        for route, operation in operations.items()
    }

    assert parameters == ROUTES


def test_every_operation_declares_errors_and_credentials(
    operations: dict[tuple[str, str], dict[str, Any]],
) -> None:
    for route, operation in operations.items():
        assert operation["summary"]
        assert operation["tags"]
        responses = operation["responses"]
        assert {"408", "413", "431", "500"} <= set(responses), route
        for status, response in responses.items():
            kind = "application/json" if status.startswith("2") else "application/problem+json"
            assert set(response["content"]) == {kind}, (route, status)
        assert ("security" in operation) == (route not in OPEN)
        assert ({"401", "429"} <= set(responses)) == (route not in OPEN)


def test_every_parameter_is_described(operations: dict[tuple[str, str], dict[str, Any]]) -> None:
    parameters = [p for operation in operations.values() for p in operation.get("parameters", [])]

    assert all(parameter["description"] for parameter in parameters)
    assert len(parameters) == sum(map(len, ROUTES.values()))


def references(node: Any) -> Iterator[str]:
    if isinstance(node, dict):
        yield from (v for k, v in node.items() if k == "$ref")
        for value in node.values():
            yield from references(value)
    elif isinstance(node, list):
        for value in node:
            yield from references(value)


def test_every_reference_leads_somewhere(document: dict[str, Any]) -> None:
    schemas = document["components"]["schemas"]

    found = {reference.rpartition("/")[2] for reference in references(document)}

    assert found <= set(schemas)


def test_every_referenced_schema_has_a_valid_example(
    document: dict[str, Any], operations: dict[tuple[str, str], dict[str, Any]]
) -> None:
    schemas = document["components"]["schemas"]
    names = {reference.rpartition("/")[2] for reference in references(list(operations.values()))}

    examples = {name: schemas[name]["examples"] for name in names}

    assert {"Root", "Batch", "Manifest", "ProblemDocument", "UploadRequest"} <= names
    for name, (example,) in examples.items():
        validator(document, schemas[name]).validate(example)
        # A body needs some of its fields only, a response has all.
        is_body = "anyOf" in schemas[name]
        assert is_body or set(example) == set(schemas[name]["properties"])


@pytest.mark.parametrize(
    ("path", "request_"),
    [
        ("/predict", {}),
        ("/explain", {"params": {"overlay": True, "grid": 2}}),
        ("/predict/batch", {"as_form": True}),
    ],
)
def test_responses_match_their_schemas(
    client: TestClient,
    document: dict[str, Any],
    operations: dict[tuple[str, str], dict[str, Any]],
    photo: bytes,
    path: str,
    request_: dict[str, Any],
) -> None:
    """FastAPI does not validate these responses."""
    if request_.pop("as_form", False):
        request_ = {"files": [("file", photo), ("file", b"broken")]}
    else:
        request_ = {"content": photo, **request_}
    answer = client.post(path, **request_)
    ok = operations["post", path]["responses"]["200"]["content"]["application/json"]["schema"]
    validator(document, ok).validate(answer.json())

    schema = document["components"]["schemas"][ok["$ref"].rpartition("/")[2]]

    assert set(answer.json()) == set(schema["properties"])


def test_docs_load_the_document_from_the_root_path(client: TestClient) -> None:
    page = client.get("/docs")
    assert "url: '/openapi.json'" in page.text
    assert "https://cdn.jsdelivr.net" in page.headers["Content-Security-Policy"]
    client.app.root_path = "/prod"
    assert "url: '/prod/openapi.json'" in client.get("/prod/docs").text
    assert client.get("/prod/openapi.json").json()["paths"]
