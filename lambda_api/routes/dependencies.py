"""Dependencies of the routes: authentication, the model, and other services of the app."""

from dataclasses import dataclass
from typing import Protocol

from fastapi import Depends, Request
from fastapi.openapi.models import HTTPBase
from fastapi.security.base import SecurityBase

from lambda_api.classifier import Classifier
from lambda_api.collection.policy import Collection
from lambda_api.loaded_model import LoadedModel
from lambda_api.manifest import BundleError
from lambda_api.metrics import RequestMetrics
from lambda_api.problems import Problem
from lambda_api.uploads import UploadBucket
from lambda_api.workers import Run


class Authentication(Protocol):
    """Identifies the user of a request: `BasicAuth` or `GatewayTokens`."""

    async def check(self, request: Request) -> str:
        """Return the user's name. Raises `Problem`: 401, or 429 after too many failed logins."""
        ...


@dataclass(frozen=True)
class Services:
    """Services that `create_app` builds from the settings.

    Attributes:
        authentication: checks the credentials of requests.
        uploads: bucket of uploaded pictures.
        collection: stores pictures and feedback.
        metrics: writes metrics; None without a namespace.
        run: runs decoding and inference.
    """

    authentication: Authentication
    uploads: UploadBucket
    collection: Collection
    metrics: RequestMetrics | None
    run: Run


def services(request: Request) -> Services:
    """Return the services of the app."""
    app_services: Services = request.app.state.services
    return app_services


def loaded_model(request: Request) -> LoadedModel:
    """Return the model of the app, or the reason why it could not be loaded."""
    model: LoadedModel = request.app.state.loaded_model
    return model


def classifier(request: Request) -> Classifier:
    """Return the classifier. Raises a 503 `Problem` if the model could not be loaded."""
    outcome = loaded_model(request).outcome
    if isinstance(outcome, BundleError):
        raise Problem(503, "model-not-ready", str(outcome), {"Retry-After": "60"})
    return outcome


class _BasicAuthScheme(SecurityBase):
    """Authenticates a request and logs the user's name.

    The OpenAPI document names HTTP Basic, the default.
    """

    def __init__(self) -> None:
        self.scheme_name = "BasicAuth"
        self.model = HTTPBase(scheme="basic", description="User name and password in UTF-8.")

    async def __call__(self, request: Request) -> None:
        user = await services(request).authentication.check(request)
        request.state.log["user"] = user


AUTHENTICATED = [Depends(_BasicAuthScheme())]
