"""Schemas of the responses, with examples.

Imported with the OpenAPI document only. The routes return dictionaries of these shapes, and tests
compare them. Every schema that a route names has an example.
"""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from lambda_api import __version__, manifest
from lambda_api.collection.policy import Collect
from lambda_api.images import Format
from lambda_api.loaded_model import BundleSource
from lambda_api.openapi.manifest_example import MANIFEST, MODEL_SHA256, MODEL_VERSION
from lambda_api.web.request_body import KEY_EXAMPLE

Probability = Annotated[float, Field(ge=0, le=1)]

_RESPONSE = {
    "request_id": "dc714cc3-f1f0-4eda-98ea-ea178a22867f",
    "model_version": MODEL_VERSION,
}
_PREDICTION: dict[str, Any] = {
    "label": "buildings",
    "confidence": 0.9718,
    "confident": True,
    "known": True,
    "familiarity": 0.6412,
    "predictions": [
        {"label": "buildings", "confidence": 0.9718},
        {"label": "glacier", "confidence": 0.0121},
    ],
    "image": {"format": "JPEG", "width": 640, "height": 427},
    "timings_ms": {"decode": 3.694, "inference": 2.874},
}
_PROBLEM = {
    "type": "urn:landscape-classifier:problem:undecodable-picture",
    "title": "Unprocessable Content",
    "status": 422,
    "detail": "The JPEG picture is damaged or incomplete.",
}


def _example(document: dict[str, Any]) -> ConfigDict:
    return ConfigDict(json_schema_extra={"examples": [document]})


class Link(BaseModel):
    """A link, relative to the root of the service."""

    href: str


class Root(BaseModel):
    """Response of `GET /`."""

    model_config = _example(
        {
            "name": "Landscape Classifier",
            "version": __version__,
            "links": {"health": {"href": "health"}, "predict": {"href": "predict"}},
        }
    )

    name: str
    version: str
    links: dict[str, Link]


class ModelIdentity(BaseModel):
    """Name, version and hash of the model."""

    name: str
    version: str
    sha256: str


class Health(BaseModel):
    """Response of `GET /health` if the model can serve."""

    model_config = _example(
        {
            "status": "ok",
            "model": {"name": "intel-scenes", "version": MODEL_VERSION, "sha256": MODEL_SHA256},
            "source": "folder",
            "classes": ["buildings", "forest", "glacier", "mountain", "sea", "street"],
            "load_ms": 61.7,
            "uptime_s": 754.2,
            "cold_start": False,
            "fallback": None,
            "collect": "off",
        }
    )

    status: Literal["ok"] = "ok"
    model: ModelIdentity
    source: Annotated[
        BundleSource,
        Field(
            description="Source of the model. `promoted`: the version that was promoted in S3 when "
            "the model was loaded."
        ),
    ]
    classes: tuple[str, ...]
    load_ms: Annotated[float, Field(description="Loading time of the model in milliseconds.")]
    uptime_s: Annotated[float, Field(description="Seconds since the model was loaded.")]
    cold_start: Annotated[
        bool, Field(description="`true` if the process was started for this request.")
    ]
    fallback: Annotated[
        str | None,
        Field(description="Reason why the fallback model was loaded; null if it was not."),
    ]
    collect: Annotated[
        Collect,
        Field(
            description="Pictures that the service stores. `off`: none. `feedback`: those sent to "
            "`POST /feedback`. `unsure`: also those without a confident prediction. `all`: all."
        ),
    ]


class Manifest(manifest.Manifest):  # noqa: D101 - inherited
    __doc__ = manifest.Manifest.__doc__

    model_config = _example(MANIFEST)


class Score(BaseModel):
    """A class and its calibrated probability."""

    label: str
    confidence: Probability


class ImageInfo(BaseModel):
    """Format and size of the original picture, after EXIF rotation."""

    format: Format
    width: int
    height: int


class Timings(BaseModel):
    """Durations in milliseconds."""

    decode: float
    inference: float


