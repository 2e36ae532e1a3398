"""Figures of the page, drawn with Plotly."""

from collections.abc import Sequence

import plotly.graph_objects as go

from frontend.api_answers import ClassConfidence

# Both stand out by 3:1 and more from the light and from the dark background.
WINNER = "#0d9488"
OTHERS = "#7b8aa3"
_BAR_HEIGHT = 42  # pixels
_LABEL_LENGTH = 24  # characters; longer ones would leave no room for the bars on a phone


def class_bars(predictions: Sequence[ClassConfidence]) -> go.Figure:
    """Horizontal bars of all classes, best on top, the winner highlighted.

    The background is clear and the colour of the text is left to the page: it suits light and dark.

    Args:
        predictions: at least one class with its confidence (0 to 1), in any order.
    """
    ranked = sorted(predictions, key=lambda one: one.confidence, reverse=True)
    figure = go.Figure(
        go.Bar(
            x=[one.confidence for one in ranked],
            # Positions, not names: two long labels may be the same once they are cut.
            y=list(range(len(ranked))),
            orientation="h",
            marker_color=[WINNER] + [OTHERS] * (len(ranked) - 1),
            text=[_percent(one.confidence) for one in ranked],
            textposition="outside",
            cliponaxis=False,
            customdata=[one.label for one in ranked],
            hovertemplate="%{customdata}: %{x:.2%}<extra></extra>",
        )
    )
    figure.update_layout(
        height=_BAR_HEIGHT * len(ranked) + 16,
        margin={"l": 6, "r": 56, "t": 8, "b": 8},
        bargap=0.35,
        barcornerradius=6,
        showlegend=False,
        paper_bgcolor="rgba(0,0,0,0)",
        plot_bgcolor="rgba(0,0,0,0)",
        dragmode=False,  # a finger on the chart scrolls the page
    )
    figure.update_xaxes(range=[0, 1], visible=False, fixedrange=True)
    figure.update_yaxes(
        autorange="reversed",
        fixedrange=True,
        showgrid=False,
        tickmode="array",
        tickvals=list(range(len(ranked))),
        ticktext=[_short(one.label) for one in ranked],
        tickfont_size=15,
        ticksuffix="  ",
    )
    return figure


def in_words(predictions: Sequence[ClassConfidence]) -> str:
    """Say the same in one sentence, for those who do not see the figure."""
    ranked = sorted(predictions, key=lambda one: one.confidence, reverse=True)
    return "Confidence: " + ", ".join(f"{one.label} {_percent(one.confidence)}" for one in ranked)


def _percent(share: float) -> str:
    return f"{share:.1%}"


def _short(label: str) -> str:
    return label if len(label) <= _LABEL_LENGTH else f"{label[: _LABEL_LENGTH - 1]}…"
