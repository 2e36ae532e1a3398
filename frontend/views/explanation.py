"""The explanation of a prediction: an occlusion map, requested after a click."""

from html import escape

import streamlit as st

from frontend.api.errors import ApiError
from frontend.api.predictions import OcclusionMap
from frontend.images import Upload
from frontend.page_context import PageContext
from frontend.session import current_session
from frontend.views import heatmap
from frontend.views.notices import draw_error

_RETRY_KEY = "lc-retry-explain"  # in the session state, true during the run after its click


@st.fragment
def draw_explanation(page: PageContext, upload: Upload, model_version: str) -> None:
    """Draw a button, and after a click on it the heat map.

    Args:
        page: the page's context.
        upload: the picture as the API accepted it.
        model_version: version of the model that made the prediction.
    """
    explanations = current_session().explanations
    key = (upload.digest, model_version)
    explanation = explanations.get(key)
    place = st.empty()
    if explanation is None:
        clicked = place.button(
            "Explain this prediction",
            icon=":material/visibility:",
            key="lc-explain",
            type="primary",
            width="stretch",
        )
        if not clicked and not st.session_state.get(_RETRY_KEY):
            return
        try:
            with place, st.spinner("Hiding one tile of the photo after another …"):
                explanation = page.client.explain(upload.content, upload.filename).explanation
        except ApiError as error:
            draw_error(error, on_retry=page.watch.expire, key=_RETRY_KEY)
            return
        explanations[key] = explanation
    with place.container():
        _draw_heatmap(upload, explanation)


def _draw_heatmap(upload: Upload, explanation: OcclusionMap) -> None:
    st.html('<h3 class="lc-caption">Why this prediction?</h3>')
    place = st.empty()
    percent = st.slider("Overlay strength (%)", 0, 100, 65, 5, key="lc-opacity")
    description = heatmap.describe(explanation.drops, explanation.label)
    place.image(
        heatmap.blend(upload.preview, explanation.drops, percent / 100),
        alt=f"The photo with a heat map. {description}",
        width="stretch",
    )
    label, grid = escape(explanation.label), explanation.grid
    st.html(
        f'<p class="lc-legend"><span>supports “{label}”</span>'
        f'<span class="lc-against">contradicts “{label}”</span></p>'
        f'<p class="lc-soft">{escape(description)} Each of the {grid} × {grid} tiles was hidden in '
        "turn.</p>"
    )
