"""The "The model" tab: metrics, confusion matrix and facts of the served model."""

from html import escape

import streamlit as st

from frontend.api.manifest import Manifest
from frontend.class_cards import ClassCards
from frontend.page_context import PageContext
from frontend.views.markup import definitions, empty_state, icon, meter, number_cell, table
from frontend.views.model_quality import draw_confusion, draw_coverage, draw_reliability
from frontend.views.notices import draw_error

_QUANTIZATION = {
    "float32": "none (float32)",
    "float16": "weights as float16",
    "dynamic": "weights as 8-bit integers (dynamic)",
    "int8": "weights and activations as 8-bit integers (int8)",
    "int16x8": "weights as 8-bit, activations as 16-bit integers (int16x8)",
}


def draw_model(page: PageContext) -> None:
    """Draw the tab."""
    manifest = page.model
    if not isinstance(manifest, Manifest):
        if manifest is None:
            st.html(empty_state("hourglass_empty", "Loading the model's metrics …"))
        else:
            draw_error(manifest, on_retry=page.check_again, key="lc-retry-model")
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
        draw_confusion(manifest)
    validation = manifest.validation
    if validation and validation.reliability and validation.coverage:
        left, right = st.columns(2, gap="medium")
        with left, st.container(key="lc-reliability"):
            draw_reliability(validation)
        with right, st.container(key="lc-coverage-card"):
            draw_coverage(validation, manifest.confidence_threshold)
    with st.container(key="lc-scope"):
        st.html(_scope(manifest))


def _scope(manifest: Manifest) -> str:
    classes = ", ".join(manifest.classes)
    if manifest.known:
        text = (
            "A detector marks photos that are unlike the training photos as “Not a scene I know”. "
            f"It accepts {manifest.known.acceptance:.0%} of the validation photos. It can miss "
            "unknown photos."
        )
    else:
        text = (
            "This model has no detector of unknown photos: it can be confident about a photo that "
            "shows none of its classes."
        )
    return (
        '<h2 class="lc-title">Out of scope</h2><p class="lc-intro">The model always predicts one '
        f"of {len(manifest.classes)} classes: {escape(classes)}. Portraits, animals, objects, "
        f"drawings and texts are out of scope. {text}</p>"
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
