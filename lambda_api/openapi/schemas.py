"""The documents that the routes answer with, for the OpenAPI document alone.

Routes answer with dictionaries of these shapes; tests hold them to it. That the models are not
loaded with the service, and check nothing we have just made, saves time at the start and with each
answer.
"""

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
    source: Annotated[
        Literal["folder", "s3", "promoted"],
        Field(description="Where it was loaded from; promoted: what `current` in S3 named then."),
    ]
    classes: tuple[str, ...]
    load_ms: Annotated[float, Field(description="Milliseconds that loading the model took.")]
    uptime_s: Annotated[float, Field(description="Seconds since the model was loaded.")]
    cold_start: Annotated[
        bool, Field(description="Whether the process was started for this request.")
    ]
    fallback: Annotated[
        str | None,
        Field(description="Why another model serves than the one that was asked for; null if not."),
    ]


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


class PictureAnswer(BaseModel):
    """What one picture shows."""

    label: str
    confidence: Annotated[Probability, Field(description="Calibrated probability of the label.")]
    confident: Annotated[
        bool, Field(description="Whether the confidence reaches the model's threshold.")
    ]
    predictions: Annotated[tuple[Score, ...], Field(description="Best first.")]
    image: ImageInfo
    timings_ms: Timings


class _Whole(BaseModel):
    request_id: str
    model_version: str


class Prediction(PictureAnswer, _Whole):
    """Answer of `POST /predict`."""


class BatchError(BaseModel):
    """Why one picture of several has no answer: as the problem it would be on its own."""

    type: Annotated[str, Field(description="The kind of problem, for programs.")]
    title: Annotated[str, Field(description="What the status means.")]
    status: Annotated[int, Field(description="HTTP status.")]
    detail: Annotated[str, Field(description="What happened and what to do, for people.")]


class ProblemDocument(BatchError):
    """The body of every answer other than success (RFC 9457)."""

    request_id: str


class BatchItem(BaseModel):
    """One picture of several: a prediction or an error, and null for the other."""

    filename: Annotated[str, Field(description="As it was sent.")]
    prediction: PictureAnswer | None
    error: BatchError | None


class Batch(_Whole):
    """Answer of `POST /predict/batch`."""

    results: Annotated[tuple[BatchItem, ...], Field(description="In the order of the form.")]


class OcclusionMap(BaseModel):
    """How much of the label's probability is lost where the picture is covered."""

    label: str
    grid: Annotated[int, Field(description="Cells a side.")]
    drops: Annotated[
        tuple[tuple[Annotated[float, Field(ge=-1, le=1)], ...], ...],
        Field(
            description="Rows from the top, cells from the left; above zero where the cell speaks "
            "for the label."
        ),
    ]
    overlay_png: Annotated[
        str | None,
        Field(
            description="The picture as a PNG in base64, redder where the answer rests on it; "
            "null if not asked for."
        ),
    ]


class ExplainedPrediction(Prediction):
    """Answer of `POST /explain`."""

    explanation: OcclusionMap


class Upload(BaseModel):
    """Answer of `POST /uploads`: post `fields`, then the picture as `file`, to `url`."""

    url: str
    fields: dict[str, str]
    key: Annotated[str, Field(description="What to send to /predict or /explain afterwards.")]
    expires_in_s: int
    max_bytes: int
