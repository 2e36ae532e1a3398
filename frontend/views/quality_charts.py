"""Charts of a model's quality: confusion matrix, reliability diagram, coverage and accuracy."""

from collections.abc import Sequence

import plotly.graph_objects as go

from frontend.api.manifest import CoveragePoint, ReliabilityBin
from frontend.views.charts import LAYOUT, LOW_CONFIDENCE, OTHERS, WINNER

_CELL_SIDE = 58  # pixels
_CURVE_HEIGHT = 300  # pixels
# From transparent to the accent color.
_SHARE_COLORS = ((0.0, "rgba(13,148,136,0.06)"), (1.0, "rgba(13,148,136,0.85)"))


def confusion_matrix(
    classes: Sequence[str],
    confusion: Sequence[Sequence[int]],
    pairs: Sequence[tuple[str, str]] = (),
) -> go.Figure:
    """Create a confusion matrix: true class by row, predicted class by column.

    Args:
        classes: labels in the order of rows and columns.
        confusion: number of pictures; a cell's color is its share of the row.
        pairs: true and predicted class of the cells that can be selected.
    """
    shares = [[cell / max(sum(row), 1) for cell in row] for row in confusion]
    figure = go.Figure(
        go.Heatmap(
            x=list(classes),
            y=list(classes),
            z=shares,
            text=[[str(cell) if cell else "" for cell in row] for row in confusion],
            texttemplate="%{text}",
            customdata=[
                [_cell_text(classes, row, true, place) for place in range(len(classes))]
                for true, row in enumerate(confusion)
            ],
            hovertemplate="%{customdata}<extra></extra>",
            colorscale=_SHARE_COLORS,
            zmin=0,
            zmax=1,
            xgap=3,
            ygap=3,
            showscale=False,
        )
    )
    if pairs:  # a heat map has no selectable points
        figure.add_trace(
            go.Scatter(
                x=[predicted for _, predicted in pairs],
                y=[true for true, _ in pairs],
                mode="markers",
                marker={
                    "size": _CELL_SIDE - 14,
                    "symbol": "square",
                    "color": "rgba(0,0,0,0)",
                    "line": {"color": LOW_CONFIDENCE, "width": 2},
                },
                hovertemplate="%{y} classified as %{x}: show photos<extra></extra>",
            )
        )
    figure.update_layout(
        showlegend=False,
        height=_CELL_SIDE * len(classes) + 90,
        margin={"l": 8, "r": 8, "t": 8, "b": 8},
        **LAYOUT,
    )
    figure.update_xaxes(side="bottom", tickangle=-45, fixedrange=True, showgrid=False)
    figure.update_yaxes(autorange="reversed", fixedrange=True, showgrid=False)
    return figure


def _cell_text(classes: Sequence[str], row: Sequence[int], true: int, predicted: int) -> str:
    total = sum(row)
    share = f"{row[predicted]} of {total} {classes[true]} photos"
    percent = f"({row[predicted] / max(total, 1):.1%})"
    if true == predicted:
        return f"{share} recognized {percent}"
    return f"{share} classified as {classes[predicted]} {percent}"


def describe_confusion_matrix(classes: Sequence[str], confusion: Sequence[Sequence[int]]) -> str:
    """Name the three most frequent errors of `confusion_matrix`."""
    errors = sorted(
        (
            (count, true, predicted)
            for true, row in zip(classes, confusion, strict=True)
            for predicted, count in zip(classes, row, strict=True)
            if true != predicted and count
        ),
        reverse=True,
    )
    if not errors:
        return "Confusion matrix without errors."
    listed = ", ".join(
        f"{true} classified as {predicted} ({count})" for count, true, predicted in errors[:3]
    )
    return f"Confusion matrix. Most frequent errors: {listed}."


def reliability_diagram(bins: Sequence[ReliabilityBin]) -> go.Figure:
    """Create a reliability diagram: accuracy by confidence. The size of a dot is its pictures."""
    most = max(one.pictures for one in bins)
    figure = go.Figure(
        [
            go.Scatter(
                x=[0, 1], y=[0, 1], mode="lines", line={"color": OTHERS, "dash": "dot"},
                hoverinfo="skip",
            ),
            go.Scatter(
                x=[one.confidence for one in bins],
                y=[one.accuracy for one in bins],
                mode="lines+markers",
                line={"color": WINNER},
                marker={"size": [8 + 16 * (one.pictures / most) ** 0.5 for one in bins]},
                customdata=[one.pictures for one in bins],
                hovertemplate="Confidence %{x:.1%}: %{y:.1%} right, %{customdata} photos"
                "<extra></extra>",
            ),
        ]
    )  # fmt: skip
    low = min(min(one.confidence, one.accuracy) for one in bins)
    _shape_curve(figure, "Confidence", "Share right", (max(0.0, low - 0.05), 1.03))
    figure.update_yaxes(range=[max(0.0, low - 0.05), 1.03])
    return figure


def describe_reliability(bins: Sequence[ReliabilityBin]) -> str:
    """Describe `reliability_diagram` by the bin in which confidence and accuracy differ most."""
    worst = max(bins, key=lambda one: abs(one.confidence - one.accuracy))
    return (
        f"Reliability diagram of {len(bins)} bins. The largest difference: at a confidence of "
        f"{worst.confidence:.0%}, {worst.accuracy:.0%} of {worst.pictures} photos are right."
    )


def coverage_curve(points: Sequence[CoveragePoint], chosen: CoveragePoint) -> go.Figure:
    """Create a curve of accuracy by coverage, with a dot at the chosen threshold."""
    figure = go.Figure(
        [
            go.Scatter(
                x=[one.coverage for one in points],
                y=[one.accuracy for one in points],
                mode="lines",
                line={"color": WINNER},
                customdata=[one.threshold for one in points],
                hovertemplate="Above %{customdata:.0%}: %{x:.1%} answered, %{y:.1%} right"
                "<extra></extra>",
            ),
            go.Scatter(
                x=[chosen.coverage],
                y=[chosen.accuracy],
                mode="markers",
                marker={"size": 15, "color": LOW_CONFIDENCE},
                hoverinfo="skip",
            ),
        ]
    )
    _shape_curve(figure, "Share of photos answered", "Share right", (0.0, 1.03))
    return figure


def _shape_curve(figure: go.Figure, x: str, y: str, x_range: tuple[float, float]) -> None:
    figure.update_layout(
        height=_CURVE_HEIGHT,
        margin={"l": 8, "r": 8, "t": 8, "b": 8},
        showlegend=False,
        **LAYOUT,
    )
    figure.update_xaxes(title=x, tickformat=".0%", range=list(x_range), fixedrange=True)
    figure.update_yaxes(title=y, tickformat=".0%", fixedrange=True)
