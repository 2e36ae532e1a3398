"""Entry point of the Lambda: `lambda_api.handler.handler`."""

from mangum import Mangum
from mangum.adapter import DEFAULT_TEXT_MIME_TYPES

from lambda_api.app import create_app
from lambda_api.loaded_model import LoadedModel
from lambda_api.log import configured_logger
from lambda_api.problems import MEDIA_TYPE
from lambda_api.settings import load_settings
from lambda_api.web.stage_prefix import StagePrefix
from lambda_api.workers import inline

# Loaded at import, in Lambda's init phase, so the first request finds a warm model. Mangum would
# run a lifespan for every invocation.
settings = load_settings()
loaded_model = LoadedModel.load(
    settings.model_uri,
    settings.fallback_model,
    configured_logger(settings.log_dir),
    settings.max_decoded_bytes,
)

handler = Mangum(
    StagePrefix(create_app(settings, loaded_model=loaded_model, run=inline)),
    lifespan="off",
    text_mime_types=[*DEFAULT_TEXT_MIME_TYPES, MEDIA_TYPE],  # other types are sent as base64
)
