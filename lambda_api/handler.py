"""Entry point of the Lambda: `lambda_api.handler.handler`."""

import os
from typing import Any

from lambda_api import startup  # isort: split

from mangum import Mangum
from mangum.adapter import DEFAULT_TEXT_MIME_TYPES

from lambda_api import events
from lambda_api.app import create_app
from lambda_api.collection.extension import post_response
from lambda_api.loaded_model import LoadedModel
from lambda_api.log import configured_logger
from lambda_api.problems import MEDIA_TYPE
from lambda_api.settings import load_settings
from lambda_api.web.gateway import GatewayScope
from lambda_api.web.gateway_events import HttpApi, LoadBalancer, RestApi
from lambda_api.web.request_context import ColdStart
from lambda_api.workers import inline

# Loaded at import, in Lambda's init phase, so the first request finds a warm model. Mangum would
# run a lifespan for every invocation.
settings = load_settings()
logger = configured_logger(settings.log_dir)
loaded_model = LoadedModel.load(
    settings.model_uri,
    settings.fallback_model,
    logger,
    settings.max_decoded_bytes,
)

cold_start = ColdStart()
app = create_app(settings, loaded_model=loaded_model, run=inline, cold_start=cold_start)
handled = post_response(
    os.environ.get("AWS_LAMBDA_RUNTIME_API"), app.state.services.collection.collector, logger
)
http = Mangum(
    GatewayScope(app),
    lifespan="off",
    custom_handlers=[HttpApi, RestApi, LoadBalancer],
    text_mime_types=[*DEFAULT_TEXT_MIME_TYPES, MEDIA_TYPE],  # other types are sent as base64
)
startup.complete()


def handler(event: Any, context: Any) -> dict[str, Any]:
    """Respond to an event."""
    try:
        if not events.is_http(event):
            cold_start.take()  # the next request finds a started process
            return events.other(event, logger)
        return http(events.complete(event), context)
    except events.DAMAGED as error:  # of Mangum: errors of the app are responses
        return events.damaged_request(event, error, logger)
    finally:
        handled()
