"""The Lambda's entry point: `lambda_api.handler.handler`."""

from mangum import Mangum
from mangum.adapter import DEFAULT_TEXT_MIME_TYPES

from lambda_api.app import create_app
from lambda_api.loaded_model import Model
from lambda_api.log import configured_logger
from lambda_api.problems import MEDIA_TYPE
from lambda_api.settings import load_settings
from lambda_api.web.stage_prefix import StagePrefix
from lambda_api.workers import inline

# At import, and so inside Lambda's init phase: the first request finds a warm model. Mangum would
# run a lifespan on every invocation.
_settings = load_settings()
_model = Model.load(
    _settings.model_uri, _settings.fallback_model, configured_logger(_settings.log_dir)
)

handler = Mangum(
    StagePrefix(create_app(_settings, model=_model, run=inline)),
    lifespan="off",
    text_mime_types=[*DEFAULT_TEXT_MIME_TYPES, MEDIA_TYPE],  # others are sent as base64
)