class PicturePrediction(BaseModel):
    """The classification of one picture."""

    label: str
    confidence: Annotated[Probability, Field(description="Calibrated probability of the label.")]
    confident: Annotated[
        bool,
        Field(
            description="`false` if the confidence is below the model's threshold, or the picture "
            "is not `known`: treat the label as a guess."
        ),
    ]
    known: Annotated[
        bool | None,
        Field(
            description="`false` if the picture is unlike the training pictures: it probably shows "
            "none of the classes. null if the model cannot tell."
        ),
    ]
    familiarity: Annotated[
        Probability | None,
        Field(
            description="Share of the model's validation pictures that are less familiar than this "
            "picture. 0: less familiar than all of them. null if the model cannot tell."
        ),
    ]
    predictions: Annotated[tuple[Score, ...], Field(description="Most probable class first.")]
    image: ImageInfo
    timings_ms: Timings


class _ModelResponse(BaseModel):
    request_id: str
    model_version: str


class Prediction(PicturePrediction, _ModelResponse):
    """Response of `POST /predict`."""

    model_config = _example(_RESPONSE | _PREDICTION)


class BatchError(BaseModel):
    """Error of one picture in a batch, with the fields of a problem document."""

    type: Annotated[str, Field(description="Identifier of the problem, for programs.")]
    title: Annotated[str, Field(description="Name of the HTTP status.")]
    status: Annotated[int, Field(description="HTTP status.")]
    detail: Annotated[str, Field(description="Error and remedy, for people.")]


class ProblemDocument(BatchError):
    """Body of every error response (RFC 9457)."""

    model_config = _example(_PROBLEM | {"request_id": _RESPONSE["request_id"]})

    request_id: str


class BatchItem(BaseModel):
    """One picture of a batch. Either `prediction` or `error` is null."""

    filename: Annotated[str, Field(description="File name from the form.")]
    prediction: PicturePrediction | None
    error: BatchError | None


class Batch(_ModelResponse):
    """Response of `POST /predict/batch`."""

    model_config = _example(
        {
            **_RESPONSE,
            "results": [
                {"filename": "palace.jpg", "prediction": _PREDICTION, "error": None},
                {"filename": "truncated.jpg", "prediction": None, "error": _PROBLEM},
            ],
        }
    )

    results: Annotated[tuple[BatchItem, ...], Field(description="In the order of the form.")]


class OcclusionMap(BaseModel):
    """Drop of the label's probability for each covered cell of the picture."""

    label: str
    grid: Annotated[int, Field(description="Cells per side.")]
    drops: Annotated[
        tuple[tuple[Annotated[float, Field(ge=-1, le=1)], ...], ...],
        Field(
            description="Rows from the top, cells from the left. A positive value supports the "
            "label."
        ),
    ]
    overlay_png: Annotated[
        str | None,
        Field(
            description="The picture with the map in red, as a PNG in base64; null unless "
            "requested with `overlay`."
        ),
    ]


class ExplainedPrediction(Prediction):
    """Response of `POST /explain`."""

    model_config = _example(
        {
            **_RESPONSE,
            **_PREDICTION,
            "explanation": {
                "label": "buildings",
                "grid": 2,
                "drops": [[0.4112, 0.1206], [0.0371, -0.0042]],
                "overlay_png": None,
            },
        }
    )

    explanation: OcclusionMap


class Upload(BaseModel):
    """Response of `POST /uploads`. Post `fields`, then the picture as `file`, to `url`."""

    model_config = _example(
        {
            "url": "https://pictures.s3.eu-central-1.amazonaws.com/",
            "fields": {"key": KEY_EXAMPLE, "Content-Type": "image/jpeg", "policy": "eyJleHBp..."},
            "key": KEY_EXAMPLE,
            "expires_in_s": 300,
            "max_bytes": 25_000_000,
        }
    )

    url: str
    fields: dict[str, str]
    key: Annotated[str, Field(description="Send this key to /predict or /explain.")]
    expires_in_s: int
    max_bytes: int


class FeedbackReceipt(_ModelResponse):
    """Response of `POST /feedback`."""

    model_config = _example(
        {
            **_RESPONSE,
            "status": "stored",
            "picture": "9c" * 32,
            "predicted": "buildings",
            "label": "forest",
            "contradicts": [],
        }
    )

    status: Annotated[
        Literal["stored", "repeated"],
        Field(description="`repeated`: the same feedback had been stored before."),
    ]
    picture: Annotated[str, Field(description="SHA-256 of the picture.")]
    predicted: Annotated[str, Field(description="Label of the prediction.")]
    label: Annotated[str, Field(description="Label of the feedback; `none` for no class.")]
    contradicts: Annotated[
        tuple[str, ...],
        Field(
            description="Other labels of earlier feedback on this picture. Training leaves a "
            "picture with several labels out."
        ),
    ]
