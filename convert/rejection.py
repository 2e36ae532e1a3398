"""Shares of pictures that a bundle accepts as known and classifies confidently."""

from pathlib import Path

from pydantic import BaseModel, ConfigDict

from lambda_api.classifier import Classifier, Prediction
from lambda_api.images import PictureError
from lambda_api.images.files import scan
from training.data import LabelledPictures
from training.errors import DataError
from training.metrics import rounded


class _Figures(BaseModel):
    model_config = ConfigDict(frozen=True)


class ClassShares(_Figures):
    """Pictures of one class.

    Attributes:
        pictures: their number.
        unknown: number of those that are not known; 0 without a detector.
        confident: number of those with a confident prediction.
        confident_correct: number of those with a confident and correct prediction.
    """

    pictures: int
    unknown: int
    confident: int
    confident_correct: int


class LabeledShares(_Figures):
    """Labeled pictures of the known classes. Shares are 0..1.

    Attributes:
        known: share of known pictures; None without a detector.
        confident: share with a confident prediction.
        confident_accuracy: accuracy of the confident predictions; None if there are none.
        per_class: figures by true class.
    """

    known: float | None
    confident: float
    confident_accuracy: float | None
    per_class: dict[str, ClassShares]


class AcceptedPicture(_Figures):
    """A picture of another kind that is accepted as known."""

    file: str
    label: str
    confidence: float
    confident: bool
    familiarity: float | None


class OtherShares(_Figures):
    """Pictures that show none of the classes. Shares are 0..1.

    Attributes:
        pictures: number of pictures that were classified.
        unreadable: number of pictures that could not be decoded.
        known: share that is accepted as known; None without a detector.
        confident: share with a confident prediction.
        per_label: number of confident predictions by predicted class.
        accepted: the pictures that are not unknown, confident predictions first.
    """

    pictures: int
    unreadable: int
    known: float | None
    confident: float
    per_label: dict[str, int]
    accepted: tuple[AcceptedPicture, ...]


def labeled_shares(
    predictions: list[Prediction], pictures: LabelledPictures, classes: tuple[str, ...]
) -> LabeledShares:
    """Summarize the predictions for labeled `pictures`, in the same order."""
    correct = [
        prediction.label == classes[label]
        for prediction, label in zip(predictions, pictures.labels.tolist(), strict=True)
    ]
    confident = [prediction.confident for prediction in predictions]
    hits = sum(c and k for c, k in zip(correct, confident, strict=True))
    return LabeledShares(
        known=_known_share(predictions),
        confident=_share(sum(confident), len(confident)),
        confident_accuracy=_share(hits, sum(confident)) if any(confident) else None,
        per_class={
            name: _class_shares(
                [
                    (prediction, right)
                    for prediction, right, label in zip(
                        predictions, correct, pictures.labels.tolist(), strict=True
                    )
                    if label == index
                ]
            )
            for index, name in enumerate(classes)
        },
    )


def _class_shares(judged: list[tuple[Prediction, bool]]) -> ClassShares:
    return ClassShares(
        pictures=len(judged),
        unknown=sum(prediction.known is False for prediction, _ in judged),
        confident=sum(prediction.confident for prediction, _ in judged),
        confident_correct=sum(prediction.confident and right for prediction, right in judged),
    )


def other_shares(classifier: Classifier, folder: Path) -> OtherShares:
    """Classify all pictures in `folder`, at any depth, which show none of the classes.

    Raises:
        DataError: the folder does not exist or has no readable pictures.
    """
    if not folder.is_dir():
        raise DataError(f"{folder} is not a folder. Pass a folder of pictures with --others.")
    files = scan(folder).all_pictures()
    judged: list[tuple[Path, Prediction]] = []
    for file in files:
        try:
            judged.append((file, classifier.classify(file.read_bytes())))
        except PictureError:
            continue
    if not judged:
        raise DataError(
            f"{folder} has no readable pictures. Pass a folder of pictures that show none of the "
            "classes with --others."
        )
    predictions = [prediction for _, prediction in judged]
    confident = [prediction for prediction in predictions if prediction.confident]
    accepted = [each for each in judged if each[1].known is not False]
    return OtherShares(
        pictures=len(judged),
        unreadable=len(files) - len(judged),
        known=_known_share(predictions),
        confident=_share(len(confident), len(judged)),
        per_label={
            name: sum(prediction.label == name for prediction in confident)
            for name in classifier.manifest.classes
        },
        accepted=tuple(
            AcceptedPicture(
                file=file.relative_to(folder).as_posix(),
                label=prediction.label,
                confidence=rounded(prediction.confidence),
                confident=prediction.confident,
                familiarity=prediction.familiarity
                if prediction.familiarity is None
                else rounded(prediction.familiarity),
            )
            for file, prediction in sorted(
                accepted, key=lambda each: (-each[1].confident, -each[1].confidence)
            )
        ),
    )


def _known_share(predictions: list[Prediction]) -> float | None:
    if predictions[0].known is None:
        return None
    return _share(sum(prediction.known is True for prediction in predictions), len(predictions))


def _share(part: int, whole: int) -> float:
    return rounded(part / whole)
