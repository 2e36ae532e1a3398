"""JSON by pydantic's serializer.

With a cold cache, as it is after an inference, Python's own takes some hundredths of a millisecond
longer for each document, and a request has four: answer, log line, two lines of metrics.
"""

from collections.abc import Mapping
from typing import Any

from fastapi.responses import JSONResponse
from pydantic_core import to_json


class FastJSONResponse(JSONResponse):
    """An answer of plain dictionaries, lists, strings and numbers; what is not finite is null."""

    def render(self, content: Any) -> bytes:
        return to_json(content, inf_nan_mode="null")


def to_line(document: Mapping[str, Any]) -> str:
    """A document in one line of ASCII; of objects of other types, what `str` makes of them."""
    return to_json(document, inf_nan_mode="null", ensure_ascii=True, fallback=str).decode()
