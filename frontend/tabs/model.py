"""What is known of the model that serves."""

from collections.abc import Callable
from html import escape

import streamlit as st

from frontend.api.client import ApiClient
from frontend.api.errors import ApiError
from frontend.api.manifest import Manifest
from frontend.class_cards import ClassCards
from frontend.views import confusion_chart as chart_confusion
from frontend.views import notices
from frontend.views.markup import facts, icon

_NUMBERS = {  # the bundle's quantisation, in words
    "float32": "32-bit floating point (float32)",
    "float16": "floating point, stored in 16 bits (float16)",
    "dynamic": "floating point, stored in 8 bits (dynamic)",
    "int8": "8-bit integers (int8)",
    "int16x8": "16-bit and 8-bit integers (int16x8)",
}
_FRESH_S = 300  # a model's version stands in each answer; its figures change with it only


@st.cache_data(
    scope="session",
    max_entries=1,
    ttl=_FRESH_S,
    show_spinner=False,
    hash_funcs={ApiClient: id},
)
def _manifest(client: ApiClient) -> Manifest:
    return client.model()


def show(client: ApiClient, cards: ClassCards, on_retry: Callable[[], None]) -> None:
    """Draw the model's figures: as a whole, of each class, and what it takes for what."""
    try:
        with st.spinner("Asking for the model …"):
            manifest = _manifest(client)
    except ApiError as error:
        notices.show(error, on_retry=on_retry, key="lc-retry-model")
        return
    with st.container(key="lc-model"):
        st.html(_headline(manifest))
    left, right = st.columns([3, 2], gap="medium")
    with left:
        with st.container(key="lc-per-class"):
            st.html(_per_class(manifest, cards))
        with st.container(key="lc-about"):
            st.html('<h2 class="lc-title">About the model</h2>' + facts(_about(manifest)))
    with right, st.container(key="lc-confusion"):
        st.html('<h2 class="lc-title">What it takes for what</h2>')
        metrics = manifest.evaluation.bundle
        st.plotly_chart(
            chart_confusion.confusion_matrix(manifest.classes, metrics.confusion),
            config={"displayModeBar": False},
            alt=chart_confusion.in_words(manifest.classes, metrics.confusion),
            key="lc-confusion-chart",
        )
        st.html(
            '<p class="lc-soft">Rows: what the picture shows. Columns: what the model says. The '
            "numbers count pictures.</p>"
        )


def _headline(manifest: Manifest) -> str:
    measured = manifest.evaluation
    tiles = {
        "Accuracy": f"{measured.bundle.accuracy:.1%}",
        "Macro F1": f"{measured.bundle.macro_f1:.1%}",
        "Calibration error": f"{measured.bundle.calibration_error:.1%}",
        "Confident from": f"{manifest.confidence_threshold:.0%}",
    }
    drawn = "".join(f"<div><dt>{k}</dt><dd>{v}</dd></div>" for k, v in tiles.items())
    return (
        f'<h2 class="lc-title">{escape(manifest.name)}</h2>'
        f'<p class="lc-soft">Measured on {measured.count:,} {measured.pictures} pictures that it '
        f'was not trained on.</p><dl class="lc-tiles">{drawn}</dl>'
    )


def _per_class(manifest: Manifest, cards: ClassCards) -> str:
    rows = "".join(
        f'<tr><th scope="row">{icon(cards[label].icon)} {escape(label)}</th>'
        + "".join(
            f'<td class="lc-number">{share:.1%}<div class="lc-meter" aria-hidden="true">'
            f'<span style="width:{share:.1%}"></span></div></td>'
            for share in (one.precision, one.recall, one.f1)
        )
        + f'<td class="lc-number">{one.support}</td></tr>'
        for label in manifest.classes
        if (one := manifest.evaluation.bundle.per_class.get(label))
    )
    return (
        '<h2 class="lc-title">Each class</h2>'
        '<div class="lc-scroll" tabindex="0" role="region" aria-label="Figures of each class">'
        '<table class="lc-table"><thead><tr><th scope="col">Class</th>'
        '<th scope="col" class="lc-number">Precision</th>'
        '<th scope="col" class="lc-number">Recall</th><th scope="col" class="lc-number">F1</th>'
        f'<th scope="col" class="lc-number">Pictures</th></tr></thead><tbody>{rows}</tbody></table>'
        "</div>"
    )


def _about(manifest: Manifest) -> dict[str, str]:
    data = manifest.dataset
    return {
        "Version": manifest.version,
        "Network": manifest.architecture,
        "Input": f"{manifest.input.width} × {manifest.input.height} pixels",
        "Calculates in": _NUMBERS.get(manifest.quantization, manifest.quantization),
        "File": f"{manifest.model.bytes / 1e6:.1f} MB",
        "Trained": f"{manifest.created:%d %B %Y}",
        "Pictures": f"{data.name}: {data.train:,} to train, {data.validation:,} to validate, "
        f"{data.test:,} to test",
        "Temperature": f"{manifest.temperature:g}",
    }
