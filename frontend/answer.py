"""The answer to one picture: asked for once, drawn on every rerun."""

from html import escape

import streamlit as st

from frontend.api_answers import Prediction
from frontend.api_client import ApiClient
from frontend.api_errors import ApiError, PictureRefused
from frontend.charts import class_bars, in_words
from frontend.images import Upload

_ANSWERS = "answers"


def ask(client: ApiClient, upload: Upload) -> Prediction | ApiError:
    """Classify a picture, once a session: a rerun of the page finds the answer it had.

    A refusal of the picture is kept too. Any other error is not: the next rerun tries again.
    """
    answers: dict[str, Prediction | ApiError] = st.session_state.setdefault(_ANSWERS, {})
    if upload.digest in answers:
        return answers[upload.digest]
    try:
        with st.spinner("Looking at the picture …"):
            answer: Prediction | ApiError = client.predict(upload.content, upload.filename)
    except PictureRefused as error:
        answer = error
    except ApiError as error:
        return error
    answers[upload.digest] = answer
    return answer


def show(prediction: Prediction) -> None:
    """Draw label, confidence, chart of all classes, timings and ids."""
    st.html(_verdict(prediction))
    st.html('<h3 class="lc-caption">All classes</h3>')
    st.plotly_chart(
        class_bars(prediction.predictions),
        config={"displayModeBar": False},
        alt=in_words(prediction.predictions),
    )
    st.html(_timings(prediction))


def _verdict(prediction: Prediction) -> str:
    label = escape(prediction.label)
    percent = f"{prediction.confidence:.1%}"
    if prediction.confident:
        state, word, text = "lc-sure", "Confident", ""
    else:
        state, word = "lc-unsure", "Not sure"
        text = "<p>Take this for a guess: the picture may show something the model does not know, "
        text += "or several things at once.</p>"
    return (
        f'<section class="lc-verdict {state}" role="status">'
        f'<span class="lc-badge">{word}</span>'
        f"<h2><small>{'' if prediction.confident else 'Perhaps '}</small>{label}</h2>"
        f'<div class="lc-meter" aria-hidden="true"><span style="width:{percent}"></span></div>'
        f"<p><strong>{percent}</strong> confidence</p>{text}</section>"
    )


def _timings(prediction: Prediction) -> str:
    spent = (
        ("Decode", prediction.timings_ms.decode),
        ("Inference", prediction.timings_ms.inference),
        ("Round trip", prediction.round_trip_ms),
    )
    tiles = "".join(
        f"<div><dt>{name}</dt><dd>{ms:.{0 if ms >= 100 else 1}f} <small>ms</small></dd></div>"
        for name, ms in spent
    )
    return (
        f'<dl class="lc-tiles">{tiles}</dl>'
        f'<p class="lc-ids">Model <code>{escape(prediction.model_version)}</code> · '
        f"request <code>{escape(prediction.request_id)}</code></p>"
    )
