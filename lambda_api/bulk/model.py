"""Model of the bulk functions, loaded once per process from the environment's MODEL_URI."""

import os
from functools import cache
from pathlib import Path

from aws_lambda_powertools import Logger

from lambda_api.classifier import Classifier
from lambda_api.images import MAX_DECODED_BYTES
from lambda_api.loaded_model import LoadedModel

SERVICE = "landscape-classifier-bulk"  # not the API's: its metrics would be wrong


@cache
def classifier() -> Classifier:
    """Return the classifier. Raises `BundleError` if no bundle can be loaded."""
    outcome = LoadedModel.load(
        os.environ["MODEL_URI"],
        Path(os.environ["FALLBACK_MODEL"]),
        Logger(service=SERVICE, utc=True),
        int(os.environ.get("MAX_DECODED_BYTES", MAX_DECODED_BYTES)),
    ).outcome
    if isinstance(outcome, Exception):
        raise outcome
    return outcome
