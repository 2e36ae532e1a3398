"""Right labels that the visitor chooses, and their storage by the API."""

from frontend.api.client import ApiClient
from frontend.api.errors import ApiError
from frontend.images import Upload
from frontend.predictions import picture_to_send
from frontend.session import current_session


def correct(upload: Upload, label: str, *, store: bool) -> None:
    """Keep the right label of a picture.

    Args:
        upload: the picture.
        label: a class, or `NO_CLASS`.
        store: whether `store_corrections` shall send it to the API.
    """
    session = current_session()
    session.corrections[upload.digest] = label
    if store:
        session.unsent[upload.digest] = (upload, label)
        session.correction_error = None


def store_corrections(client: ApiClient) -> None:
    """Send the corrections that the API has not stored yet. After an error, the rest is kept."""
    session = current_session()
    for digest, (upload, label) in list(session.unsent.items()):
        picture = picture_to_send(upload)
        try:
            client.correct(picture.content, picture.filename, label)
        except ApiError as error:
            session.correction_error = error
            return
        if session.unsent.get(digest) == (upload, label):  # not changed meanwhile
            del session.unsent[digest]


def retry_storing() -> None:
    """Let the next run send the corrections again."""
    current_session().correction_error = None
