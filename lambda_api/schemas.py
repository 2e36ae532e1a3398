"""The documents that the routes answer with."""

from typing import Annotated, Literal

from pydantic import BaseModel, Field

from lambda_api.images import Format

Probability = Annotated[float, Field(ge=0, le=1)]


class Link(BaseModel):
    """Where to go on, relative to the service's root."""

    href: str


class Root(BaseModel):
    """Answer of `GET /`."""

    name: str
    version: str
    links: dict[str, Link]


class ModelIdentity(BaseModel):
    """Which model answers."""

    name: str
    version: str
    sha256: str


class Health(BaseModel):
    """Answer of `GET /health` where the model can serve."""

    status: Literal["ok"] = "ok"
    model: ModelIdentity
    classes: tuple[str, ...]
    load_ms: Annotated[float, Field(description="Milliseconds that loading the model took.")]
    uptime_s: Annotated[float, Field(description="Seconds since the model was loaded.")]
    cold_start: Annotated[bool, Field(description="Whether this is the process's first request.")]


class Score(BaseModel):
    """One class and its calibrated probability."""

    label: str
    confidence: Probability


class ImageInfo(BaseModel):
    """The picture as it was sent, upright."""

    format: Format
    width: int
    height: int


class Timings(BaseModel):
    """Milliseconds."""

    decode: float
    inference: float


class Prediction(BaseModel):
    """Answer of `POST /predict`."""

    request_id: str
    model_version: str
    label: str
    confidence: Annotated[Probability, Field(description="Calibrated probability of the label.")]
    confident: Annotated[
        bool, Field(description="Whether the confidence reaches the model's threshold.")
    ]
    predictions: Annotated[tuple[Score, ...], Field(description="Best first.")]
    image: ImageInfo
    timings_ms: Timings
