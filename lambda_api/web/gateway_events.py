"""Conversion of gateway events to requests."""

from functools import cached_property
from typing import Any

from mangum.handlers import ALB, APIGateway, HTTPGateway
from mangum.types import Scope
from pydantic import ConfigDict, TypeAdapter, ValidationError

from lambda_api.base64_text import decode_base64

_BASE64 = TypeAdapter(bytes, config=ConfigDict(val_json_bytes="base64", hide_input_in_errors=True))


class HttpApi(HTTPGateway):
    """Mangum's conversion of the events of HTTP APIs and function URLs, faster.

    Mangum builds the scope of a request twice, and decodes the body with the standard library,
    which takes several times as long as pydantic.
    """

    @cached_property
    def scope(self) -> Scope:
        return super().scope

    @property
    def body(self) -> bytes:
        return _decoded(self.event) if self.event.get("isBase64Encoded") else super().body


class RestApi(APIGateway):
    """Mangum's conversion of the events of REST APIs, which rejects damaged base64."""

    @property
    def body(self) -> bytes:
        return _decoded(self.event) if self.event.get("isBase64Encoded") else super().body


class LoadBalancer(ALB):
    """Mangum's conversion of the events of load balancers, which rejects damaged base64."""

    @property
    def body(self) -> bytes:
        return _decoded(self.event) if self.event.get("isBase64Encoded") else super().body


def _decoded(event: dict[str, Any]) -> bytes:
    """Return the body of an event. Raises `ValueError` for damaged base64."""
    text = event.get("body") or ""
    try:
        return _BASE64.validate_python(text)
    except ValidationError:  # hand-written events have line breaks
        return decode_base64(text.encode())
