"""What the API answers, as typed and frozen values."""

from pydantic import BaseModel, ConfigDict


class Answer(BaseModel):
    """Any answer. Fields that this client does not know are left out, so the API may add some."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class Model(Answer):
    """The bundle that serves; `version` and `sha256` are derived from its content."""

    name: str
    version: str
    sha256: str


class Health(Answer):
    """A ready API: its model, its classes in output order, how long it took and has been up."""

    model: Model
    classes: tuple[str, ...]
    load_ms: float
    uptime_s: float
    cold_start: bool


class ClassConfidence(Answer):
    """One class and its calibrated probability, 0 to 1."""

    label: str
    confidence: float


class Image(Answer):
    """The picture as the API decoded it: format, and pixels of the upright original."""

    format: str
    width: int
    height: int


class Timings(Answer):
    """Milliseconds that the API spent."""

    decode: float
    inference: float


class PictureAnswer(Answer):
    """What one picture shows.

    Attributes:
        label: the most likely class.
        confidence: its calibrated probability, 0 to 1.
        confident: whether that is above the threshold chosen for the model; if not, take the label
            for a guess.
        predictions: classes with their confidence, best first.
        timings_ms: what the API spent on decoding and inference, in milliseconds.
    """

    label: str
    confidence: float
    confident: bool
    predictions: tuple[ClassConfidence, ...]
    image: Image
    timings_ms: Timings


class Prediction(PictureAnswer):
    """The answer to one picture, and what this client saw of the request.

    Attributes:
        request_id: under which the API logged the request.
        round_trip_ms: what this client waited, in milliseconds, network and retries included; for
            one picture of several, its share of that.
        cold_start: whether the API's process was started for this request; None if it did not say.
    """

    request_id: str
    model_version: str
    round_trip_ms: float
    cold_start: bool | None = None


class AnsweredItem(Answer):
    """One picture of several, with its answer."""

    prediction: PictureAnswer


class Problem(Answer):
    """Why a picture has no answer, with the HTTP status that it would have had alone."""

    status: int
    detail: str


class RefusedItem(Answer):
    """One picture of several, without an answer."""

    error: Problem


class Batch(Answer):
    """The answers to several pictures, in the order in which they were sent."""

    request_id: str
    model_version: str
    results: tuple[AnsweredItem | RefusedItem, ...]


class OcclusionMap(Answer):
    """What the label's probability loses where the picture is covered.

    Attributes:
        drops: rows from the top of the upright picture, cells from the left; each -1 to 1, above
            zero where the cell speaks for the label.
    """

    label: str
    grid: int
    drops: tuple[tuple[float, ...], ...]


class Explained(Answer):
    """An answer with its occlusion map."""

    request_id: str
    explanation: OcclusionMap
