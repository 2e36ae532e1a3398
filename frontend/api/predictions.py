"""Responses of the prediction and health endpoints, as typed, frozen values."""

from enum import Enum
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

NO_CLASS = "none"  # label of a correction for a picture that shows none of the classes


class Response(BaseModel):
    """Base of all responses. Unknown fields are dropped, so the API may add fields."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class Model(Response):
    """The loaded bundle; `version` and `sha256` are derived from its content."""

    name: str
    version: str
    sha256: str


class Health(Response):
    """Response of `GET /health` when the model is loaded.

    Attributes:
        model: the loaded bundle.
        classes: labels in the order of the model's outputs.
        load_ms: milliseconds that loading the model took.
        uptime_s: seconds since the process started.
        cold_start: whether this request started the process.
        collect: pictures that the API stores: "off", "feedback", "unsure" or "all". Unless it is
            "off", the API accepts corrections.
    """

    model: Model
    classes: tuple[str, ...]
    load_ms: float
    uptime_s: float
    cold_start: bool
    collect: str = "off"


class ClassConfidence(Response):
    """One class and its calibrated probability, 0 to 1."""

    label: str
    confidence: float


class ImageInfo(Response):
    """The picture as the API decoded it: format, and size in pixels of the upright original."""

    format: str
    width: int
    height: int


class Timings(Response):
    """Milliseconds that the API spent."""

    decode: float
    inference: float


class Trust(Enum):
    """Degree of trust in a prediction."""

    CONFIDENT = "confident"
    LOW = "low confidence"
    UNKNOWN = "not a scene I know"


class PicturePrediction(Response):
    """The prediction for one picture.

    Attributes:
        label: the most likely class.
        confidence: its calibrated probability, 0 to 1.
        confident: whether `confidence` reaches the model's threshold and the picture is not
            unknown; if not, treat the label as a guess.
        predictions: all returned classes with their confidence, highest first.
        image: format and size of the picture.
        timings_ms: milliseconds that the API spent on decoding and inference.
        known: whether the picture is like those that the model learned from; None if the model
            cannot tell.
        familiarity: share, 0 to 1, of the model's validation pictures that are less familiar; None
            if the model cannot tell.
    """

    label: str
    confidence: float
    confident: bool
    predictions: tuple[ClassConfidence, ...]
    image: ImageInfo
    timings_ms: Timings
    known: bool | None = None
    familiarity: float | None = None

    @property
    def trust(self) -> Trust:
        """Degree of trust in the label. An unknown scene overrides a high confidence."""
        if self.known is False:
            return Trust.UNKNOWN
        return Trust.CONFIDENT if self.confident else Trust.LOW


class Prediction(PicturePrediction):
    """Response of `POST /predict`, and what the client measured.

    Attributes:
        request_id: the ID under which the API logged the request.
        model_version: version of the bundle that made the prediction.
        round_trip_ms: milliseconds from call to response, including network and retries.
        request_pictures: number of pictures in the request.
        cold_start: whether the request started the API's process; None if the API did not say.
        raw: the response as the API sent it; for a batch, the item of this picture.
    """

    request_id: str
    model_version: str
    round_trip_ms: float
    request_pictures: int = 1
    cold_start: bool | None = None
    raw: dict[str, Any] = Field(default_factory=dict, exclude=True, repr=False)


class PredictedItem(Response):
    """A picture of a batch that was classified."""

    prediction: PicturePrediction


class BatchError(Response):
    """Reason why a picture of a batch failed, with the HTTP status of a single request."""

    status: int
    detail: str


class FailedItem(Response):
    """A picture of a batch that failed."""

    error: BatchError


class FeedbackReceipt(Response):
    """Response of `POST /feedback`.

    Attributes:
        status: "stored", or "repeated" if the same feedback had been stored before.
    """

    status: str


class Batch(Response):
    """Response of `POST /predict/batch`: one item for each picture, in the order sent."""

    request_id: str
    model_version: str
    results: tuple[PredictedItem | FailedItem, ...]


class OcclusionMap(Response):
    """Loss of the label's probability when a tile of the picture is hidden.

    Attributes:
        label: the predicted class.
        grid: number of tiles per side.
        drops: `grid` rows of `grid` values, from the top left of the upright picture; each -1 to
            1, positive if the tile supports the label.
    """

    label: str
    grid: int
    drops: tuple[tuple[float, ...], ...]


class ExplainedPrediction(Response):
    """Response of `POST /explain`; the fields of the prediction itself are dropped."""

    request_id: str
    explanation: OcclusionMap
