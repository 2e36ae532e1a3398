"""The prediction for one photo: its label, confidence, all classes and timings."""

from collections.abc import Sequence
from html import escape

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from frontend.api.predictions import Prediction, Trust
from frontend.class_cards import ClassCards
from frontend.views.charts import class_bars, describe_class_bars, draw_chart, example_bars
from frontend.views.markup import definitions, format_ms, icon, meter

CHART_KEY = "lc-classes"
ANSWER_ID = "lc-answer"  # target of the bar on phones
_STYLES = {Trust.CONFIDENT: "lc-sure", Trust.LOW: "lc-unsure", Trust.UNKNOWN: "lc-unknown"}
_BADGES = {
    Trust.CONFIDENT: ("check_circle", "Confident"),
    Trust.LOW: ("help", "Low confidence"),
    Trust.UNKNOWN: ("travel_explore", "Not a scene I know"),
}


def draw_prediction(
    place: DeltaGenerator, prediction: Prediction, cards: ClassCards, threshold: float | None
) -> None:
    """Draw the label and its confidence at a place, and a chart of all classes below.

    Args:
        place: where the label goes; it showed the progress before.
        prediction: the prediction.
        cards: icons and descriptions of the classes.
        threshold: confidence from which a prediction is confident, 0 to 1; None if not known.
    """
    place.html(_verdict(prediction, cards, threshold))
    st.html('<h3 class="lc-caption">All classes</h3>')
    draw_chart(
        class_bars(prediction.predictions, prediction.trust, threshold),
        alt=describe_class_bars(prediction.predictions),
        key=CHART_KEY,
    )


def draw_example(classes: Sequence[str]) -> None:
    """Draw a faint chart as an example of a result.

    It also makes the browser load Plotly before the first prediction.
    """
    st.html('<h3 class="lc-caption">Example of a result</h3>')
    draw_chart(example_bars(classes), alt="Example of a result", key=CHART_KEY)


def draw_timings(prediction: Prediction) -> None:
    """Draw timings, model version and request ID."""
    timings_ms = {
        "Decode": prediction.timings_ms.decode,
        "Inference": prediction.timings_ms.inference,
        _round_trip(prediction): prediction.round_trip_ms,
    }
    tiles = {name: format_ms(value) for name, value in timings_ms.items()}
    started = {True: " · cold start", False: " · warm", None: ""}[prediction.cold_start]
    st.html(
        definitions("lc-tiles", tiles, unit="ms")
        + f'<p class="lc-ids">Model <code>{escape(prediction.model_version)}</code> · '
        f"request <code>{escape(prediction.request_id)}</code>{started}</p>"
    )


def jump_bar(text: str, percent: str = "") -> str:
    """Format the bar that phones show at the lower edge; it leads to the result."""
    value = f"<strong>{escape(percent)}</strong>" if percent else ""
    return (
        f'<a class="lc-jump" href="#{ANSWER_ID}" target="_self"><span>{escape(text)}</span>{value}'
        f"{icon('expand_more')}</a>"
    )


def heading(prediction: Prediction) -> str:
    """Return the result in a few words: the label, or that the scene is not known."""
    if prediction.trust is Trust.UNKNOWN:
        return _BADGES[Trust.UNKNOWN][1]
    return f"Perhaps {prediction.label}" if prediction.trust is Trust.LOW else prediction.label


def _round_trip(prediction: Prediction) -> str:
    count = prediction.request_pictures
    return f"Round trip of {count} photos" if count > 1 else "Round trip"


def _verdict(prediction: Prediction, cards: ClassCards, threshold: float | None) -> str:
    card, trust = cards[prediction.label], prediction.trust
    symbol, badge = _BADGES[trust]
    name, texts = escape(prediction.label), [card.description] if card.description else []
    if trust is Trust.LOW:
        name = f"<small>Perhaps </small>{name}"
        texts.append(_guess(prediction, threshold))
    elif trust is Trust.UNKNOWN:
        name = "Not a scene I know"
        texts = [
            "This photo does not resemble the photos that the model was trained on. The closest "
            f"class is “{prediction.label}”, but do not rely on it."
        ]
    emblem = icon("travel_explore" if trust is Trust.UNKNOWN else card.icon)
    label = f'<span class="lc-badge">{icon(symbol)} {badge}</span>'
    return (
        f'<section class="lc-verdict {_STYLES[trust]}" id="{ANSWER_ID}" role="status">'
        f'<div class="lc-emblem">{emblem}</div>'
        f'<div class="lc-name">{"" if trust is Trust.UNKNOWN else label}<h2>{name}</h2></div>'
        f'<p class="lc-percent"><strong>{prediction.confidence:.1%}</strong> '
        f"{_confidence_in(prediction)}</p>"
        f'<div class="lc-sureness">{meter(prediction.confidence, threshold)}'
        f"{_threshold_text(threshold)}</div>"
        f"{''.join(f'<p>{escape(text)}</p>' for text in texts)}</section>"
    )


def _confidence_in(prediction: Prediction) -> str:
    known = prediction.trust is not Trust.UNKNOWN
    return "confidence" if known else f"for “{escape(prediction.label)}”"


def _threshold_text(threshold: float | None) -> str:
    if threshold is None:
        return ""
    return f'<p class="lc-soft">The line marks the confidence threshold, {threshold:.1%}.</p>'


def _guess(prediction: Prediction, threshold: float | None) -> str:
    below = (
        f"{prediction.confidence:.1%} is below this model's threshold of {threshold:.1%}. "
        if threshold is not None
        else ""
    )
    return (
        f"Treat this as a guess. {below}The photo may show something outside the model's classes, "
        "or several scenes at once."
    )
