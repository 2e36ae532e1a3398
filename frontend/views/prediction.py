"""The prediction for one picture: its label, confidence, all classes and timings."""

from html import escape

import streamlit as st

from frontend.api.predictions import Prediction
from frontend.class_cards import ClassCards
from frontend.views.charts import class_bars, describe_class_bars, draw_chart
from frontend.views.markup import definitions, format_ms, icon, meter


def draw_prediction(prediction: Prediction, cards: ClassCards) -> None:
    """Draw the label, its confidence and a chart of all classes."""
    st.html(_verdict(prediction, cards))
    st.html('<h3 class="lc-caption">All classes</h3>')
    draw_chart(
        class_bars(prediction.predictions, confident=prediction.confident),
        alt=describe_class_bars(prediction.predictions),
        key="lc-classes",
    )


def draw_timings(prediction: Prediction) -> None:
    """Draw timings, model version and request ID."""
    timings_ms = {
        "Decode": prediction.timings_ms.decode,
        "Inference": prediction.timings_ms.inference,
        "Round trip": prediction.round_trip_ms,
    }
    tiles = {name: format_ms(value) for name, value in timings_ms.items()}
    st.html(
        definitions("lc-tiles", tiles, unit="ms")
        + f'<p class="lc-ids">Model <code>{escape(prediction.model_version)}</code> · '
        f"request <code>{escape(prediction.request_id)}</code></p>"
    )


def _verdict(prediction: Prediction, cards: ClassCards) -> str:
    card = cards[prediction.label]
    texts = [card.description] if card.description else []
    if prediction.confident:
        style, badge, prefix = "lc-sure", f"{icon('check_circle')} Confident", ""
    else:
        style, badge = "lc-unsure", f"{icon('help')} Low confidence"
        prefix = "<small>Perhaps </small>"
        texts.append(
            "Treat this as a guess: the photo may show something outside the model's classes, or "
            "several scenes at once."
        )
    return (
        f'<section class="lc-verdict {style}" role="status">'
        f'<div class="lc-emblem">{icon(card.icon)}</div>'
        f'<div><span class="lc-badge">{badge}</span>'
        f"<h2>{prefix}{escape(prediction.label)}</h2>"
        f"{''.join(f'<p>{escape(text)}</p>' for text in texts)}</div>"
        f'<div class="lc-sureness">{meter(prediction.confidence)}'
        f"<p><strong>{prediction.confidence:.1%}</strong> confidence</p></div></section>"
    )
