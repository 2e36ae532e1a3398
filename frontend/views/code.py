"""From the result on the page to code: examples, the response as JSON, and a link."""

import json
from pathlib import PurePosixPath
from urllib.parse import urlencode

import streamlit as st

from frontend.api.predictions import Prediction
from frontend.page_context import PageContext
from frontend.photos import Photo
from frontend.samples import shipped_samples
from frontend.snippets import LANGUAGES
from frontend.views.inputs import SAMPLE_KEY, SOURCE_KEY


@st.fragment
def draw_code(page: PageContext, photo: Photo, prediction: Prediction) -> None:
    """Draw code that gets this result from the API, each with a button to copy it.

    It is drawn when it is opened: for its colors, the browser loads 300 KB and works for 0.3 s.
    """
    fold = st.expander("Use it from code", icon=":material/code:", key="lc-code", on_change="rerun")
    if not fold.open:
        return
    with fold:
        names = [*LANGUAGES, "JSON response", *(["Link"] if _is_sample(photo) else [])]
        chosen = st.segmented_control(
            "Language",
            names,
            default=names[0],
            required=True,
            key="lc-language",
            label_visibility="collapsed",
        )
        filename = PurePosixPath(photo.name).name
        if chosen in LANGUAGES:
            snippet, language = LANGUAGES[chosen]
            st.code(snippet(page.api_url, filename, page.api_auth), language=language)
            variables = "API_USERNAME and API_PASSWORD" if page.api_auth == "basic" else "API_TOKEN"
            st.caption(f"Set {variables} in your environment; ask the operator of this page.")
        elif chosen == "Link":
            query = urlencode({SOURCE_KEY: "Samples", SAMPLE_KEY: photo.name})
            st.code(f"{(st.context.url or '').partition('?')[0]}?{query}", language=None)
            st.caption("This link opens the same sample.")
        else:
            response = json.dumps(prediction.raw, indent=2, ensure_ascii=False)
            st.code(response, language="json", height=280)
            st.download_button(
                "Download",
                response,
                file_name=f"{PurePosixPath(filename).stem}.json",
                mime="application/json",
                icon=":material/download:",
                on_click="ignore",
                key="lc-download-response",
            )


def _is_sample(photo: Photo) -> bool:
    sample = shipped_samples().get(photo.name)
    return sample is not None and sample.read() == photo.data
