"""Report of a run: figures, `metrics.json`, and one HTML page that is readable offline."""

import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np

from training.atomic import replace_folder, write_text
from training.calibration import Calibration, Floats, calibrated, calibration_bins
from training.config import TrainingConfig
from training.data import LabelledPictures, read_picture
from training.errors import RunError
from training.metrics import ReportMetrics, report_metrics
from training.report import figures
from training.report.html_page import data_url, render
from training.report.picture_grids import Pixels, draw_augmented, draw_pictures
from training.run.history import Epoch, read_history

EvaluatedPart = Literal["validation", "test"]

PAGE_FILE = "report.html"
METRICS_FILE = "metrics.json"
CURVES = "curves.png"
CONFUSION = "confusion.png"
CONFUSION_SHARES = "confusion-normalised.png"
CLASSES = "classes.png"
RELIABILITY = "reliability.png"
COVERAGE = "coverage.png"
MISTAKES = "mistakes.png"
AUGMENTED = "augmented.png"
FILES = frozenset(
    {
        *(PAGE_FILE, METRICS_FILE, CURVES, CONFUSION, CONFUSION_SHARES),
        *(CLASSES, RELIABILITY, COVERAGE, MISTAKES, AUGMENTED),
    }
)

SHOWN_MISTAKES = 24
SHOWN_CONFUSIONS = 10
TAIL = 24  # last characters of a path, which fit under its picture


@dataclass(frozen=True, slots=True)
class Mistake:
    """A misclassified picture.

    Attributes:
        path: relative to the folder that contains the class folders, with slashes.
        label: the true class.
        predicted: the predicted class.
        confidence: calibrated probability, 0..1, of the predicted class.
        confidence_true: calibrated probability, 0..1, of the true class.
    """

    path: str
    label: str
    predicted: str
    confidence: float
    confidence_true: float


def check_destination(folder: Path) -> None:
    """Check that a report can be written to `folder`, before the work starts.

    Raises:
        RunError: `folder` contains files that are not part of a report.
        OSError: `folder` cannot be written.
    """
    if folder.exists():
        others = sorted(
            path.name
            for path in folder.iterdir()
            if path.name not in FILES and not path.name.startswith(".")
        )
        if others:
            raise RunError(
                f"{folder} contains other files than a report ({others[0]}), which a new report "
                "would delete. Move them, or choose another folder."
            )
    folder.parent.mkdir(parents=True, exist_ok=True)
    tempfile.TemporaryFile(dir=folder.parent).close()


def write_report(
    folder: Path,
    *,
    pictures: LabelledPictures,
    logits: Floats,
    calibration: Calibration,
    part: EvaluatedPart,
    history: Path,
    config: TrainingConfig,
    augmented: tuple[Pixels, Pixels] | None,
) -> ReportMetrics:
    """Evaluate a run and write its report. An existing report is replaced as a whole.

    Args:
        folder: for the report. Missing parent folders are created.
        pictures: n pictures.
        logits: of the network for these pictures, shape (n, classes).
        calibration: fitted on the validation pictures.
        part: the part that the pictures are.
        history: the run's `history.csv`; its folder gives the run's name.
        config: the run's configuration.
        augmented: pictures, uint8 (n, h, w, 3), and augmented versions of each, uint8
            (n, k, h, w, 3); None if the run used no augmentation.

    Returns:
        The metrics, as in `metrics.json`.

    Raises:
        RunError: `folder` contains other files, or `history` cannot be read.
        OSError: `folder` cannot be written. It is unchanged.
    """
    check_destination(folder)
    epochs = read_history(history)
    metrics = report_metrics(logits, pictures.labels, pictures.classes, calibration)
    mistakes = find_mistakes(pictures, calibrated(logits, calibration.temperature))
    with tempfile.TemporaryDirectory(prefix=".report-", dir=folder.parent) as scratch:
        new = Path(scratch, "new")
        new.mkdir()
        _draw(new, pictures, logits, metrics, epochs)
        if mistakes:
            _draw_mistakes(new / MISTAKES, mistakes[:SHOWN_MISTAKES], pictures, config.image_size)
        if augmented is not None:
            draw_augmented(new / AUGMENTED, *augmented)
        write_text(new / METRICS_FILE, metrics.model_dump_json(indent=1) + "\n")
        page = _page(new, history.absolute().parent.name, part, metrics, mistakes, config)
        write_text(new / PAGE_FILE, page)
        replace_folder(new, folder, Path(scratch, "old"))
    return metrics


