"""Quality of the model on its validation pictures: reliability, coverage, and its mistakes."""

from collections.abc import Sequence
from html import escape

import streamlit as st

from frontend.api.manifest import CoveragePoint, Manifest, Mistake, Validation
from frontend.views.charts import draw_chart
from frontend.views.quality_charts import (
    confusion_matrix,
    coverage_curve,
    describe_confusion_matrix,
    describe_reliability,
    reliability_diagram,
)

_CONFUSION_KEY = "lc-confusion-chart"


def draw_reliability(validation: Validation) -> None:
    """Draw the reliability diagram."""
    st.html(
        '<h2 class="lc-title">Reliability</h2><p class="lc-soft">Of the photos with a confidence '
        "of 90%, 90% should be right. Dots on the dotted line are reliable; below it, the model is "
        f"too confident. Measured on {validation.pictures:,} validation photos.</p>"
    )
    draw_chart(
        reliability_diagram(validation.reliability),
        alt=describe_reliability(validation.reliability),
        key="lc-reliability-chart",
    )


@st.fragment
def draw_coverage(validation: Validation, threshold: float) -> None:
    """Draw a slider for the threshold, and what it means for the work by hand.

    Args:
        validation: has the curve.
        threshold: the model's own threshold, where the slider starts.
    """
    st.html(
        '<h2 class="lc-title">How much to check by hand</h2><p class="lc-soft">Answer only above '
        "a confidence; a person checks the rest.</p>"
    )
    percent = st.slider(
        "Answer only above (% confidence)",
        0.0,
        100.0,
        round(threshold * 100, 1),
        0.5,
        format="%.1f",
        key="lc-coverage",
    )
    point = point_at(validation.coverage, percent / 100)
    st.html(
        f'<p class="lc-finding" role="status"><strong>{point.coverage:.1%}</strong> answered, '
        f"<strong>{point.accuracy:.1%}</strong> of them right. Of 1,000 photos, "
        f"<strong>{round(1000 * (1 - point.coverage))}</strong> are left to check, and about "
        f"<strong>{round(1000 * point.coverage * (1 - point.accuracy))}</strong> of the answers "
        "are wrong.</p>"
    )
    draw_chart(
        coverage_curve(validation.coverage, point),
        alt=f"Accuracy by coverage, with the chosen threshold at {point.coverage:.0%} coverage",
        key="lc-coverage-chart",
    )


def point_at(points: Sequence[CoveragePoint], threshold: float) -> CoveragePoint:
    """Return the point with the lowest threshold that is at least `threshold`.

    Above the highest threshold, no photo is answered.
    """
    reached = [point for point in points if point.threshold >= threshold]
    if not reached:
        return CoveragePoint(threshold=threshold, coverage=0.0, accuracy=1.0)
    return min(reached, key=lambda point: point.threshold)


def draw_confusion(manifest: Manifest) -> None:
    """Draw the confusion matrix. Its cells open mistakes if the bundle has pictures of them."""
    st.html('<h2 class="lc-title">Confusion matrix</h2>')
    counts = manifest.evaluation.bundle.confusion
    mistakes = _with_pictures(manifest)
    pairs = sorted({(one.label, one.predicted) for one in mistakes})
    figure = confusion_matrix(manifest.classes, counts, pairs)
    alt = describe_confusion_matrix(manifest.classes, counts)
    note = "Rows: true class. Columns: predicted class. Cells: number of photos."
    if not pairs:
        draw_chart(figure, alt=alt, key=_CONFUSION_KEY)
        st.html(f'<p class="lc-soft">{note}</p>')
        return
    _draw_selectable(figure, alt, note, mistakes, pairs)


@st.fragment
def _draw_selectable(
    figure: object,
    alt: str,
    note: str,
    mistakes: Sequence[Mistake],
    pairs: Sequence[tuple[str, str]],
) -> None:
    def take_over() -> None:
        points = st.session_state[_CONFUSION_KEY]["selection"]["points"]
        if points:
            st.session_state["lc-mistakes"] = _cell(points[0]["y"], points[0]["x"])

    st.plotly_chart(
        figure,
        config={"displayModeBar": False},
        alt=alt,
        key=_CONFUSION_KEY,
        on_select=take_over,
        selection_mode="points",
    )
    st.html(f'<p class="lc-soft">{note} Framed cells show validation photos.</p>')
    cell = st.selectbox(
        "Show mistakes",
        [_cell(*pair) for pair in pairs],
        index=None,
        placeholder="Choose a cell",
        key="lc-mistakes",
    )
    if cell:
        shown = [one for one in mistakes if _cell(one.label, one.predicted) == cell]
        st.html(f'<ul class="lc-thumbnails">{"".join(map(_thumbnail, shown))}</ul>')


def _cell(true: str, predicted: str) -> str:
    return f"{true} classified as {predicted}"


def _with_pictures(manifest: Manifest) -> list[Mistake]:
    mistakes = manifest.validation.mistakes if manifest.validation else ()
    return [one for one in mistakes if one.thumbnail]


def _thumbnail(mistake: Mistake) -> str:
    text = f"{mistake.file}, {mistake.confidence:.0%} {mistake.predicted}"
    return (
        f'<li><img src="data:image/jpeg;base64,{escape(mistake.thumbnail or "")}" '
        f'alt="{escape(text)}"><span>{escape(text)}</span></li>'
    )
