"""Predictions for the visitor's photos, requested once for each picture of a visit."""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from time import monotonic

from frontend.api.client import ApiClient
from frontend.api.errors import (
    ApiError,
    NotReady,
    PictureRefused,
    TimedOut,
    TooLarge,
    Unreachable,
)
from frontend.api.predictions import Health, Prediction
from frontend.api.watches import HealthResult
from frontend.images import MAX_UPLOAD_BYTES, Upload, smaller
from frontend.photos import Photo
from frontend.session import Failure, current_session

CHUNK_PICTURES = 8  # per request; the API's limit is 16, smaller chunks show progress
_DECODERS = 2  # threads; each may need some hundred megabytes for a large photo


def picture_to_send(upload: Upload) -> Upload:
    """Return the picture as the API accepts it: reduced if the API refused the original."""
    return smaller(upload) if upload.digest in current_session().too_large else upload


def is_finished(photo: Photo) -> bool:
    """Return True if a photo has a result: a prediction, an error, or it is unusable."""
    decoded = photo.picture
    return decoded is not None and (
        not isinstance(decoded, Upload) or decoded.digest in current_session().outcomes
    )


def forget_old_failure(client: ApiClient, health: HealthResult | None) -> bool:
    """Allow a new attempt if what failed has changed: the credentials, or the API is back.

    Returns:
        Whether there was such a failure.
    """
    session = current_session()
    if not (failure := session.failure):
        return False
    is_back = isinstance(health, Health) and isinstance(failure.error, NotReady | Unreachable)
    changed = failure.client is not client or (is_back and not isinstance(failure.error, TimedOut))
    if changed:
        session.retry()
    return changed


def obstacle(rejected: ApiError | None, health: HealthResult | None) -> ApiError | None:
    """Return the error because of which no photo is sent: a request would only repeat it.

    Args:
        rejected: the error if the API does not accept the credentials.
        health: the API's health; None if not known yet.
    """
    if failure := current_session().failure:
        return failure.error
    if rejected:
        return rejected
    is_down = isinstance(health, NotReady | Unreachable) and not isinstance(health, TimedOut)
    return health if is_down and isinstance(health, ApiError) else None


def classify_photos(
    client: ApiClient,
    photos: Sequence[Photo],
    limit_s: float,
    report_progress: Callable[[int], object],
) -> None:
    """Decode and classify photos without a result, until all have one or time is up.

    An error with one picture does not affect the others. If the API as a whole fails, the session
    keeps the error, and the photos keep their results so far.

    Args:
        client: client of the API.
        photos: all photos; those with a result are skipped.
        limit_s: seconds after which no further request is sent.
        report_progress: called with the number of finished photos.
    """
    end = monotonic() + limit_s
    waiting = [photo for photo in photos if not is_finished(photo)]
    with ThreadPoolExecutor(_DECODERS) as decoders:
        while waiting and monotonic() < end:
            some = waiting[:CHUNK_PICTURES]
            uploads = {
                decoded.digest: decoded
                for decoded in decoders.map(Photo.decode, some)
                if isinstance(decoded, Upload) and decoded.digest not in current_session().outcomes
            }
            try:
                _classify(client, list(uploads.values()), alone=len(photos) == 1)
            except ApiError as error:
                current_session().failure = Failure(error, client)
                return
            waiting = [photo for photo in waiting if not is_finished(photo)]
            report_progress(len(photos) - len(waiting))


def _classify(client: ApiClient, uploads: Sequence[Upload], *, alone: bool) -> None:
    """Classify pictures and record the results. Raises `ApiError` if the API as a whole fails."""
    session = current_session()
    for chunk in _chunks(uploads):
        if alone:
            session.record(chunk[0], _predict(client, chunk[0]))
            continue
        for upload, outcome in zip(chunk, _predict_chunk(client, chunk), strict=True):
            session.record(upload, outcome)


def _predict_chunk(client: ApiClient, chunk: Sequence[Upload]) -> Sequence[Prediction | ApiError]:
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
        if chunk and size + length > MAX_UPLOAD_BYTES:
            yield chunk
            chunk, size = [], 0
        chunk.append(upload)
        size += length
    if chunk:
        yield chunk
