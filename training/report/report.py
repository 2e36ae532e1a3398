"""The report of a run: figures, `metrics.json` and one page that opens without a network."""

import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np

from training.atomic import replace_folder
from training.calibration import Calibration, Floats, calibrated, calibration_bins
from training.config import TrainingConfig
from training.data import LabelledPictures, read_picture
from training.errors import RunError
from training.metrics import Metrics, measure
from training.report import figures
from training.report.html_page import address, render
from training.report.picture_grids import Pixels, draw_augmented, draw_pictures
from training.run.history import Epoch, read_history

Part = Literal["validation", "test"]

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
TAIL = 24  # characters of a path that fit under its picture


@dataclass(frozen=True, slots=True)
class Mistake:
    """A picture that was answered wrongly.

    Attributes:
        path: relative to the folder of classes, with slashes.
        confidence: 0..1, calibrated, of the answer.
        confidence_true: the same of the label.
    """

    path: str
    label: str
    answer: str
    confidence: float
    confidence_true: float


def check_destination(folder: Path) -> None:
    """See that a report can be written to `folder` before the work is done.

    Raises:
        RunError: it holds something that no report wrote.
        OSError: it cannot be written.
    """
    if folder.exists():
        others = sorted(
            path.name
            for path in folder.iterdir()
            if path.name not in FILES and not path.name.startswith(".")
        )
        if others:
            raise RunError(
                f"{folder}: holds more than a report ({others[0]}), and a new report would "
                "replace it all. Move that away, or choose another folder."
            )
    folder.parent.mkdir(parents=True, exist_ok=True)
    tempfile.TemporaryFile(dir=folder.parent).close()


def write_report(
    folder: Path,
    *,
    pictures: LabelledPictures,
    logits: Floats,
    calibration: Calibration,
    part: Part,
    history: Path,
    config: TrainingConfig,
    augmented: tuple[Pixels, Pixels] | None,
) -> Metrics:
    """Measure a run and write what came of it. A report that is there is replaced as a whole.

    Args:
        folder: for the report; its parent is made where it is missing.
        pictures: what the network was asked.
        logits: its answers, shape (n, classes).
        calibration: fitted on validation pictures.
        part: which pictures these are.
        history: the run's `history.csv`; its folder names the run.
        config: the run's.
        augmented: pictures to train on, uint8 (n, h, w, 3), and what augmentation makes of each,
            uint8 (n, k, h, w, 3); None where the run did not augment.

    Raises:
        RunError: `folder` is in the way, or `history` is none.
        OSError: `folder` cannot be written. Nothing was changed.
    """
    check_destination(folder)
    epochs = read_history(history)
    metrics = measure(logits, pictures.labels, pictures.classes, calibration)
    mistakes = find_mistakes(pictures, calibrated(logits, calibration.temperature))
    with tempfile.TemporaryDirectory(prefix=".report-", dir=folder.parent) as workshop:
        made = Path(workshop, "new")
        made.mkdir()
        _draw(made, pictures, logits, metrics, epochs)
        if mistakes:
            _draw_mistakes(made / MISTAKES, mistakes[:SHOWN_MISTAKES], pictures, config.image_size)
        if augmented is not None:
            draw_augmented(made / AUGMENTED, *augmented)
        (made / METRICS_FILE).write_text(metrics.model_dump_json(indent=1) + "\n", encoding="utf-8")
        page = _page(made, history.absolute().parent.name, part, metrics, mistakes, config)
        (made / PAGE_FILE).write_text(page, encoding="utf-8")
        replace_folder(made, folder, Path(workshop, "old"))
    return metrics


def find_mistakes(pictures: LabelledPictures, probabilities: Floats) -> list[Mistake]:
    """The pictures whose answer is not their label, the most confident first.

    Args:
        pictures: n of them.
        probabilities: calibrated, shape (n, classes).
    """
    answers, confidence = probabilities.argmax(axis=1), probabilities.max(axis=1)
    (wrong,) = np.nonzero(answers != pictures.labels)
    return [
        Mistake(
            pictures.paths[i].as_posix(),
            pictures.classes[pictures.labels[i]],
            pictures.classes[answers[i]],
            float(confidence[i]),
            float(probabilities[i, pictures.labels[i]]),
        )
        for i in wrong[np.argsort(-confidence[wrong], kind="stable")]
    ]


def _draw(
    folder: Path,
    pictures: LabelledPictures,
    logits: Floats,
    metrics: Metrics,
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
            f"true: {m.label}\nanswered: {m.answer}\nconfidence {m.confidence:.3f}"
            for m in mistakes
        ],
    )


def _page(
    folder: Path,
    run: str,
    part: Part,
    metrics: Metrics,
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
        images={p.stem: address(p.read_bytes(), "image/png") for p in folder.glob("*.png")},
    )


def _confusions(metrics: Metrics) -> list[tuple[str, str, int]]:
    """True class, answered class and pictures of the cells off the diagonal, the fullest first."""
    names = list(metrics.per_class)
    cells = [
        (names[i], names[j], count)
        for i, row in enumerate(metrics.confusion)
        for j, count in enumerate(row)
        if i != j and count
    ]
    return sorted(cells, key=lambda cell: -cell[2])[:SHOWN_CONFUSIONS]
