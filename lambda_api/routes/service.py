"""Routes that describe the service and its model."""

from fastapi import APIRouter, Request, Response
from fastapi.openapi.docs import get_swagger_ui_html
from fastapi.responses import HTMLResponse
from fastapi.routing import APIRoute

from lambda_api.json_output import FastJSONResponse
from lambda_api.openapi.operations import COMMON_RESPONSES, problem_responses, success
from lambda_api.routes.dependencies import (
    AUTHENTICATED,
    classifier,
    loaded_model,
    services,
)

# Swagger UI is loaded from FastAPI's default addresses and started by an inline script.
_DOCS_POLICY = (
    "default-src 'none'; script-src 'unsafe-inline' https://cdn.jsdelivr.net; "
    "style-src 'unsafe-inline' https://cdn.jsdelivr.net; "
    "img-src data: https://fastapi.tiangolo.com; connect-src 'self'; frame-ancestors 'none'"
)

router = APIRouter(tags=["service"], responses=COMMON_RESPONSES)


@router.get(
    "/",
    summary="Get name, version and links",
    responses=success("Root"),
)
async def root(request: Request) -> FastJSONResponse:
    """Links are relative, so they also work under a stage of API Gateway."""
    app = request.app
    names = [route.path.removeprefix("/") for route in app.routes]
    links = {name: {"href": name} for name in names if name}
    return FastJSONResponse({"name": app.title, "version": app.version, "links": links})


@router.get(
    "/health",
    summary="Check that the model can serve",
    responses=success("Health") | problem_responses(503),
)
async def health(request: Request) -> FastJSONResponse:
    """Return the loaded model and its source, or 503 with the reason why no model is loaded.

    For monitors: no credentials are needed.
    """
    loaded = loaded_model(request)
    manifest = classifier(request).manifest
    return FastJSONResponse(
        {
            "status": "ok",
            "model": {
                "name": manifest.name,
                "version": manifest.version,
                "sha256": manifest.model.sha256,
            },
            "source": loaded.source,
            "classes": manifest.classes,
            "load_ms": loaded.load_ms,
            "uptime_s": loaded.uptime_s(),
            "cold_start": request.state.cold_start,
            "fallback": loaded.fallback,
            "collect": services(request).collection.collect,
        }
    )


@router.get(
    "/model",
    summary="Get the model's manifest",
    dependencies=AUTHENTICATED,
    responses=success("Manifest") | problem_responses(401, 429, 503),
)
async def model(request: Request) -> Response:
    """Return classes, training data, and metrics of the model, overall and per class."""
    manifest = classifier(request).manifest
    return Response(manifest.model_dump_json(), media_type="application/json")


@router.get("/docs", include_in_schema=False)
async def docs(request: Request) -> HTMLResponse:
    """Return Swagger UI for the OpenAPI document."""
    page = get_swagger_ui_html(
        openapi_url=f"{request.scope.get('root_path', '')}/openapi.json", title=request.app.title
    )
    page.headers["Content-Security-Policy"] = _DOCS_POLICY
    return page


for _route in router.routes:  # monitors send HEAD
    if isinstance(_route, APIRoute) and _route.methods:
        _route.methods.add("HEAD")
