"""The pictures that a visitor has given, read once and kept until they are taken away."""

from collections.abc import Callable, Collection
from dataclasses import dataclass

import streamlit as st

from frontend.images import UnusablePicture, Upload, prepare

_KEPT = "lc-given"


@dataclass(frozen=True, slots=True)
class Given:
    """A picture under the name it was given with, or why it cannot be used."""

    name: str
    picture: Upload | UnusablePicture


def read(key: str, name: str, content: Callable[[], bytes]) -> Given:
    """Read a picture; a rerun of the page finds it read.

    Args:
        key: what tells it from all others of this session.
        name: of the file.
        content: gives the file's bytes.
    """
    kept: dict[str, Given] = st.session_state.setdefault(_KEPT, {})
    if key not in kept:
        try:
            kept[key] = Given(name, prepare(content(), name))
        except UnusablePicture as error:
            kept[key] = Given(name, error)
    return kept[key]


def forget_all_but(keys: Collection[str]) -> None:
    """Let go of the pictures that are no longer on the page."""
    kept: dict[str, Given] = st.session_state.get(_KEPT, {})
    for key in kept.keys() - set(keys):
        del kept[key]
