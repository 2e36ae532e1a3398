"""The model in the life of a process: loaded once, or known not to be and why."""

from dataclasses import dataclass
from pathlib import Path
from time import monotonic, perf_counter

from aws_lambda_powertools import Logger

from lambda_api.classifier import Classifier
from lambda_api.manifest import BundleError
from lambda_api.problems import Problem


@dataclass(frozen=True)
class Model:
    """A loaded classifier, or the reason why there is none.

    A service without a model stays up, so that `/health` can say what is wrong with it.

    Attributes:
        outcome: the classifier, or what was wrong with its bundle.
        load_ms: milliseconds that loading took.
        loaded_at: monotonic clock, seconds.
    """

    outcome: Classifier | BundleError
    load_ms: float
    loaded_at: float

    @classmethod
    def load(cls, bundle: Path, logger: Logger) -> "Model":
        """Load a bundle; a failure is logged and kept, not raised."""
        start = perf_counter()
        outcome: Classifier | BundleError
        try:
            outcome = Classifier(bundle)
        except BundleError as error:
            logger.error("model not loaded", bundle=str(bundle), reason=str(error))
            outcome = error
        load_ms = round((perf_counter() - start) * 1000, 2)
        if isinstance(outcome, Classifier):
            manifest = outcome.manifest
            logger.info(
                "model loaded", model=manifest.name, version=manifest.version, load_ms=load_ms
            )
        return cls(outcome, load_ms, monotonic())

    def classifier(self) -> Classifier:
        """The classifier. Raises a 503 `Problem` with the reason where there is none."""
        if isinstance(self.outcome, BundleError):
            raise Problem(503, "model-not-ready", str(self.outcome), {"Retry-After": "60"})
        return self.outcome

    def uptime_s(self) -> float:
        """Seconds since the model was loaded."""
        return round(monotonic() - self.loaded_at, 3)