def find_mistakes(pictures: LabelledPictures, probabilities: Floats) -> list[Mistake]:
    """List the misclassified pictures, the most confident first.

    Args:
        pictures: n pictures.
        probabilities: calibrated, shape (n, classes).
    """
    predicted, confidence = probabilities.argmax(axis=1), probabilities.max(axis=1)
    (wrong,) = np.nonzero(predicted != pictures.labels)
    return [
        Mistake(
            pictures.paths[i].as_posix(),
            pictures.classes[pictures.labels[i]],
            pictures.classes[predicted[i]],
            float(confidence[i]),
            float(probabilities[i, pictures.labels[i]]),
        )
        for i in wrong[np.argsort(-confidence[wrong], kind="stable")]
    ]


def _draw(
    folder: Path,
    pictures: LabelledPictures,
    logits: Floats,
    metrics: ReportMetrics,
    epochs: list[Epoch],
) -> None:
    confusion, classes = metrics.confusion, pictures.classes
    figures.draw_curves(folder / CURVES, epochs)
    figures.draw_confusion(folder / CONFUSION, confusion, classes, "Pictures", shares=False)
    figures.draw_confusion(
        folder / CONFUSION_SHARES, confusion, classes, "Percent of the true class", shares=True
    )
    figures.draw_classes(folder / CLASSES, metrics.per_class)
    figures.draw_reliability(
        folder / RELIABILITY,
        {
            f"{name}, calibration error {error:.4f}": calibration_bins(
                calibrated(logits, temperature), pictures.labels
            )
            for name, temperature, error in (
                ("before", 1.0, metrics.calibration_error_uncalibrated),
                ("after", metrics.calibration.temperature, metrics.calibration_error),
            )
        },
    )
    figures.draw_coverage(folder / COVERAGE, metrics)


def _draw_mistakes(
    path: Path, mistakes: list[Mistake], pictures: LabelledPictures, size: int
) -> None:
    draw_pictures(
        path,
        [read_picture(pictures.root / mistake.path, size) for mistake in mistakes],
        [
            f"{'…' * (len(m.path) > TAIL)}{m.path[-TAIL:]}\n"
            f"true: {m.label}\npredicted: {m.predicted}\nconfidence {m.confidence:.3f}"
            for m in mistakes
        ],
    )


def _page(
    folder: Path,
    run: str,
    part: EvaluatedPart,
    metrics: ReportMetrics,
    mistakes: list[Mistake],
    config: TrainingConfig,
) -> str:
    return render(
        Path(__file__).with_name("report.html.jinja"),
        run=run,
        part=part,
        metrics=metrics,
        confusions=_confusions(metrics),
        mistakes=mistakes[:SHOWN_MISTAKES],
        all_mistakes=len(mistakes),
        config=config.model_dump(),
        images={p.stem: data_url(p.read_bytes(), "image/png") for p in folder.glob("*.png")},
    )


def _confusions(metrics: ReportMetrics) -> list[tuple[str, str, int]]:
    """True class, predicted class and number of pictures, the most frequent confusions first."""
    names = list(metrics.per_class)
    cells = [
        (names[i], names[j], count)
        for i, row in enumerate(metrics.confusion)
        for j, count in enumerate(row)
        if i != j and count
    ]
    return sorted(cells, key=lambda cell: -cell[2])[:SHOWN_CONFUSIONS]
