"""Pages that open without a network: everything is inside them."""

import base64
from pathlib import Path
from typing import Any

from jinja2 import StrictUndefined, Template


def render(template: Path, **values: Any) -> str:
    """The HTML of a Jinja template; a name that is not among `values` is an error."""
    page: str = Template(
        template.read_text(encoding="utf-8"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    ).render(**values)
    return page


def address(content: bytes, kind: str) -> str:
    """A `data:` address of a picture; `kind` is "image/png", say."""
    return f"data:{kind};base64,{base64.b64encode(content).decode()}"
