"""Asks the API about pictures, once a session for each: a rerun of the page finds the answer."""

from collections.abc import Callable, Iterator, Sequence

import streamlit as st

from frontend import history
from frontend.api_answers import Prediction
from frontend.api_client import ApiClient
from frontend.api_errors import ApiError, PictureRefused, TooLarge
from frontend.images import MAX_UPLOAD_BYTES, Upload

CHUNK_PICTURES = 8  # the API takes 16; smaller steps show progress
Outcome = Prediction | ApiError

_KEPT = "lc-answers"


def ask(client: ApiClient, upload: Upload) -> Outcome:
    """Classify a picture.

    An answer is kept, and a refusal of the picture too. Any other error is not: the next rerun
    tries again.
    """
    if (kept := _kept().get(upload.digest)) is not None:
        return kept
    try:
        outcome: Outcome = client.predict(upload.content, upload.filename)
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
        return client.predict_batch([(upload.filename, upload.content) for upload in chunk])
    except TooLarge as error:  # an API with a limit below the usual one
        if len(chunk) == 1:
            return [error]
        return [outcome for upload in chunk for outcome in _ask_chunk(client, [upload])]


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


def _keep(upload: Upload, outcome: Outcome) -> None:
    if isinstance(outcome, Prediction):
        history.note(upload, outcome)
    if isinstance(outcome, Prediction | PictureRefused):
        _kept()[upload.digest] = outcome
