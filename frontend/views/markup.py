"""Small pieces of HTML that several parts of the page use."""

import base64
from html import escape


def data_uri(jpeg: bytes) -> str:
    """A small JPEG as an address that holds it."""
    return f"data:image/jpeg;base64,{base64.b64encode(jpeg).decode()}"


def icon(name: str) -> str:
    """One of Google's Material Symbols, from the font that Streamlit brings along."""
    return f'<span class="lc-icon" aria-hidden="true">{escape(name)}</span>'


def named_picture(thumbnail: bytes, name: str) -> str:
    """A small picture with its file's name beside it; the name alone where there is none."""
    image = f'<img src="{data_uri(thumbnail)}" alt="">' if thumbnail else ""
    return f'<span class="lc-file">{image}<span>{escape(name)}</span></span>'


def empty(symbol: str, text: str) -> str:
    """What stands where there is nothing yet."""
    return f'<div class="lc-empty">{icon(symbol)}<p>{escape(text)}</p></div>'


def milliseconds(value: float) -> str:
    """A duration to read: "4.3", "120"."""
    return f"{value:.{0 if value >= 100 else 1}f}"


def facts(pairs: dict[str, str]) -> str:
    """Names and values side by side."""
    rows = "".join(
        f"<div><dt>{escape(name)}</dt><dd>{escape(value)}</dd></div>"
        for name, value in pairs.items()
    )
    return f'<dl class="lc-facts">{rows}</dl>'
