"""Load the bundle of a process from a folder or from S3."""

from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from time import monotonic, perf_counter
from typing import Literal

from aws_lambda_powertools import Logger

from lambda_api.classifier import Classifier
from lambda_api.images import MAX_DECODED_BYTES
from lambda_api.manifest import MANIFEST_FILE, BundleError, read_manifest
from lambda_api.s3_bundle import S3, download, is_pointer, locate

BundleSource = Literal["folder", "s3", "promoted"]


@dataclass(frozen=True)
class LoadedModel:
    """A loaded classifier, or the reason why it could not be loaded.

    The service also runs without a model, so that `/health` can report the reason.

    Attributes:
        outcome: the classifier, or the error of its bundle.
        load_ms: loading time in milliseconds.
        loaded_at: end of loading in seconds of the monotonic clock.
        source: "folder", "s3", or "promoted" for the promoted version in S3.
        fallback: the reason why the fallback bundle was loaded; None if it was not.
    """

    outcome: Classifier | BundleError
    load_ms: float
    loaded_at: float
    source: BundleSource
    fallback: str | None = None

    @classmethod
    def load(
        cls,
        uri: str,
        fallback: Path,
        logger: Logger,
        max_decoded_bytes: int = MAX_DECODED_BYTES,
    ) -> "LoadedModel":
        """Load a bundle from a folder or from S3. Errors are logged and kept, not raised.

        Args:
            uri: a folder, s3://bucket/prefix, or s3://bucket/.../current for the promoted version.
            fallback: folder of the bundle to load if S3 has no usable bundle.
            logger: logs the loaded model or the error.
            max_decoded_bytes: limit of the memory for decoding a picture, in bytes.
        """
        start = perf_counter()
        outcome, reason = _load(uri, max_decoded_bytes), None
        if isinstance(outcome, BundleError) and uri.startswith(S3):
            reason = str(outcome)
            logger.warning("model of S3 not loaded, falling back", bundle=uri, reason=reason)
            uri = str(fallback)
            outcome = _load(uri, max_decoded_bytes)
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

    def uptime_s(self) -> float:
        """Seconds since the model was loaded."""
        return round(monotonic() - self.loaded_at, 3)


def _source(uri: str) -> BundleSource:
    if not uri.startswith(S3):
        return "folder"
    return "promoted" if is_pointer(uri) else "s3"


def _load(uri: str, max_decoded_bytes: int) -> Classifier | BundleError:
    try:
        if _source(uri) == "folder":
            return Classifier(Path(uri), max_decoded_bytes)
        bucket, prefix = locate(uri)
        with TemporaryDirectory() as name:
            folder = Path(name)
            download(bucket, prefix, MANIFEST_FILE, folder)
            for file in read_manifest(folder).files():
                download(bucket, prefix, file, folder)
            return Classifier(folder, max_decoded_bytes)
    except BundleError as error:
        return error
    except (OSError, RecursionError, UnicodeError) as error:  # full disk, malicious manifest
        return BundleError(f"The bundle cannot be read ({type(error).__name__}).")
