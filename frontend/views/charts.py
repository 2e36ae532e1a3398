"""Plotly charts of the page, each with a description for screen readers.

Backgrounds are transparent and the page sets the color of texts, so that a chart suits the light
and the dark theme.
"""

from collections.abc import Sequence

import plotly.graph_objects as go
import streamlit as st

from frontend.api.predictions import ClassConfidence, Prediction, Trust

# The contrast of each to the light and the dark background is at least 3:1.
WINNER = "#0d9488"
OTHERS = "#7b8aa3"
LOW_CONFIDENCE = "#b7791f"
UNKNOWN = "#7c6bb0"
_DECODING = LOW_CONFIDENCE
_BAR_HEIGHT = 42  # pixels
LAYOUT = {
    "paper_bgcolor": "rgba(0,0,0,0)",
    "plot_bgcolor": "rgba(0,0,0,0)",
    "dragmode": False,  # a swipe over the chart scrolls the page
}
_LABEL_LENGTH = 24  # characters; a longer label leaves no room for the bars on a phone


def draw_chart(figure: go.Figure, *, alt: str, key: str) -> None:
    """Draw a chart.

    Args:
        figure: the chart.
        alt: its description for screen readers.
        key: identifies the chart on the page.
    """
    st.plotly_chart(figure, config={"displayModeBar": False}, alt=alt, key=key)


def class_bars(
    predictions: Sequence[ClassConfidence], trust: Trust, threshold: float | None = None
) -> go.Figure:
    """Create horizontal bars for all classes, highest confidence on top and highlighted.

    Args:
        predictions: at least one class with its confidence (0 to 1), in any order.
        trust: sets the color of the highest bar.
        threshold: confidence (0 to 1) from which a prediction is confident, drawn as a line.
    """
    ranked = _ranked(predictions)
    figure = go.Figure(
        go.Bar(
            x=[one.confidence for one in ranked],
            # Positions instead of labels: two long labels may be equal after they are cut.
            y=list(range(len(ranked))),
            orientation="h",
            marker_color=[_TRUST_COLORS[trust]] + [OTHERS] * (len(ranked) - 1),
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
        **LAYOUT,
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
    for place, one in enumerate(ranked):  # beside the bars, so that no line crosses them
        figure.add_annotation(
            x=1, y=place, text=f"{one.confidence:.1%}", xanchor="left", showarrow=False
        )
    if threshold is not None:
        figure.add_vline(threshold, line_width=2, line_dash="dot", line_color=OTHERS)
    return figure


def example_bars(classes: Sequence[str]) -> go.Figure:
    """Create faint bars that show how a result will look."""
    shares = [0.62 * 0.38**place for place in range(len(classes))]
    figure = class_bars(
        [
            ClassConfidence(label=label, confidence=x)
            for label, x in zip(classes, shares, strict=True)
        ],
        Trust.CONFIDENT,
    )
    figure.update_traces(opacity=0.25, hoverinfo="skip", hovertemplate=None)
    figure.layout.annotations = ()
    return figure


def describe_class_bars(predictions: Sequence[ClassConfidence]) -> str:
    """Describe `class_bars` in one sentence."""
    return "Confidence: " + ", ".join(
        f"{one.label} {one.confidence:.1%}" for one in _ranked(predictions)
    )


def latency_bars(predictions: Sequence[Prediction], numbers: Sequence[int]) -> go.Figure:
    """Create a bar for each prediction: its round trip in milliseconds, split into parts.

    Args:
        predictions: at least one, oldest first.
        numbers: the number of each prediction in the session.
    """
    parts = {
        "Decode": (_DECODING, [one.timings_ms.decode for one in predictions]),
        "Inference": (WINNER, [one.timings_ms.inference for one in predictions]),
        "Network and waiting": (OTHERS, [_waiting_ms(one) for one in predictions]),
    }
    figure = go.Figure(
        [
            go.Bar(
                name=name,
                x=list(numbers),
                y=values,
                marker_color=color,
                hovertemplate="%{y:.1f} ms<extra>" + name + "</extra>",
            )
            for name, (color, values) in parts.items()
        ]
    )
    figure.update_layout(
        barmode="stack",
        height=280,
        margin={"l": 8, "r": 8, "t": 8, "b": 8},
        bargap=0.35,
        legend={"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0},
        hovermode="x unified",
        **LAYOUT,
    )
    figure.update_xaxes(
        range=[numbers[0] - 0.6, max(numbers[-1], numbers[0] + 7) + 0.6],
        tickvals=list(numbers[:: 1 + len(numbers) // 20]),
        fixedrange=True,
        showgrid=False,
    )
    figure.update_yaxes(ticksuffix=" ms", fixedrange=True, rangemode="tozero", nticks=5)
    return figure


def describe_latency_bars(predictions: Sequence[Prediction]) -> str:
    """Describe `latency_bars` in one sentence."""
    trips = sorted(one.round_trip_ms for one in predictions)
    return (
        f"Round trips of {len(trips)} predictions: {trips[0]:.0f} to {trips[-1]:.0f} ms, median "
        f"{trips[len(trips) // 2]:.0f} ms."
    )


_TRUST_COLORS = {
    Trust.CONFIDENT: WINNER,
    Trust.LOW: LOW_CONFIDENCE,
    Trust.UNKNOWN: UNKNOWN,
}


def _ranked(predictions: Sequence[ClassConfidence]) -> list[ClassConfidence]:
    return sorted(predictions, key=lambda one: one.confidence, reverse=True)


def _waiting_ms(prediction: Prediction) -> float:
    spent_ms = prediction.timings_ms.decode + prediction.timings_ms.inference
    return max(prediction.round_trip_ms - spent_ms, 0.0)  # the rest of a batch included


def _short(label: str) -> str:
    return label if len(label) <= _LABEL_LENGTH else f"{label[: _LABEL_LENGTH - 1]}…"
