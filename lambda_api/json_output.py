"""JSON with pydantic's serializer, which is faster than the standard library's."""

from collections.abc import Mapping
from typing import Any

from fastapi.responses import JSONResponse
from pydantic_core import to_json


class FastJSONResponse(JSONResponse):
    """Response of dictionaries, lists, strings and numbers. NaN and infinity become null."""

    def render(self, content: Any) -> bytes:
        return to_json(content, inf_nan_mode="null")


def to_line(document: Mapping[str, Any]) -> str:
    """Serialize a document to one line of ASCII. Objects of other types are passed to `str`."""
    return to_json(document, inf_nan_mode="null", ensure_ascii=True, fallback=str).decode()
