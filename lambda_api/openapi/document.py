"""What the OpenAPI document says beyond what FastAPI finds in the routes' signatures.

`docs/openapi.json` is this document; `make openapi` writes it anew, and a test compares the two.
"""

from typing import Any, Literal

from fastapi import FastAPI, Request
from fastapi.openapi.docs import get_swagger_ui_html
from fastapi.openapi.utils import get_openapi
from fastapi.responses import HTMLResponse
from pydantic import BaseModel

from lambda_api import __version__
from lambda_api.images import MAX_PIXELS, MIN_SIDE
from lambda_api.manifest import Manifest
from lambda_api.problems import MEDIA_TYPE
from lambda_api.routes.query import ExplainQuery, PredictQuery
from lambda_api.web.limits import MAX_HEADER_BYTES
from lambda_api.web.request_body import MAX_BATCH, UploadedPicture, UploadRequest

TITLE = "Landscape Classifier"
TAGS = [
    {"name": "service", "description": "What runs here, and whether it can serve."},
    {"name": "pictures", "description": "What pictures show, and why."},
]
_DESCRIPTION = f"""\
What does a picture show, and how sure is that? JPEG, PNG and WebP, told by their content, of at
least {MIN_SIDE} pixels a side and at most {MAX_PIXELS // 1_000_000} megapixels.

**Limits**, unless the service is configured otherwise: a request body may have 4,000,000 bytes
(larger pictures go through `POST /uploads`), headers {MAX_HEADER_BYTES:,} bytes, and a request 25
seconds. After 10 failed log-ins in a minute, a source address has to wait.

**Errors** are `{MEDIA_TYPE}` (RFC 9457), each with the id of the request, which every answer has as
`X-Request-ID` too. A client may choose the id: 1 to 128 letters, digits, `.`, `_`, `=` and `-`.
`X-Cold-Start` says whether a process was started for the request (`true`) or not (`false`).
"""

_BINARY = {"type": "string", "format": "binary"}
_FORM = {
    "type": "object",
    "required": ["file"],
    "properties": {"file": {**_BINARY, "description": "The picture."}},
}
_FORM_OF_SEVERAL = {
    "type": "object",
    "required": ["file"],
    "properties": {
        "file": {
            "type": "array",
            "items": _BINARY,
            "minItems": 1,
            "maxItems": MAX_BATCH,
            "description": "The pictures, each as a field of this name.",
        }
    },
}

PICTURE_BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "description": "A picture: as the form's `file`, as the whole body, or as the key of an "
        "earlier upload.",
        "content": {
            "multipart/form-data": {"schema": _FORM},
            "image/jpeg": {"schema": _BINARY},
            "image/png": {"schema": _BINARY},
            "image/webp": {"schema": _BINARY},
            "application/json": {"schema": {"$ref": "#/components/schemas/UploadedPicture"}},
        },
    }
}
PICTURES_BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "description": f"One to {MAX_BATCH} pictures in a form.",
        "content": {"multipart/form-data": {"schema": _FORM_OF_SEVERAL}},
    }
}

UPLOAD_BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {"application/json": {"schema": {"$ref": "#/components/schemas/UploadRequest"}}},
    }
}

_QUERIES: dict[str, type[BaseModel]] = {
    "/predict": PredictQuery,
    "/predict/batch": PredictQuery,
    "/explain": ExplainQuery,
}

_PROBLEMS = {
    400: "No picture in the request, a broken form, a key that no upload has, or two lengths",
    401: "Credentials missing or wrong",
    404: "No upload has this key (any more), or the service takes no uploads",
    408: "The request body did not arrive in time",
    413: "Too many bytes or pixels; the detail says the limit",
    415: "Not a JPEG, PNG or WebP (of several pictures: not a form)",
    422: "The picture does not decode, or a parameter is out of range",
    429: "Too many failed log-ins from this address",
    431: "Too many bytes of headers",
    500: "A fault of ours; the log has the details under the request's id",
    503: "The model cannot serve, S3 does not answer, or time ran out; the detail says which",
}
_ANY_HEADERS = {
    "X-Request-ID": "The request's id, as in the log.",
    "X-Cold-Start": "`true` where the process was started for this request, else `false`.",
}
_HEADERS: dict[int, dict[str, str]] = {
    401: {"WWW-Authenticate": "The challenge; a gateway may rename it."},
    429: {"Retry-After": "Seconds until the next try."},
    503: {"Retry-After": "Seconds after which to try again."},
}
ANY_ROUTE = (400, 408, 413, 431, 500)

