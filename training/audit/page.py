"""Audit page: one HTML file that contains its figures and pictures, readable offline."""

from collections import defaultdict
from io import BytesIO
from pathlib import Path

from matplotlib.figure import Figure
from PIL import Image

from lambda_api import images
from training.audit import duplicates
from training.audit.files import SIDE
from training.audit.findings import Audit, LabelError, Size
from training.report import html_page

THUMBNAIL = 150  # pixels high
WIDEST = 260  # pixels, of a thumbnail
GROUPS = 100  # shown per section; audit.json contains all
MEMBERS = 12  # shown per group
FILES = 200  # listed per section
LABELS = 120  # likely label errors shown


def render(audit: Audit, data: Path) -> str:
    """Render the page as HTML.

    Args:
        audit: the audit of `data`.
        data: the data set's folder, for the thumbnails.
    """
    return html_page.render(
        Path(__file__).with_name("page.html.jinja"),
        audit=audit,
        excluded={Path(audit.roots[e.part], e.path).as_posix() for e in audit.exclude},
        leaking=[group for group in audit.groups if group.leaks],
        contradicting=[group for group in audit.groups if group.contradicts],
        copies=[group for group in audit.groups if not group.leaks and not group.contradicts],
        sizes_figure=_draw_sizes(audit.sizes) if len(audit.sizes) > 1 else None,
        thumbnail=lambda name: _thumbnail(data / name),
        doubtful=_by_classes(audit),
        name_of=lambda error: Path(audit.roots["train"], error.path).as_posix(),
        shown={"groups": GROUPS, "members": MEMBERS, "files": FILES, "labels": LABELS},
        duplicates=duplicates,
        side=SIDE,
    )


def _by_classes(audit: Audit) -> list[tuple[str, str, list[LabelError]]]:
    """Given class, suggested class and likely label errors, the most frequent pair first.

    Only the `LABELS` most doubtful labels are included.
    """
    pairs: dict[tuple[str, str], list[LabelError]] = defaultdict(list)
    for error in (audit.label_errors or ())[:LABELS]:
        pairs[error.label, error.suggested].append(error)
    return [
        (*pair, errors) for pair, errors in sorted(pairs.items(), key=lambda item: -len(item[1]))
    ]


def _thumbnail(path: Path) -> dict[str, str | int]:
    """A `data:` URL of the picture, and the size in pixels that restores its aspect ratio."""
    square = images.decode(path.read_bytes(), (THUMBNAIL, THUMBNAIL))
    scale = min(THUMBNAIL / square.height, WIDEST / square.width)
    width, height = (max(round(side * scale), 1) for side in (square.width, square.height))
    buffer = BytesIO()
    Image.fromarray(square.pixels).save(buffer, "JPEG", quality=85)
    return {
        "src": html_page.data_url(buffer.getvalue(), "image/jpeg"),
        "width": width,
        "height": height,
    }


def _draw_sizes(sizes: tuple[Size, ...]) -> str:
    """Plot widths and heights, with marker areas by number of pictures; return a `data:` URL."""
    figure = Figure(figsize=(5, 3.6), layout="constrained")
    axes = figure.subplots()
    widths, heights = [size.width for size in sizes], [size.height for size in sizes]
    most = sizes[0].pictures
    areas = [12 + 300 * size.pictures / most for size in sizes]
    axes.scatter(widths, heights, s=areas, alpha=0.5, color="#2a6f97", linewidths=0)
    axes.set(xlabel="width in pixels", ylabel="height in pixels")
    axes.set(xlim=(0, 1.08 * max(widths)), ylim=(0, 1.08 * max(heights)))
    axes.grid(color="#e5e7eb")
    axes.set_axisbelow(True)
    buffer = BytesIO()
    figure.savefig(buffer, format="png", dpi=110)
    return html_page.data_url(buffer.getvalue(), "image/png")
