"""JSON by pydantic's serializer.

With a cold cache, as it is after an inference, Python's own takes some hundredths of a millisecond
longer for each document, and a request has four: answer, log line, two lines of metrics.
"""

from collections.abc import Mapping
from typing import Any

from fastapi.responses import JSONResponse
from pydantic_core import to_json


class FastJSONResponse(JSONResponse):
    """An answer of what `to_line` takes."""

    def render(self, content: Any) -> bytes:
        return to_json(content, inf_nan_mode="null")


def to_line(document: Mapping[str, Any]) -> str:
    """A document without line breaks; of what JSON does not know, what `str` makes of it."""
    return to_json(document, inf_nan_mode="null", fallback=str).decode()
