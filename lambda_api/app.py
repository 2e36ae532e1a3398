"""The FastAPI application: routes and nothing else."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated

from fastapi import Depends, FastAPI, Query, Request
from fastapi.concurrency import run_in_threadpool
from starlette.datastructures import UploadFile

from lambda_api import __version__, problems
from lambda_api.auth import BasicAuth
from lambda_api.images import NoPicture
from lambda_api.log import configured_logger
from lambda_api.middleware import BodyLimit, RequestContext
from lambda_api.model import Model
from lambda_api.openapi import PICTURE_BODY, problem_responses
from lambda_api.schemas import (
    Health,
    ImageInfo,
    Link,
    ModelIdentity,
    Prediction,
    Root,
    Score,
    Timings,
)
from lambda_api.settings import Settings, load_settings

TITLE = "Landscape Classifier"


def create_app(settings: Settings | None = None, *, model: Model | None = None) -> FastAPI:
    """Build the application.

    Args:
        settings: read from the environment if not given.
        model: already loaded, for a caller without a lifespan (Lambda). Otherwise the lifespan
            loads the bundle that `settings` names, and releases it at shutdown.

    Raises:
        SettingsError: settings are missing or refused.
    """
    settings = settings or load_settings()
    logger = configured_logger(settings.log_dir)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        if model is None:
            app.state.model = await run_in_threadpool(Model.load, settings.model_uri, logger)
        yield
        app.state.model = None

    app = FastAPI(title=TITLE, version=__version__, lifespan=lifespan)
    app.state.model = model
    app.add_middleware(BodyLimit, limit=settings.max_body_bytes)
    app.add_middleware(RequestContext, logger=logger)
    problems.install(app)
    authenticated = Depends(
        BasicAuth(settings.api_username, settings.api_password.get_secret_value())
    )

    @app.get("/", summary="Name, version and links")
    def root() -> Root:
        links = {name: Link(href=name) for name in ("health", "predict", "docs", "openapi.json")}
        return Root(name=TITLE, version=__version__, links=links)

    @app.get("/health", summary="Whether the model can serve", responses=problem_responses(503))
    def health(request: Request) -> Health:
        current = _current_model(request)
        manifest = current.classifier().manifest
        return Health(
            model=ModelIdentity(
                name=manifest.name, version=manifest.version, sha256=manifest.model.sha256
            ),
            classes=manifest.classes,
            load_ms=current.load_ms,
            uptime_s=current.uptime_s(),
            cold_start=request.state.cold_start,
        )

    @app.post(
        "/predict",
        summary="What a picture shows",
        dependencies=[authenticated],
        responses=problem_responses(400, 401, 413, 415, 422, 503),
        openapi_extra=PICTURE_BODY,
    )
    async def predict(
        request: Request,
        top_k: Annotated[
            int | None, Query(ge=1, description="Only the best so many; all classes if absent.")
        ] = None,
    ) -> Prediction:
        classifier = _current_model(request).classifier()
        data = await _picture(request)
        answer = await run_in_threadpool(classifier.classify, data)
        version = classifier.manifest.version
        timings = Timings(
            decode=round(answer.decode_ms, 3), inference=round(answer.inference_ms, 3)
        )
        request.state.log.update(
            label=answer.label,
            confidence=round(answer.confidence, 4),
            confident=answer.confident,
            model_version=version,
            timings_ms=timings.model_dump(),
        )
        return Prediction(
            request_id=request.state.request_id,
            model_version=version,
            label=answer.label,
            confidence=answer.confidence,
            confident=answer.confident,
            predictions=tuple(Score(label=x, confidence=p) for x, p in answer.scores[:top_k]),
            image=ImageInfo(
                format=answer.picture.format,
                width=answer.picture.width,
                height=answer.picture.height,
            ),
            timings_ms=timings,
        )

    return app


def _current_model(request: Request) -> Model:
    model: Model = request.app.state.model
    return model


async def _picture(request: Request) -> bytes:
    """The picture's bytes: the form's `file`, or the body, whatever it calls itself."""
    if not request.headers.get("Content-Type", "").lower().startswith("multipart/form-data"):
        return await request.body()
    async with request.form(max_files=1, max_fields=8) as form:
        file = form.get("file")
        if not isinstance(file, UploadFile):
            raise NoPicture("The form has no file field named 'file'.")
        return await file.read()
