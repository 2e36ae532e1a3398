"""The FastAPI application: what surrounds the routes, and those that tell of the service."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aws_lambda_powertools import Logger
from fastapi import Depends, FastAPI, Request, Response, params
from fastapi.concurrency import run_in_threadpool
from starlette.middleware.cors import CORSMiddleware

from lambda_api import __version__, problems
from lambda_api.auth.basic import BasicAuth
from lambda_api.auth.failed_logins import FailedLogins
from lambda_api.auth.users import SecretUsers, Users
from lambda_api.json_output import FastJSONResponse
from lambda_api.loaded_model import Model, current_model
from lambda_api.log import configured_logger
from lambda_api.metrics import RequestMetrics
from lambda_api.openapi import document as openapi
from lambda_api.openapi.document import ANY_ROUTE, answer, problem_responses
from lambda_api.routes import pictures
from lambda_api.routes.plain_route import PlainRoute
from lambda_api.settings import Settings, load_settings
from lambda_api.uploads import Uploads
from lambda_api.web.limits import Deadline, SizeLimit
from lambda_api.web.request_context import RequestContext
from lambda_api.workers import Run, Workers, inline

LINKS = (
    "health",
    "model",
    "predict",
    "predict/batch",
    "explain",
    "uploads",
    "docs",
    "openapi.json",
)


def create_app(
    settings: Settings | None = None, *, model: Model | None = None, run: Run | None = None
) -> FastAPI:
    """Build the application.

    Args:
        settings: read from the environment if not given.
        model: already loaded, for a caller without a lifespan (Lambda). Otherwise the lifespan
            loads the bundle that `settings` names, and releases it at shutdown.
        run: where what computes is run; in threads of the app's own if not given.

    Raises:
        SettingsError: settings are missing or refused.
        UsersError: the users' secret cannot be read, or they are refused.
    """
    settings = settings or load_settings()
    logger = configured_logger(settings.log_dir)
    run = run or Workers()

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        if model is None:
            app.state.model = await run_in_threadpool(
                Model.load, settings.model_uri, settings.fallback_model, logger
            )
        yield
        app.state.model = None

    app = FastAPI(
        title=openapi.TITLE,
        version=__version__,
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
        responses=problem_responses(*ANY_ROUTE),
    )
    app.router.route_class = PlainRoute
    app.state.model = model
    _surround(app, settings, logger, interruptible=run is not inline)
    problems.install(app)
    users = (
        SecretUsers(settings.auth_secret_arn, logger)
        if settings.auth_secret_arn
        else Users(settings.passwords())
    )
    failures = FailedLogins(settings.failed_logins_per_minute)
    authenticated = Depends(BasicAuth(users, failures, run))
    pictures.add_routes(app, authenticated, Uploads.of(settings), run)  # first, being the hot ones
    _add_service_routes(app, authenticated)
    openapi.install(app)
    return app


def _surround(app: FastAPI, settings: Settings, logger: Logger, *, interruptible: bool) -> None:
    """Add the middleware, the innermost first.

    What is run inline, in Lambda, cannot be interrupted: there, Lambda's own time limit holds.
    """
    app.add_middleware(SizeLimit, limit=settings.max_body_bytes)
    if interruptible:
        app.add_middleware(Deadline, seconds=settings.request_timeout_s)
    if settings.cors_origins:
        app.add_middleware(
            CORSMiddleware,
            allow_origins=settings.cors_origins,
            allow_methods=["GET", "POST"],
            allow_headers=["Authorization", "Content-Type", "X-Request-ID"],
            expose_headers=["X-Request-ID", "X-Cold-Start", "Retry-After"],
        )
    namespace = settings.powertools_metrics_namespace
    app.add_middleware(
        RequestContext, logger=logger, metrics=RequestMetrics(namespace) if namespace else None
    )


def _add_service_routes(app: FastAPI, authenticated: params.Depends) -> None:
    @app.get(
        "/",
        summary="Name, version and links",
        tags=["service"],
        description="Where to go on from here. The links are relative: they hold behind a stage.",
        responses=answer("Root"),
    )
    async def root(_: Request) -> FastJSONResponse:
        links = {name: {"href": name} for name in LINKS}
        return FastJSONResponse({"name": openapi.TITLE, "version": __version__, "links": links})

    @app.get(
        "/health",
        summary="Whether the model can serve",
        tags=["service"],
        description="Which model serves and where it comes from; 503 with the reason where none "
        "does. For monitors: asks for no credentials.",
        responses=answer("Health") | problem_responses(503),
    )
    async def health(request: Request) -> FastJSONResponse:
        current = current_model(request)
        manifest = current.classifier().manifest
        return FastJSONResponse(
            {
                "status": "ok",
                "model": {
                    "name": manifest.name,
                    "version": manifest.version,
                    "sha256": manifest.model.sha256,
                },
                "source": current.source,
                "classes": manifest.classes,
                "load_ms": current.load_ms,
                "uptime_s": current.uptime_s(),
                "cold_start": request.state.cold_start,
                "fallback": current.fallback,
            }
        )

    @app.get(
        "/model",
        summary="All that is known of the model: its manifest",
        tags=["service"],
        description="What it was trained on and what was measured of it, for each class too.",
        dependencies=[authenticated],
        responses=answer("Manifest") | problem_responses(401, 429, 503),
    )
    async def model(request: Request) -> Response:
        manifest = current_model(request).classifier().manifest
        return Response(manifest.model_dump_json(), media_type="application/json")
