"""The explanation of a prediction: an occlusion map, requested after a click."""

from html import escape

import streamlit as st

from frontend.api.errors import ApiError
from frontend.api.predictions import OcclusionMap, Prediction
from frontend.images import Upload
from frontend.page_context import PageContext
from frontend.session import current_session
from frontend.views import heatmap
from frontend.views.notices import draw_error

_OPEN_KEY = "lc-explained"  # in the session state: the picture's digest, while open
_HEAT_MAP, _PHOTO = "Heat map", "Photo"


@st.fragment
def draw_explanation(page: PageContext, upload: Upload, prediction: Prediction) -> None:
    """Draw a button that shows and hides the heat map.

    Args:
        page: the page's context.
        upload: the picture as the API accepted it.
        prediction: its prediction.
    """
    is_open = st.session_state.get(_OPEN_KEY) == upload.digest
    # The same button opens and closes: it keeps the keyboard's focus.
    st.button(
        "Hide the explanation" if is_open else "Explain this result",
        icon=":material/visibility_off:" if is_open else ":material/visibility:",
        key="lc-explain",
        type="secondary" if is_open else "primary",
        width="stretch",
        on_click=_toggle,
        args=(upload.digest,),
    )
    if not is_open:
        return
    explanations = current_session().explanations
    key = (upload.digest, prediction.model_version)
    if (explanation := explanations.get(key)) is None:
        try:
            with st.spinner("Hiding one tile of the photo after another …", show_time=True):
                explanation = page.client.explain(upload.content, upload.filename).explanation
        except ApiError as error:
            draw_error(error, on_retry=page.watch.expire, key="lc-retry-explain")
            return
        explanations[key] = explanation
    _draw_heatmap(upload, explanation)


def _toggle(digest: str) -> None:
    is_open = st.session_state.get(_OPEN_KEY) == digest
    st.session_state[_OPEN_KEY] = "" if is_open else digest


def _draw_heatmap(upload: Upload, explanation: OcclusionMap) -> None:
    drops, label = explanation.drops, escape(explanation.label)
    description = heatmap.describe(drops, explanation.label)
    st.html('<h3 class="lc-caption">Why this result?</h3>')
    if heatmap.is_faint(drops):
        st.html(f'<p class="lc-soft lc-finding">{escape(description)}</p>')
        return
    place = st.empty()
    shown = st.segmented_control(
        "Show",
        (_HEAT_MAP, _PHOTO),
        default=_HEAT_MAP,
        required=True,
        key="lc-shown",
        label_visibility="collapsed",
    )
    percent = 75
    if shown == _HEAT_MAP:
        percent = st.slider("Overlay strength (%)", 0, 100, percent, 5, key="lc-opacity")
        image = heatmap.blend(upload.preview, drops, percent / 100)
        place.image(image, alt=f"The photo with a heat map. {description}", width="stretch")
    else:
        place.image(upload.preview, alt="The photo without the heat map", width="stretch")
    size = explanation.grid
    st.html(
        f'<p class="lc-legend"><span>supports “{label}”</span>'
        f'<span class="lc-against">contradicts “{label}”</span></p>'
        f'<p class="lc-soft lc-finding">{escape(description)} Each of the {size} × {size} tiles '
        "was hidden in turn. The full color means a change of "
        f"{max(_strongest(drops), heatmap.FULL) * 100:.0f} points.</p>"
    )


def _strongest(drops: tuple[tuple[float, ...], ...]) -> float:
    return max(abs(drop) for row in drops for drop in row)
