"""Figures of the page, drawn with Plotly.

Backgrounds are clear and the colour of text is left to the page: they suit light and dark.
"""

from collections.abc import Sequence

import plotly.graph_objects as go

from frontend.api.predictions import ClassConfidence, Prediction

# Each stands out by 3:1 and more from the light and from the dark background.
WINNER = "#0d9488"
OTHERS = "#7b8aa3"
UNSURE = "#b7791f"
DECODING = UNSURE
_BAR_HEIGHT = 42  # pixels
PLAIN = {
    "paper_bgcolor": "rgba(0,0,0,0)",
    "plot_bgcolor": "rgba(0,0,0,0)",
    "dragmode": False,  # a finger on the chart scrolls the page
}
_LABEL_LENGTH = 24  # characters; longer ones would leave no room for the bars on a phone


def class_bars(predictions: Sequence[ClassConfidence], *, confident: bool) -> go.Figure:
    """Horizontal bars of all classes, best on top, the winner highlighted.

    Args:
        predictions: at least one class with its confidence (0 to 1), in any order.
        confident: whether the winner is above the model's threshold.
    """
    ranked = sorted(predictions, key=lambda one: one.confidence, reverse=True)
    figure = go.Figure(
        go.Bar(
            x=[one.confidence for one in ranked],
            # Positions, not names: two long labels may be the same once they are cut.
            y=list(range(len(ranked))),
            orientation="h",
            marker_color=[WINNER if confident else UNSURE] + [OTHERS] * (len(ranked) - 1),
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
        **PLAIN,
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


def latency_bars(answers: Sequence[Prediction]) -> go.Figure:
    """A bar for each answer, oldest first: where its round trip went, in milliseconds."""
    parts = {
        "Decode": (DECODING, [one.timings_ms.decode for one in answers]),
        "Inference": (WINNER, [one.timings_ms.inference for one in answers]),
        "Network and waiting": (OTHERS, [_waiting_ms(one) for one in answers]),
    }
    figure = go.Figure(
        [
            go.Bar(
                name=name,
                x=list(range(1, len(answers) + 1)),
                y=values,
                marker_color=colour,
                hovertemplate="%{y:.1f} ms<extra>" + name + "</extra>",
            )
            for name, (colour, values) in parts.items()
        ]
    )
    figure.update_layout(
        barmode="stack",
        height=280,
        margin={"l": 8, "r": 8, "t": 8, "b": 8},
        bargap=0.35,
        legend={"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0},
        hovermode="x unified",
        **PLAIN,
    )
    figure.update_xaxes(
        range=[0.4, max(len(answers), 8) + 0.6],
        tickvals=list(range(1, len(answers) + 1, 1 + len(answers) // 20)),
        fixedrange=True,
        showgrid=False,
    )
    figure.update_yaxes(ticksuffix=" ms", fixedrange=True, rangemode="tozero", nticks=5)
    return figure


def latency_in_words(answers: Sequence[Prediction]) -> str:
    """Say the same in one sentence."""
    trips = sorted(one.round_trip_ms for one in answers)
    return (
        f"Round trips of {len(trips)} answers: {trips[0]:.0f} to {trips[-1]:.0f} ms, the middle "
        f"one {trips[len(trips) // 2]:.0f} ms."
    )


def _waiting_ms(answer: Prediction) -> float:
    spent = answer.timings_ms.decode + answer.timings_ms.inference
    return max(answer.round_trip_ms - spent, 0.0)  # several at once are decoded side by side


def _percent(share: float) -> str:
    return f"{share:.1%}"


def _short(label: str) -> str:
    return label if len(label) <= _LABEL_LENGTH else f"{label[: _LABEL_LENGTH - 1]}…"
