"""The setting COLLECT: which pictures are stored."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:  # a service that collects nothing does not load the rest of this package
    from lambda_api.classifier import Classifier, Prediction
    from lambda_api.collection.collector import Collector
    from lambda_api.collection.records import Answer
    from lambda_api.collection.store import Store

# off: nothing. feedback: pictures that clients send with feedback. unsure: also pictures whose
# prediction is not confident. all: also all other pictures.
Collect = Literal["off", "feedback", "unsure", "all"]

MAX_NOTE = 500  # characters of a remark in feedback


@dataclass(frozen=True)
class Collection:
    """The pictures that are stored, and where.

    Attributes:
        collect: the setting COLLECT.
        store: place of the objects; None if `collect` is "off".
        collector: writes pictures that were classified; None if `collect` is "off" or "feedback".
    """

    collect: Collect = "off"
    store: "Store | None" = None
    collector: "Collector | None" = None

    def offer(
        self,
        request_id: str,
        model: "Classifier",
        data: bytes,
        prediction: "Prediction",
        answer: dict[str, Any],
    ) -> None:
        """Store a picture and its answer in the background, if the setting says so.

        Never blocks and never raises.

        Args:
            request_id: ID of the request.
            model: the classifier that answered.
            data: the picture as it was sent.
            prediction: the prediction for it.
            answer: the prediction as in the response, with all classes.
        """
        if self.collector is None or (self.collect == "unsure" and prediction.confident):
            return
        self.collector.offer(data, lambda: new_answer(request_id, model, data, prediction, answer))


def new_answer(
    request_id: str,
    model: "Classifier",
    data: bytes,
    prediction: "Prediction",
    answer: dict[str, Any],
) -> "Answer":
    """Return the record of a prediction. Arguments as `Collection.offer`."""
    from lambda_api.collection.records import Answer, picture_file

    return Answer(
        picture=picture_file(data, prediction.picture.format),
        request_id=request_id,
        time=datetime.now(UTC),
        model=model.manifest.name,
        model_version=model.manifest.version,
        answer=answer,
    )
