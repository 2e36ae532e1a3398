"""Store what a client says about a prediction."""

import hashlib
from dataclasses import dataclass

from pydantic import ValidationError

from lambda_api.collection.records import (
    MAX_RECORD_BYTES,
    PICTURES,
    Answer,
    Feedback,
    answers_of,
    feedback_name,
    feedback_on,
)
from lambda_api.collection.store import MissingObject, Store, StoreError
from lambda_api.problems import Problem

NONE = "none"  # the label of a picture that shows none of the classes


@dataclass(frozen=True)
class Receipt:
    """The outcome of feedback.

    Attributes:
        feedback: the record that is stored now.
        repeated: True if the same feedback was stored before.
        contradicts: other labels that earlier feedback gave to this picture, sorted.
    """

    feedback: Feedback
    repeated: bool
    contradicts: tuple[str, ...]


def known_label(label: str, classes: tuple[str, ...]) -> str | None:
    """Return the class, or None for "none". A class named "none" takes precedence.

    Raises:
        Problem: 422, there is no such class.
    """
    if label in classes:
        return label
    if label == NONE:
        return None
    raise Problem(
        422,
        "unknown-label",
        f"The model has no class {label[:100]!r}. Use one of {', '.join(classes)}, or {NONE!r}.",
    )


def answer_of(store: Store, request_id: str, max_bytes: int) -> tuple[Answer, bytes]:
    """Return the answer of an earlier request, and its picture. Blocks.

    Args:
        store: the store of the service.
        request_id: ID of the request with the picture.
        max_bytes: size limit of the picture.

    Raises:
        Problem: 404 if the picture was not collected or has expired, 409 if the request had
            several pictures, 503 if the store cannot be read.
    """
    with_picture = "Send the picture itself, with the label."
    try:
        names = list(store.names(answers_of(request_id)))
        if len(names) > 1:
            raise Problem(
                409,
                "several-pictures",
                f"{len(names)} pictures were classified under this request ID. {with_picture}",
            )
        if names:
            answer = Answer.model_validate_json(store.read(names[0], MAX_RECORD_BYTES))
            data = store.read(PICTURES + answer.picture, max_bytes)
            if hashlib.sha256(data).hexdigest() == answer.picture.partition(".")[0]:
                return answer, data
    except (MissingObject, ValidationError):
        pass  # expired, or overwritten by something else
    except StoreError as error:
        raise _unavailable(error) from error
    raise Problem(
        404,
        "no-such-picture",
        f"No picture is stored for this request ID: it was not collected, or it has expired. "
        f"{with_picture}",
    )


def record(
    store: Store, answer: Answer, data: bytes, label: str | None, note: str | None
) -> Receipt:
    """Store a picture with its answer and its label. Blocks.

    The picture is written again even if it was collected before, so that it expires with the
    feedback and not earlier.

    Raises:
        Problem: 503, the store cannot be used. The feedback is not stored then.
    """
    feedback = Feedback(**dict(answer), label=label, note=note)
    name = feedback_name(feedback)
    try:
        before = {
            earlier: _label_in(store, earlier)
            for earlier in store.names(feedback_on(feedback.picture))
        }
        store.write(PICTURES + feedback.picture, data)
        if name not in before:
            store.write(name, feedback.model_dump_json().encode())
    except StoreError as error:
        raise _unavailable(error) from error
    others = {other for other in before.values() if other is not _DAMAGED and other != label}
    shown = sorted(NONE if other is None else str(other) for other in others)
    return Receipt(feedback, name in before, tuple(shown))


_DAMAGED = object()


def _label_in(store: Store, name: str) -> object:
    try:
        return Feedback.model_validate_json(store.read(name, MAX_RECORD_BYTES)).label
    except (ValidationError, MissingObject):
        return _DAMAGED


def _unavailable(error: StoreError) -> Problem:
    return Problem(
        503,
        "storage-unavailable",
        "The feedback was not stored: the storage rejected the request or does not respond. Try "
        "again. The log has the reason under the request ID.",
        {"Retry-After": "5"},
        log={"store_error": str(error)},
    )
