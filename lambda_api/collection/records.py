"""Names and contents of collected objects. The service writes them, training reads them.

```
pictures/<SHA-256 of the picture>.<format>
answers/<SHA-256 of the request ID>/<SHA-256 of the picture>.json      an `Answer`
feedback/<SHA-256 of the picture>/<SHA-256 of what was said>.json      a `Feedback`
```

A name depends on the content only, so writing an object again changes nothing. A picture is written
before the record that refers to it. Records contain no user, client address or file name.
"""

import hashlib
import json
import re
from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from lambda_api.collection.policy import MAX_NOTE
from lambda_api.images import FORMATS, Format

PICTURES, ANSWERS, FEEDBACK = "pictures/", "answers/", "feedback/"
MAX_RECORD_BYTES = 200_000
MAX_LABEL = 200  # characters

_SUFFIXES = "|".join(format_.lower() for format_ in FORMATS)
_PICTURE = rf"[0-9a-f]{{64}}\.({_SUFFIXES})"
_RECORD = re.compile(rf"{FEEDBACK}([0-9a-f]{{64}})/[0-9a-f]{{64}}\.json")

PictureFile = Annotated[str, Field(pattern=f"^{_PICTURE}$")]


class Answer(BaseModel):
    """The answer of the service for one picture.

    Attributes:
        picture: file name of the picture below `pictures/`.
        request_id: ID of the request; for a picture sent with feedback, that of the feedback.
        time: time of the answer, UTC.
        model: name of the model.
        model_version: version of its bundle.
        answer: the prediction as in the response, with all classes.
    """

    model_config = ConfigDict(frozen=True, protected_namespaces=())

    schema_version: Literal[1] = 1
    picture: PictureFile
    request_id: str
    time: datetime
    model: str
    model_version: str
    answer: dict[str, Any]


class Feedback(Answer):
    """An answer and what a client said about it.

    Attributes:
        label: the right class; None if the picture shows none of the classes.
        note: remark of the client.
    """

    label: Annotated[str, Field(min_length=1, max_length=MAX_LABEL)] | None
    note: Annotated[str, Field(max_length=MAX_NOTE)] | None = None


def picture_file(data: bytes, format_: Format) -> str:
    """Return the file name of a picture: its SHA-256, with the format as the suffix."""
    return f"{hashlib.sha256(data).hexdigest()}.{format_.lower()}"


def answers_of(request_id: str) -> str:
    """Return the prefix of the answers of a request."""
    return f"{ANSWERS}{hashlib.sha256(request_id.encode()).hexdigest()}/"


def answer_name(answer: Answer) -> str:
    """Return the name of the record of an answer."""
    return f"{answers_of(answer.request_id)}{answer.picture.partition('.')[0]}.json"


def feedback_on(picture: str) -> str:
    """Return the prefix of all feedback on a picture, from its file name."""
    return f"{FEEDBACK}{picture.partition('.')[0]}/"


def feedback_name(feedback: Feedback) -> str:
    """Return the name of a record of feedback. The same feedback has the same name."""
    said = json.dumps([feedback.picture, feedback.label, feedback.note], ensure_ascii=False)
    digest = hashlib.sha256(said.encode("utf-8", "surrogatepass")).hexdigest()
    return f"{feedback_on(feedback.picture)}{digest}.json"


def is_feedback(name: str) -> bool:
    """Return True if the service may have written an object of this name as feedback."""
    return _RECORD.fullmatch(name) is not None
