"""The "The model" tab: metrics, confusion matrix and facts of the served model."""

from html import escape

import streamlit as st

from frontend.api.client import ApiClient
from frontend.api.errors import ApiError
from frontend.api.manifest import Manifest
from frontend.class_cards import ClassCards
from frontend.page_context import PageContext
from frontend.views.charts import confusion_matrix, describe_confusion_matrix, draw_chart
from frontend.views.markup import definitions, icon, meter, number_cell, table
from frontend.views.notices import draw_error

_QUANTIZATION = {
    "float32": "none (float32)",
    "float16": "weights as float16",
    "dynamic": "weights as 8-bit integers (dynamic)",
    "int8": "weights and activations as 8-bit integers (int8)",
    "int16x8": "weights as 8-bit, activations as 16-bit integers (int16x8)",
}
_FRESH_S = 300  # the manifest changes only with the model's version


@st.cache_data(
    scope="session",
    max_entries=1,
    ttl=_FRESH_S,
    show_spinner=False,
    hash_funcs={ApiClient: id},
)
def _manifest(client: ApiClient) -> Manifest:
    return client.model()


def draw_model(page: PageContext) -> None:
    """Draw the tab."""
    try:
        with st.spinner("Loading the model's metrics …"):
            manifest = _manifest(page.client)
    except ApiError as error:
        draw_error(error, on_retry=page.watch.expire, key="lc-retry-model")
        return
    with st.container(key="lc-model"):
        st.html(_headline(manifest))
    left, right = st.columns([3, 2], gap="medium")
    with left:
        with st.container(key="lc-per-class"):
            st.html(_per_class(manifest, page.cards))
        with st.container(key="lc-about"):
            facts = definitions("lc-facts", _facts(manifest))
            st.html(f'<h2 class="lc-title">About the model</h2>{facts}')
    with right, st.container(key="lc-confusion"):
        _draw_confusion(manifest)


def _draw_confusion(manifest: Manifest) -> None:
    st.html('<h2 class="lc-title">Confusion matrix</h2>')
    counts = manifest.evaluation.bundle.confusion
    draw_chart(
        confusion_matrix(manifest.classes, counts),
        alt=describe_confusion_matrix(manifest.classes, counts),
        key="lc-confusion-chart",
    )
    st.html(
        '<p class="lc-soft">Rows: true class. Columns: predicted class. Cells: number of '
        "photos.</p>"
    )


def _headline(manifest: Manifest) -> str:
    evaluation = manifest.evaluation
    tiles = {
        "Accuracy": f"{evaluation.bundle.accuracy:.1%}",
        "Macro F1": f"{evaluation.bundle.macro_f1:.1%}",
        "Calibration error": f"{evaluation.bundle.calibration_error:.1%}",
        "Confidence threshold": f"{manifest.confidence_threshold:.0%}",
    }
    return (
        f'<h2 class="lc-title">{escape(manifest.name)}</h2>'
        f'<p class="lc-soft">Measured on {evaluation.count:,} {evaluation.pictures} photos, which '
        "were not used for training.</p>" + definitions("lc-tiles", tiles)
    )


def _per_class(manifest: Manifest, cards: ClassCards) -> str:
    rows = (
        f'<tr><th scope="row">{icon(cards[label].icon)} {escape(label)}</th>'
        + "".join(
            number_cell(f"{share:.1%}", meter(share))
            for share in (metrics.precision, metrics.recall, metrics.f1)
        )
        + f"{number_cell(str(metrics.support))}</tr>"
        for label in manifest.classes
        if (metrics := manifest.evaluation.bundle.per_class.get(label))
    )
    title, numbers = "Per-class results", ("Precision", "Recall", "F1", "Photos")
    return f'<h2 class="lc-title">{title}</h2>' + table(
        title, ("Class", *numbers), rows, numbers=frozenset(numbers)
    )


def _facts(manifest: Manifest) -> dict[str, str]:
    data = manifest.dataset
    return {
        "Version": manifest.version,
        "Network": manifest.architecture,
        "Input": f"{manifest.input.width} × {manifest.input.height} pixels",
        "Quantization": _QUANTIZATION.get(manifest.quantization, manifest.quantization),
        "File size": f"{manifest.model.bytes / 1e6:.1f} MB",
        "Trained": f"{manifest.created:%d %B %Y}",
        "Data": f"{data.name}: {data.train:,} training, {data.validation:,} validation and "
        f"{data.test:,} test photos",
        "Temperature": f"{manifest.temperature:g}",
    }
