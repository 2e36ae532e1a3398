"""The FastAPI application: settings, middleware and routes put together."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aws_lambda_powertools import Logger
from fastapi import FastAPI
from fastapi.concurrency import run_in_threadpool
from starlette.middleware.cors import CORSMiddleware

from lambda_api import __version__, problems
from lambda_api.auth.basic import BasicAuth
from lambda_api.auth.failed_logins import FailedLogins
from lambda_api.auth.gateway_tokens import GatewayTokens
from lambda_api.auth.users import SecretUsers, Users
from lambda_api.collection.policy import Collection
from lambda_api.loaded_model import LoadedModel
from lambda_api.log import configured_logger
from lambda_api.metrics import RequestMetrics
from lambda_api.openapi import document
from lambda_api.routes import feedback, pictures, service
from lambda_api.routes.dependencies import Authentication, Services
from lambda_api.settings import Settings, SettingsError, load_settings
from lambda_api.uploads import UploadBucket
from lambda_api.web import paths
from lambda_api.web.event_loop import check_event_loop
from lambda_api.web.limits import Deadline, SizeLimit
from lambda_api.web.request_context import ColdStart, RequestContext
from lambda_api.web.security_headers import SecurityHeaders
from lambda_api.workers import Run, ThreadPool, inline

_DRAIN_S = 10.0  # at shutdown, to store the pictures that wait


def create_app(
    settings: Settings | None = None,
    *,
    loaded_model: LoadedModel | None = None,
    run: Run | None = None,
    cold_start: ColdStart | None = None,
) -> FastAPI:
    """Build the application.

    Args:
        settings: read from the environment by default.
        loaded_model: for a caller without a lifespan (Lambda). By default, the lifespan loads the
            bundle of `settings.model_uri` and releases it at shutdown.
        run: runs decoding and inference. By default, a thread pool of the app.
        cold_start: for a caller that also handles events that are not requests (Lambda).

    Raises:
        SettingsError: settings are missing or invalid.
        UsersError: the secret with the users cannot be read, or users are invalid.
    """
    settings = settings or load_settings()
    logger = configured_logger(settings.log_dir)
    run = run or ThreadPool()

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        check_event_loop()
        if loaded_model is None:
            app.state.loaded_model = await run_in_threadpool(
                LoadedModel.load,
                settings.model_uri,
                settings.fallback_model,
                logger,
                settings.max_decoded_bytes,
            )
        yield
        if collector := app.state.services.collection.collector:
            await run_in_threadpool(collector.drain, _DRAIN_S)
        app.state.loaded_model = None

    app = FastAPI(
        title="Landscape Classifier",
        version=__version__,
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
        # The log line and the metrics of a request replace FastAPI's own telemetry.
        telemetry={"tracing": False, "metrics": False, "logs": False},
        # Not `include_router`, which builds every route again at the first request.
        routes=[*pictures.router.routes, *feedback.router.routes, *service.router.routes],
    )
    app.state.loaded_model = loaded_model
    namespace = settings.powertools_metrics_namespace
    metrics = RequestMetrics(namespace) if namespace else None
    app.state.services = _services(settings, logger, metrics, run)
    _add_middleware(
        app, settings, logger, metrics, cold_start or ColdStart(), interruptible=run is not inline
    )
    paths.install(app.router)
    problems.install(app)
    document.install(app)
    return app


def _services(
    settings: Settings, logger: Logger, metrics: RequestMetrics | None, run: Run
) -> Services:
    return Services(
        _authentication(settings, logger, run),
        UploadBucket.of(settings),
        # Lambda has one processor, and its handler releases the pictures after the response.
        _collection(settings, logger, metrics, hold=run is inline),
        metrics,
        run,
    )


def _authentication(settings: Settings, logger: Logger, run: Run) -> Authentication:
    if settings.jwt_issuer:
        if run is not inline:  # under uvicorn, nothing in front of the service checks tokens
            raise SettingsError(
                "JWT_ISSUER: only works on Lambda behind an HTTP API, whose authorizer checks the "
                "tokens. Unset it, and set API_USERNAME and API_PASSWORD."
            )
        return GatewayTokens(settings.jwt_issuer)
    users = (
        SecretUsers(settings.auth_secret_arn, logger)
        if settings.auth_secret_arn
        else Users(settings.passwords())
    )
    return BasicAuth(users, FailedLogins(settings.failed_logins_per_minute), run)


def _collection(
    settings: Settings, logger: Logger, metrics: RequestMetrics | None, *, hold: bool
) -> Collection:
    if settings.collect == "off" or settings.collect_to is None:
        return Collection()
    # Imported here to shorten the cold start of a service that collects nothing.
    from lambda_api.collection.collector import Collector
    from lambda_api.collection.store import open_store

    store = open_store(settings.collect_to)

    def count_error() -> None:
        if metrics is not None:
            metrics.count("CollectErrors")

    in_background = settings.collect != "feedback"
    collector = Collector(store, logger, count_error, hold=hold) if in_background else None
    return Collection(settings.collect, store, collector)


def _add_middleware(
    app: FastAPI,
    settings: Settings,
    logger: Logger,
    metrics: RequestMetrics | None,
    cold_start: ColdStart,
    *,
    interruptible: bool,
) -> None:
    """Add the middleware, innermost first.

    Inline work on Lambda cannot be interrupted, so Lambda's own timeout applies there.
    """
    app.add_middleware(
        SizeLimit, limit=settings.max_body_bytes, uploads=settings.upload_bucket is not None
    )
    if interruptible:
        app.add_middleware(Deadline, seconds=settings.request_timeout_s)
    if settings.cors_origins:
        app.add_middleware(
            CORSMiddleware,
            allow_origins=settings.cors_origins,
            allow_methods=["GET", "HEAD", "POST"],
            allow_headers=["Authorization", "Content-Type", "X-Request-ID"],
            expose_headers=["X-Request-ID", "X-Cold-Start", "Retry-After"],
        )
    app.add_middleware(RequestContext, logger=logger, metrics=metrics, cold_start=cold_start)
    app.add_middleware(SecurityHeaders)
