"""Build the OpenAPI document.

`docs/openapi.json` is this document. `make openapi` writes it, and a test compares it.
"""

from collections.abc import Iterator
from copy import copy
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from fastapi.routing import APIRoute
from pydantic import BaseModel
from starlette.routing import BaseRoute

from lambda_api.auth.gateway_tokens import GatewayTokens
from lambda_api.images import MAX_DECODED_BYTES, MAX_PIXELS, MIN_SIDE, NAMES
from lambda_api.openapi.operations import SCHEMAS
from lambda_api.problems import MEDIA_TYPE
from lambda_api.web import query, request_body
from lambda_api.web.limits import MAX_HEADER_BYTES

_TAGS = [
    {"name": "service", "description": "The service and its model."},
    {"name": "pictures", "description": "Classification and explanation of pictures."},
    {"name": "feedback", "description": "Corrections of predictions."},
]
_DESCRIPTION = f"""\
Classify pictures, with a calibrated confidence.

**Formats**: {NAMES}, detected from the content.
At least {MIN_SIDE} pixels per side, at most {MAX_PIXELS // 1_000_000} megapixels.

**Limits** (defaults of the settings):

- request body: 4,000,000 bytes; upload larger pictures with `POST /uploads`
- memory to decode a picture: {MAX_DECODED_BYTES // 1_000_000} MB
- headers: {MAX_HEADER_BYTES:,} bytes
- duration of a request: 25 seconds
- failed logins: 10 per minute and client address

**Errors** are `{MEDIA_TYPE}` documents (RFC 9457) and include the request ID.

**Headers** of every response: `X-Request-ID`, and `X-Cold-Start`, which is `true` if a process was
started for the request. A client may send its own `X-Request-ID`: 1 to 128 letters, digits, `.`,
`_`, `=` and `-`.
"""


def install(app: FastAPI) -> None:
    """Make `app.openapi`, and so /openapi.json, return the document."""

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            app.openapi_schema = _document(app)
        return app.openapi_schema

    app.openapi = openapi  # type: ignore[method-assign]  # documented by FastAPI


def _document(app: FastAPI) -> dict[str, Any]:
    from pydantic.json_schema import models_json_schema

    document = get_openapi(
        title=app.title,
        version=app.version,
        description=_DESCRIPTION,
        routes=[_without_head(route) for route in app.routes],
        tags=_TAGS,
        license_info={"name": "MIT", "identifier": "MIT"},
    )
    operations = [
        operation for methods in document["paths"].values() for operation in methods.values()
    ]
    for operation in operations:
        if "parameters" in operation:
            operation["parameters"] = _parameters(_models(operation["parameters"]))
    bodies = _models([operation.get("requestBody") for operation in operations])
    responses = _models([operation["responses"] for operation in operations])
    _, definitions = models_json_schema(
        [
            *((model, "serialization") for model in responses),
            *((model, "validation") for model in bodies),
        ],
        ref_template=SCHEMAS + "{model}",
    )
    document["components"]["schemas"] = definitions["$defs"]
    if isinstance(app.state.services.authentication, GatewayTokens):
        _require_tokens(document)
    return document


def _require_tokens(document: dict[str, Any]) -> None:
    """Replace HTTP Basic by bearer tokens, which all operations except `/health` need."""
    document["components"]["securitySchemes"] = {
        "BearerToken": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}
    }
    for path, operations in document["paths"].items():
        for operation in operations.values() if path != "/health" else ():
            operation["security"] = [{"BearerToken": []}]


def _without_head(route: BaseRoute) -> BaseRoute:
    """Return a route as documented: HEAD goes with GET."""
    if isinstance(route, APIRoute) and route.methods:
        documented = route.methods - {"HEAD"}
        route = copy(route)
        route.methods = documented
    return route


def _parameters(models: list[type[BaseModel]]) -> list[dict[str, Any]]:
    """Return the fields of query models as OpenAPI parameters."""
    return [
        {
            "name": name,
            "in": "query",
            "required": False,
            "description": schema.pop("description"),
            "schema": schema,
        }
        for model in models
        for name, schema in model.model_json_schema()["properties"].items()
    ]


def _models(node: Any) -> list[type[BaseModel]]:
    """Return the models that are referenced in a part of the document, each once."""
    from lambda_api.openapi import schemas
    from lambda_api.web import feedback_body

    models = {**vars(query), **vars(request_body), **vars(feedback_body), **vars(schemas)}
    names = dict.fromkeys(reference.removeprefix(SCHEMAS) for reference in _references(node))
    return [models[name] for name in names]


def _references(node: Any) -> Iterator[str]:
    match node:
        case {"$ref": str(reference)}:
            yield reference
        case dict():
            for value in node.values():
                yield from _references(value)
        case list():
            for value in node:
                yield from _references(value)
