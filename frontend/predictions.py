"""Predictions for the visitor's pictures, requested once for each picture of a visit."""

from collections.abc import Callable, Iterator, Sequence

from frontend.api.client import ApiClient
from frontend.api.errors import ApiError, PictureRefused, TooLarge
from frontend.api.predictions import Prediction
from frontend.images import MAX_UPLOAD_BYTES, Upload, smaller
from frontend.session import current_session

CHUNK_PICTURES = 8  # per request; the API's limit is 16, smaller chunks show progress
Outcome = Prediction | ApiError


def picture_to_send(upload: Upload) -> Upload:
    """Return the picture as the API accepts it: reduced if the API refused the original."""
    return smaller(upload) if upload.digest in current_session().too_large else upload


def classify(client: ApiClient, upload: Upload) -> Outcome:
    """Classify a picture.

    A prediction or a refusal of the picture is kept for the visit. After any other error, the next
    run of the script tries again.
    """
    if (outcome := current_session().outcomes.get(upload.digest)) is not None:
        return outcome
    try:
        outcome = _predict(client, upload)
    except ApiError as error:
        return error
    current_session().record(upload, outcome)
    return outcome


def classify_batch(
    client: ApiClient, uploads: Sequence[Upload], report_progress: Callable[[int], object]
) -> list[Outcome]:
    """Classify several pictures. An error with one picture does not affect the others.

    If the API as a whole fails, the remaining pictures get its error without being sent.

    Args:
        client: client of the API.
        uploads: the pictures.
        report_progress: called with the number of finished pictures.
    """
    session = current_session()
    new = {upload.digest: upload for upload in uploads if upload.digest not in session.outcomes}
    outcomes: dict[str, Outcome] = {}
    for chunk in _chunks(list(new.values())):
        try:
            chunk_outcomes = _predict_chunk(client, chunk)
        except ApiError as error:
            outcomes |= dict.fromkeys(new.keys() - outcomes.keys(), error)
            break
        for upload, outcome in zip(chunk, chunk_outcomes, strict=True):
            if isinstance(outcome, Prediction | PictureRefused):
                session.record(upload, outcome)
            outcomes[upload.digest] = outcome
        report_progress(len(uploads) - len(new) + len(outcomes))
    return [session.outcomes.get(upload.digest) or outcomes[upload.digest] for upload in uploads]


def _predict_chunk(client: ApiClient, chunk: Sequence[Upload]) -> Sequence[Outcome]:
    pictures = [picture_to_send(upload) for upload in chunk]
    try:
        return client.predict_batch([(one.filename, one.content) for one in pictures])
    except TooLarge:  # an API with a lower limit than usual
        return [_predict(client, upload) for upload in chunk]


def _predict(client: ApiClient, upload: Upload) -> Prediction | PictureRefused:
    """Classify one picture; after a 413, try once more with a smaller copy.

    Raises:
        ApiError: any error other than a refusal of the picture.
    """
    picture = picture_to_send(upload)
    try:
        return client.predict(picture.content, picture.filename)
    except PictureRefused as error:
        can_shrink = len(smaller(upload).content) < len(picture.content)
        if not isinstance(error, TooLarge) or not can_shrink:
            return error
    current_session().too_large.add(upload.digest)
    return _predict(client, upload)


def _chunks(uploads: Sequence[Upload]) -> Iterator[list[Upload]]:
    """Split pictures into groups that fit into one request."""
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
