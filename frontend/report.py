"""Report of a batch as one HTML file that needs no network."""

from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime
from html import escape

from frontend.api.predictions import NO_CLASS
from frontend.images import data_uri
from frontend.results import Result, State, least_sure_first

_STYLE = """
:root { color-scheme: light dark; font: 16px/1.45 system-ui, sans-serif }
body { max-width: 68rem; margin: 2rem auto; padding: 0 1rem }
h1 { font: 2rem/1.2 Georgia, serif; margin: 0 }
table { width: 100%; border-collapse: collapse; margin: 1rem 0 2rem }
th, td { padding: .45rem .7rem; border-bottom: 1px solid #8886; text-align: left }
td.n, th.n { text-align: right; font-variant-numeric: tabular-nums }
img { display: block; width: 6rem; height: 4.5rem; object-fit: cover; border-radius: .4rem }
td.name { overflow-wrap: anywhere }
.low { color: light-dark(#92570a, #fbbf4b) } .failed { color: light-dark(#b42318, #ff9a8d) }
@media print { tr { break-inside: avoid } }
"""
_CLASSES = {State.LOW: "low", State.UNKNOWN: "low", State.FAILED: "failed"}


def to_html(rows: Sequence[Result], title: str, at: datetime | None = None) -> str:
    """Format results as an HTML page: a summary, and all photos, least sure first.

    Args:
        rows: the results.
        title: heading of the page.
        at: time of the report; None for now.
    """
    heading = escape(f"{title}: {len(rows)} photos")
    versions = sorted({row.prediction.model_version for row in rows if row.prediction})
    facts = [f"{at or datetime.now(UTC):%d %B %Y, %H:%M} UTC"]
    facts += [f"model {', '.join(versions)}"] if versions else []
    labels = Counter(row.label for row in rows if row.label)
    states = Counter(row.state.value for row in rows)
    corrected = sum(bool(row.correction) for row in rows)
    counts = [
        *((_label(label), count) for label, count in labels.most_common()),
        *((state, count) for state, count in states.most_common()),
        *([("checked by a person", corrected)] if corrected else []),
    ]
    summary = "".join(
        f'<tr><th scope="row">{escape(name)}</th><td class="n">{count}</td></tr>'
        for name, count in counts
    )
    photos = "".join(_row(row) for row in least_sure_first(rows))
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{heading}</title><style>{_STYLE}</style></head><body>"
        f"<h1>{heading}</h1><p>{escape(' · '.join(facts))}</p>"
        f"<table><tbody>{summary}</tbody></table>"
        '<table><thead><tr><th>Photo</th><th>File</th><th>Label</th><th class="n">Confidence</th>'
        f"<th>State</th></tr></thead><tbody>{photos}</tbody></table></body></html>"
    )


def _row(row: Result) -> str:
    image = f'<img src="{data_uri(row.upload.thumbnail)}" alt="">' if row.upload else ""
    confidence = f"{row.prediction.confidence:.1%}" if row.prediction else ""
    label = _label(row.label)
    if row.correction and row.prediction and row.correction != row.prediction.label:
        label = f"{label} (model: {row.prediction.label})"
    state = escape(row.error or row.state.value)
    return (
        f'<tr><td>{image}</td><td class="name">{escape(row.photo.name)}</td>'
        f'<td>{escape(label)}</td><td class="n">{confidence}</td>'
        f'<td class="{_CLASSES.get(row.state, "")}">{state}</td></tr>'
    )


def _label(label: str) -> str:
    return "none of the classes" if label == NO_CLASS else label
