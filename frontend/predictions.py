"""Asks the API about pictures, once a session for each: a rerun of the page finds the answer."""

from collections.abc import Callable, Iterator, Sequence

import streamlit as st

from frontend.api.client import ApiClient
from frontend.api.errors import ApiError, PictureRefused, TooLarge
from frontend.api.predictions import Prediction
from frontend.images import MAX_UPLOAD_BYTES, Upload, smaller
from frontend.tabs import session as history

CHUNK_PICTURES = 8  # the API takes 16; smaller steps show progress
Outcome = Prediction | ApiError

_KEPT = "lc-answers"
_TOO_LARGE = "lc-too-large"  # digests of pictures that were sent anew, smaller


def forget_other_models(version: str) -> None:
    """Let go of answers by another model than the one that serves now."""
    kept = _kept()
    for digest, outcome in list(kept.items()):
        if isinstance(outcome, Prediction) and outcome.model_version != version:
            del kept[digest]


def sent(upload: Upload) -> Upload:
    """The picture as it is sent: smaller still where this API refused it as too large."""
    return smaller(upload) if upload.digest in _too_large() else upload


def ask(client: ApiClient, upload: Upload) -> Outcome:
    """Classify a picture.

    An answer is kept, and a refusal of the picture too. Any other error is not: the next rerun
    tries again.
    """
    if (kept := _kept().get(upload.digest)) is not None:
        return kept
    try:
        outcome: Outcome = _predict(client, upload)
    except ApiError as error:
        outcome = error
    _keep(upload, outcome)
    return outcome


def ask_all(
    client: ApiClient, uploads: Sequence[Upload], progress: Callable[[int], object]
) -> list[Outcome]:
    """Classify several pictures; an error with one costs none of the others.

    Where the API as a whole does not answer, what is left gets that error without being sent.

    Args:
        client: whom to ask.
        uploads: the pictures.
        progress: is told how many have their outcome.
    """
    kept = _kept()
    new = {upload.digest: upload for upload in uploads if upload.digest not in kept}
    outcomes: dict[str, Outcome] = {}
    for chunk in _chunks(list(new.values())):
        try:
            answered = _ask_chunk(client, chunk)
        except ApiError as error:
            outcomes |= dict.fromkeys(new.keys() - outcomes.keys(), error)
            break
        for upload, outcome in zip(chunk, answered, strict=True):
            _keep(upload, outcome)
            outcomes[upload.digest] = outcome
        progress(len(uploads) - len(new) + len(outcomes))
    return [kept.get(upload.digest) or outcomes[upload.digest] for upload in uploads]


def _ask_chunk(client: ApiClient, chunk: Sequence[Upload]) -> list[Outcome]:
    try:
        pictures = [sent(upload) for upload in chunk]
        return client.predict_batch([(one.filename, one.content) for one in pictures])
    except TooLarge:  # an API with a limit below the usual one
        return [_ask_alone(client, upload) for upload in chunk]


def _ask_alone(client: ApiClient, upload: Upload) -> Outcome:
    try:
        return _predict(client, upload)
    except PictureRefused as error:
        return error


def _predict(client: ApiClient, upload: Upload) -> Prediction:
    """Classify a picture, and once more reduced where it is too large for this API."""
    picture = sent(upload)
    try:
        return client.predict(picture.content, picture.filename)
    except TooLarge:
        reduced = smaller(upload)
        if len(reduced.content) >= len(picture.content):
            raise
        _too_large().add(upload.digest)
        return client.predict(reduced.content, reduced.filename)


def _chunks(uploads: Sequence[Upload]) -> Iterator[list[Upload]]:
    """Cut into what fits into a request."""
    chunk: list[Upload] = []
    size = 0
    for upload in uploads:
        length = len(upload.content)
        if chunk and (len(chunk) == CHUNK_PICTURES or size + length > MAX_UPLOAD_BYTES):
            yield chunk
            chunk, size = [], 0
        chunk.append(upload)
        size += length
    if chunk:
        yield chunk


def _kept() -> dict[str, Outcome]:
    kept: dict[str, Outcome] = st.session_state.setdefault(_KEPT, {})
    return kept


def _too_large() -> set[str]:
    digests: set[str] = st.session_state.setdefault(_TOO_LARGE, set())
    return digests


def _keep(upload: Upload, outcome: Outcome) -> None:
    if isinstance(outcome, Prediction):
        history.note(upload, outcome)
    if isinstance(outcome, Prediction | PictureRefused):
        _kept()[upload.digest] = outcome
