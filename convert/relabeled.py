"""Accuracy on pictures that somebody labeled again without seeing the first label.

Labels of public data sets contain mistakes, and many pictures show two classes. Northcutt et al.
2021 (arXiv:2103.14749) compare such labels with those of the data set.
"""

import csv
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from lambda_api.classifier import Prediction
from training.data import LabelledPictures
from training.errors import DataError
from training.metrics import rounded

COLUMNS = ("picture", "first_pass", "second_pass")
SEPARATOR = ";"
NONE = "none"  # the picture shows none of the classes

Defensible = dict[str, frozenset[str]]


class RelabeledFigures(BaseModel):
    """Figures on the pictures that were labeled again. Shares are 0..1.

    Attributes:
        pictures: their number.
        ambiguous: number of pictures for which several classes are defensible.
        labels_defensible: share of pictures whose label in the data set is defensible.
        accuracy: share of predictions that are the label in the data set.
        defensible_accuracy: share of predictions that are defensible.
    """

    model_config = ConfigDict(frozen=True)

    pictures: int
    ambiguous: int
    labels_defensible: float
    accuracy: float
    defensible_accuracy: float


def read_relabeled(file: Path, classes: tuple[str, ...]) -> Defensible:
    """Read the defensible classes of each picture from a CSV file.

    The columns are `picture`, the path below the folder of pictures, and `first_pass` and
    `second_pass`, the classes that the labeler accepted in each pass, separated by semicolons, or
    "none". A class is defensible if both passes have it. If they have none in common, all are.

    Raises:
        DataError: the file cannot be read, or a class is not one of `classes`.
    """
    try:
        with file.open(encoding="utf-8", newline="") as stream:
            rows = list(csv.DictReader(stream))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise DataError(f"{file} cannot be read: {error}") from error
    found: Defensible = {}
    for number, row in enumerate(rows, start=2):
        if any(row.get(column) is None for column in COLUMNS):
            raise DataError(f"{file}, line {number}: the columns must be {', '.join(COLUMNS)}.")
        first, second = (frozenset(row[column].split(SEPARATOR)) for column in COLUMNS[1:])
        if unknown := (first | second) - {*classes, NONE}:
            raise DataError(
                f"{file}, line {number}: {', '.join(sorted(unknown))} is not one of the classes "
                f"{', '.join(classes)}."
            )
        found[row["picture"]] = (first & second) or (first | second)
    if not found:
        raise DataError(f"{file} has no pictures.")
    return found


def relabeled_figures(
    predictions: list[Prediction], pictures: LabelledPictures, defensible: Defensible
) -> RelabeledFigures:
    """Compare predictions with the labels of the data set and with the defensible classes.

    Args:
        predictions: one for each of `pictures`.
        pictures: labeled pictures; those that were not labeled again are left out.
        defensible: result of `read_relabeled`.

    Raises:
        DataError: a picture that was labeled again is not one of `pictures`.
    """
    places = {path.as_posix(): place for place, path in enumerate(pictures.paths)}
    if missing := defensible.keys() - places.keys():
        raise DataError(
            f"{pictures.root} has no {min(missing)}, which was labeled again. Use the folder of "
            "the pictures that were labeled."
        )
    rows = [
        (predictions[places[name]].label, pictures.classes[pictures.labels[places[name]]], accepted)
        for name, accepted in defensible.items()
    ]

    def share(hits: list[bool]) -> float:
        return rounded(sum(hits) / len(rows))

    return RelabeledFigures(
        pictures=len(rows),
        ambiguous=sum(len(accepted) > 1 for _, _, accepted in rows),
        labels_defensible=share([label in accepted for _, label, accepted in rows]),
        accuracy=share([predicted == label for predicted, label, _ in rows]),
        defensible_accuracy=share([predicted in accepted for predicted, _, accepted in rows]),
    )