# Swagger UI comes from where FastAPI takes it, and starts by a script in the page.
_DOCS_POLICY = (
    "default-src 'none'; script-src 'unsafe-inline' https://cdn.jsdelivr.net; "
    "style-src 'unsafe-inline' https://cdn.jsdelivr.net; "
    "img-src data: https://fastapi.tiangolo.com; connect-src 'self'; frame-ancestors 'none'"
)


def answer(schema: str, status: int = 200) -> dict[int | str, dict[str, Any]]:
    """FastAPI's `responses` for a route that answers with this document of `schemas`."""
    content = {"application/json": {"schema": {"$ref": f"#/components/schemas/{schema}"}}}
    return {status: {"description": "The answer", "content": content, "headers": _headers()}}


def problem_responses(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """FastAPI's `responses` for a route that may answer with these problems."""
    schema = {"$ref": "#/components/schemas/ProblemDocument"}
    return {
        status: {
            "description": _PROBLEMS[status],
            "content": {MEDIA_TYPE: {"schema": schema}},
            "headers": _headers(**_HEADERS.get(status, {})),
        }
        for status in statuses
    }


def _headers(**more: str) -> dict[str, dict[str, Any]]:
    return {
        name: {"description": text, "schema": {"type": "string"}}
        for name, text in (_ANY_HEADERS | more).items()
    }


def document(app: FastAPI) -> dict[str, Any]:
    """The whole OpenAPI document of the service."""
    from pydantic.json_schema import models_json_schema

    from lambda_api.openapi import schemas
    from lambda_api.openapi.examples import EXAMPLES

    found = get_openapi(
        title=TITLE,
        version=__version__,
        description=_DESCRIPTION,
        routes=app.routes,
        tags=TAGS,
        license_info={"name": "MIT", "identifier": "MIT"},
    )
    answers = [getattr(schemas, name) for name in EXAMPLES if hasattr(schemas, name)]
    wanted: list[tuple[type[BaseModel], Literal["validation", "serialization"]]] = [
        *((model, "serialization") for model in (*answers, Manifest)),
        *((model, "validation") for model in (UploadRequest, UploadedPicture)),
    ]
    _, definitions = models_json_schema(wanted, ref_template="#/components/schemas/{model}")
    # In place of FastAPI's, which has nothing but the shape of its own 422: ours is a problem.
    found["components"]["schemas"] = known = definitions["$defs"]
    for path, query in _QUERIES.items():
        found["paths"][path]["post"]["parameters"] = _parameters(query)
    for name, example in EXAMPLES.items():
        known[name]["examples"] = [example]
    return found


def _parameters(query: type[BaseModel]) -> list[dict[str, Any]]:
    """The fields of a query as OpenAPI's parameters."""
    return [
        {
            "name": name,
            "in": "query",
            "required": False,
            "description": schema.pop("description"),
            "schema": schema,
        }
        for name, schema in query.model_json_schema()["properties"].items()
    ]


def install(app: FastAPI) -> None:
    """Serve the document at /openapi.json, and Swagger UI on it at /docs."""

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            app.openapi_schema = document(app)
        return app.openapi_schema

    app.openapi = openapi  # type: ignore[method-assign]  # FastAPI's documented way

    @app.get("/docs", include_in_schema=False)
    async def docs(request: Request) -> HTMLResponse:
        page = get_swagger_ui_html(
            openapi_url=f"{request.scope.get('root_path', '')}/openapi.json", title=TITLE
        )
        page.headers["Content-Security-Policy"] = _DOCS_POLICY
        return page
