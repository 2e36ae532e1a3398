"""The model in the life of a process: loaded once, or known not to be and why."""

from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from time import monotonic, perf_counter
from typing import Literal

from aws_lambda_powertools import Logger
from starlette.requests import Request

from lambda_api import aws
from lambda_api.classifier import Classifier
from lambda_api.manifest import MANIFEST_FILE, MODEL_FILE, BundleError
from lambda_api.problems import Problem
from lambda_api.promotion import CURRENT, MAX_BYTES, read_promoted_version

S3 = "s3://"
Source = Literal["folder", "s3", "promoted"]


@dataclass(frozen=True)
class Model:
    """A loaded classifier, or the reason why there is none.

    A service without a model stays up, so that `/health` can say what is wrong with it.

    Attributes:
        outcome: the classifier, or what was wrong with its bundle.
        load_ms: milliseconds that loading took.
        loaded_at: monotonic clock, seconds.
        source: where it comes from: "folder", "s3", or "promoted" in S3.
        fallback: why another bundle than the one asked for was loaded; None if it was not.
    """

    outcome: Classifier | BundleError
    load_ms: float
    loaded_at: float
    source: Source
    fallback: str | None = None

    @classmethod
    def load(cls, uri: str, fallback: Path, logger: Logger) -> "Model":
        """Load a bundle from a folder or from S3; a failure is logged and kept, not raised.

        Args:
            uri: a folder, or s3://bucket/prefix; of a prefix that ends in `/current`, the version
                that is promoted there.
            fallback: folder of the bundle that is loaded where S3 does not give a usable one.
            logger: is told what was loaded or why not.
        """
        start = perf_counter()
        outcome, reason = _load(uri), None
        if isinstance(outcome, BundleError) and uri.startswith(S3):
            reason = str(outcome)
            logger.warning("model of S3 not loaded, falling back", bundle=uri, reason=reason)
            uri = str(fallback)
            outcome = _load(uri)
        load_ms = round((perf_counter() - start) * 1000, 2)
        if isinstance(outcome, BundleError):
            logger.error("model not loaded", bundle=uri, reason=str(outcome))
        else:
            manifest = outcome.manifest
            logger.info(
                "model loaded",
                model=manifest.name,
                version=manifest.version,
                bundle=uri,
                load_ms=load_ms,
            )
        return cls(outcome, load_ms, monotonic(), _source(uri), reason)

    def classifier(self) -> Classifier:
        """The classifier. Raises a 503 `Problem` with the reason where there is none."""
        if isinstance(self.outcome, BundleError):
            raise Problem(503, "model-not-ready", str(self.outcome), {"Retry-After": "60"})
        return self.outcome

    def uptime_s(self) -> float:
        """Seconds since the model was loaded."""
        return round(monotonic() - self.loaded_at, 3)


def current_model(request: Request) -> Model:
    """The model of the app that answers `request`."""
    model: Model = request.app.state.model
    return model


def _source(uri: str) -> Source:
    if not uri.startswith(S3):
        return "folder"
    return "promoted" if uri.rstrip("/").endswith(f"/{CURRENT}") else "s3"


def _load(uri: str) -> Classifier | BundleError:
    source = _source(uri)
    try:
        if source == "folder":
            return Classifier(Path(uri))
        bucket, _, prefix = uri.removeprefix(S3).rstrip("/").partition("/")
        if source == "promoted":
            prefix = _promoted(bucket, prefix)
        with TemporaryDirectory() as folder:
            _download(bucket, prefix, Path(folder))
            return Classifier(Path(folder))
    except BundleError as error:
        return error
    except (OSError, RecursionError, UnicodeError) as error:  # a full disk, a hostile manifest
        return BundleError(f"The bundle cannot be read ({type(error).__name__}).")


def _promoted(bucket: str, key: str) -> str:
    """The prefix of the version that the pointer at `key` names. Raises `BundleError`."""
    try:
        current = read_promoted_version(aws.read_object(bucket, key, MAX_BYTES))
    except (aws.AwsError, aws.ObjectTooLarge) as error:
        raise BundleError(f"{CURRENT!r} cannot be read from S3 ({error}).") from error
    return f"{key.removesuffix(CURRENT)}{current.version}"


def _download(bucket: str, prefix: str, folder: Path) -> None:
    """Fetch what of a bundle is needed to serve it. Raises `BundleError`."""
    for name in (MANIFEST_FILE, MODEL_FILE):
        key = f"{prefix}/{name}".lstrip("/")
        try:
            aws.download(bucket, key, folder / name)
        except aws.AwsError as error:
            raise BundleError(f"{name} cannot be fetched from S3 ({error}).") from error
