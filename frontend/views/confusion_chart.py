"""The confusion matrix, drawn with Plotly."""

from collections.abc import Sequence

import plotly.graph_objects as go

from frontend.views.charts import PLAIN

_CELL = 58  # pixels
# From almost nothing to the accent, clear at the start: it suits light and dark.
_SCALE = ((0.0, "rgba(13,148,136,0.06)"), (1.0, "rgba(13,148,136,0.85)"))


def confusion_matrix(classes: Sequence[str], confusion: Sequence[Sequence[int]]) -> go.Figure:
    """Pictures by true class (row) and predicted class (column), coloured by their share of a row.

    Args:
        classes: in the order of rows and columns.
        confusion: counts of pictures.
    """
    shares = [[cell / max(sum(row), 1) for cell in row] for row in confusion]
    figure = go.Figure(
        go.Heatmap(
            x=list(classes),
            y=list(classes),
            z=shares,
            text=[[str(cell) if cell else "" for cell in row] for row in confusion],
            texttemplate="%{text}",
            customdata=confusion,
            hovertemplate="%{y} taken for %{x}: %{customdata} (%{z:.1%})<extra></extra>",
            colorscale=_SCALE,
            zmin=0,
            zmax=1,
            xgap=3,
            ygap=3,
            showscale=False,
        )
    )
    figure.update_layout(
        height=_CELL * len(classes) + 90,
        margin={"l": 8, "r": 8, "t": 8, "b": 8},
        **PLAIN,
    )
    figure.update_xaxes(side="bottom", tickangle=-45, fixedrange=True, showgrid=False)
    figure.update_yaxes(autorange="reversed", fixedrange=True, showgrid=False)
    return figure


def in_words(classes: Sequence[str], confusion: Sequence[Sequence[int]]) -> str:
    """Say which confusions are most frequent."""
    mistakes = sorted(
        (
            (count, truth, said)
            for truth, row in zip(classes, confusion, strict=True)
            for said, count in zip(classes, row, strict=True)
            if truth != said and count
        ),
        reverse=True,
    )
    if not mistakes:
        return "Confusion matrix: no picture was taken for another class."
    told = ", ".join(f"{truth} for {said} {count} times" for count, truth, said in mistakes[:3])
    return f"Confusion matrix. Most often taken: {told}."
