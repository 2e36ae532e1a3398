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


class Prediction(Answer):
    """The answer to one picture.

    Attributes:
        label: the most likely class.
        confidence: its calibrated probability, 0 to 1.
        confident: whether that is above the threshold chosen for the model; if not, take the label
            for a guess.
        predictions: classes with their confidence, best first.
        timings_ms: what the API spent on decoding and inference, in milliseconds.
        round_trip_ms: what this client waited, in milliseconds, network and retries included.
    """

    request_id: str
    model_version: str
    label: str
    confidence: float
    confident: bool
    predictions: tuple[ClassConfidence, ...]
    image: Image
    timings_ms: Timings
    round_trip_ms: float
