"""HTML pages that contain everything they show, readable offline."""

import base64
from pathlib import Path
from typing import Any

from jinja2 import StrictUndefined, Template


def render(template: Path, **values: Any) -> str:
    """Render a Jinja template as HTML.

    Raises:
        jinja2.UndefinedError: the template uses a name that is not in `values`.
    """
    page: str = Template(
        template.read_text(encoding="utf-8"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    ).render(**values)
    return page


def data_url(content: bytes, media_type: str) -> str:
    """A `data:` URL of a picture; `media_type` is "image/png", for example."""
    return f"data:{media_type};base64,{base64.b64encode(content).decode()}"
