"""The answer to one picture."""

from html import escape

import streamlit as st

from frontend.api.predictions import Prediction
from frontend.class_cards import ClassCards
from frontend.views.charts import class_bars, in_words
from frontend.views.markup import icon, milliseconds


def show(prediction: Prediction, cards: ClassCards) -> None:
    """Draw label, confidence and the chart of all classes."""
    st.html(_verdict(prediction, cards))
    st.html('<h3 class="lc-caption">All classes</h3>')
    st.plotly_chart(
        class_bars(prediction.predictions, confident=prediction.confident),
        config={"displayModeBar": False},
        alt=in_words(prediction.predictions),
        key="lc-classes",
    )


def show_measured(prediction: Prediction) -> None:
    """Draw timings and ids."""
    st.html(_timings(prediction))


def _verdict(prediction: Prediction, cards: ClassCards) -> str:
    card = cards[prediction.label]
    percent = f"{prediction.confidence:.1%}"
    texts = [card.description] if card.description else []
    if prediction.confident:
        state, word, perhaps = "lc-sure", f"{icon('check_circle')} Confident", ""
    else:
        state, word = "lc-unsure", f"{icon('help')} Not sure"
        perhaps = "<small>Perhaps </small>"
        texts.append(
            "Take this for a guess: the picture may show something the model does not know, or "
            "several things at once."
        )
    return (
        f'<section class="lc-verdict {state}" role="status">'
        f'<div class="lc-emblem">{icon(card.icon)}</div>'
        f'<div><span class="lc-badge">{word}</span>'
        f"<h2>{perhaps}{escape(prediction.label)}</h2>"
        f"{''.join(f'<p>{escape(text)}</p>' for text in texts)}</div>"
        f'<div class="lc-sureness"><div class="lc-meter" aria-hidden="true">'
        f'<span style="width:{percent}"></span></div>'
        f"<p><strong>{percent}</strong> confidence</p></div></section>"
    )


def _timings(prediction: Prediction) -> str:
    spent = (
        ("Decode", prediction.timings_ms.decode),
        ("Inference", prediction.timings_ms.inference),
        ("Round trip", prediction.round_trip_ms),
    )
    tiles = "".join(
        f"<div><dt>{name}</dt><dd>{milliseconds(ms)} <small>ms</small></dd></div>"
        for name, ms in spent
    )
    return (
        f'<dl class="lc-tiles">{tiles}</dl>'
        f'<p class="lc-ids">Model <code>{escape(prediction.model_version)}</code> · '
        f"request <code>{escape(prediction.request_id)}</code></p>"
    )
