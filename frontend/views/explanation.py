"""The part of an answer that shows, on demand, what it rests on."""

from collections.abc import Callable
from html import escape

import streamlit as st

from frontend.api.client import ApiClient
from frontend.api.errors import ApiError
from frontend.api.predictions import OcclusionMap
from frontend.images import Upload
from frontend.views import heatmap, notices

_KEPT = "lc-explanations"
_RETRY = "lc-retry-explain"  # true while its press is answered


@st.fragment
def show(
    client: ApiClient, upload: Upload, model_version: str, on_retry: Callable[[], None]
) -> None:
    """Draw a button, and once it was pressed for a picture and a model, the heat map."""
    kept: dict[tuple[str, str], OcclusionMap] = st.session_state.setdefault(_KEPT, {})
    key = (upload.digest, model_version)
    found = kept.get(key)
    place = st.empty()
    if found is None:
        pressed = place.button(
            "Show what the answer rests on",
            icon=":material/visibility:",
            key="lc-explain",
            type="primary",
            width="stretch",
        )
        if not pressed and not st.session_state.get(_RETRY):
            return
        try:
            with place, st.spinner("Covering the picture piece by piece …"):
                found = client.explain(upload.content, upload.filename).explanation
        except ApiError as error:
            notices.show(error, on_retry=on_retry, key=_RETRY)
            return
        kept[key] = found
    with place.container():
        _draw(upload, found)


def _draw(upload: Upload, found: OcclusionMap) -> None:
    st.html('<h3 class="lc-caption">What the answer rests on</h3>')
    place = st.empty()
    opacity = st.slider("Opacity of the colours, in per cent", 0, 100, 65, 5, key="lc-opacity")
    words = heatmap.in_words(found.drops, found.label)
    place.image(
        heatmap.blend(upload.preview, found.drops, opacity / 100),
        alt=f"The picture with colours. {words}",
        width="stretch",
    )
    st.html(
        '<p class="lc-legend"><span>speaks for it</span>'
        f'<span class="lc-against">speaks against it</span></p><p class="lc-soft">{escape(words)} '
        f"Each of {found.grid} × {found.grid} cells was covered in turn.</p>"
    )
