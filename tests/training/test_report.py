"""The report: its contents, and the replacement of an old one."""

import json
import shutil
from html.parser import HTMLParser
from pathlib import Path
from typing import Never

import numpy as np
import pytest
from PIL import Image

from training.calibration import Calibration, Floats, calibrated
from training.config import TrainingConfig
from training.data import LabelledPictures, read_folder, read_picture
from training.errors import RunError
from training.metrics import ReportMetrics
from training.report import report
from training.report.figures import draw_curves
from training.report.report import check_destination, find_mistakes, write_report
from training.run.history import read_history

CALIBRATION = Calibration(temperature=0.8, threshold=0.9, target_accuracy=0.97)
COLUMNS = "phase,epoch,accuracy,loss,val_accuracy,val_loss,learning_rate"
HEAD = [f"head,{i},{0.6 + 0.1 * i},1.0,{0.5 + 0.1 * i},1.1,0.001" for i in range(3)]
ALL = [f"all,{i},0.9,0.6,0.8{i},0.7,6e-05" for i in range(3, 6)]


@pytest.fixture(scope="module")
def pictures(crops: Path) -> LabelledPictures:
    """24 real pictures of three classes."""
    return read_folder(crops / "test")


@pytest.fixture
def history(tmp_path: Path) -> Path:
    return _history(tmp_path, HEAD + ALL)


@pytest.fixture(scope="module")
def written(pictures: LabelledPictures, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A report that tests read and copy, but do not change."""
    folder = tmp_path_factory.mktemp("written")
    _write(folder / "reports" / "first", pictures, _history(folder, HEAD + ALL))
    return folder / "reports" / "first"


@pytest.fixture
def old(written: Path, tmp_path: Path) -> Path:
    """A copy of the report that a test may replace."""
    return shutil.copytree(written, tmp_path / "report")


def _history(folder: Path, rows: list[str]) -> Path:
    path = folder / "spring run" / "history.csv"
    path.parent.mkdir(exist_ok=True)
    path.write_text("\n".join([COLUMNS, *rows]) + "\n")
    return path


def _logits(pictures: LabelledPictures, wrong: tuple[int, ...] = (3, 10, 17)) -> Floats:
    """Logits that are correct except at `wrong`. Confidence rises with the index."""
    answers = pictures.labels.copy()
    answers[list(wrong)] = (answers[list(wrong)] + 1) % len(pictures.classes)
    heights = 1 + 0.1 * np.arange(len(pictures))
    return np.eye(len(pictures.classes))[answers] * heights[:, np.newaxis]


def _write(
    folder: Path, pictures: LabelledPictures, history: Path, logits: Floats | None = None
) -> ReportMetrics:
    originals = np.stack([read_picture(pictures.root / p, 48) for p in pictures.paths[:3]])
    return write_report(
        folder,
        pictures=pictures,
        logits=_logits(pictures) if logits is None else logits,
        calibration=CALIBRATION,
        part="validation",
        history=history,
        config=TrainingConfig(image_size=48),
        augmented=(originals, np.stack([originals, originals[:, :, ::-1]], axis=1)),
    )


class _Page(HTMLParser):
    """Parser for the text of a page, its tags, and the URLs in them."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.addresses: list[str] = []
        self.text = ""
        self.feed(html)
        self.close()

    def handle_starttag(self, tag, attrs) -> None:
        self.tags.add(tag)
        given = dict(attrs)
        self.addresses += [given[k] for k in ("src", "href", "srcset", "data") if k in given]

    def handle_data(self, data) -> None:
        self.text += data


def _page(folder: Path) -> _Page:
    return _Page((folder / "report.html").read_text(encoding="utf-8"))


def _contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_a_report_contains_figures_metrics_and_a_page(written: Path) -> None:
    assert {path.name for path in written.iterdir()} == report.FILES
    for path in written.glob("*.png"):
        with Image.open(path) as image:
            assert min(image.size) > 200
            assert len(set(image.convert("L").tobytes())) > 20  # something was drawn
    metrics = ReportMetrics.model_validate_json((written / "metrics.json").read_bytes())
    assert metrics.accuracy == 21 / 24
    text = _page(written).text
    assert "spring run on 24 validation pictures" in text
    assert f"{metrics.accuracy:.4f}" in text
    assert "Misclassified pictures: 3. Check" in text
    assert [path.name for path in written.parent.iterdir()] == ["first"]


def test_the_page_is_self_contained(written: Path) -> None:
    page = _page(written)
    assert len(page.addresses) == 8
    assert all(address.startswith("data:image/png;base64,") for address in page.addresses)
    assert not page.tags & {"script", "link", "iframe", "object"}
    html = (written / "report.html").read_text()
    assert "url(" not in html
    assert "http" not in html.replace('http-equiv="Content-Security-Policy"', "")


def test_the_most_confident_mistakes_come_first(pictures: LabelledPictures, written: Path) -> None:
    probabilities = calibrated(_logits(pictures), 0.8)
    mistakes = find_mistakes(pictures, probabilities)
    assert [m.path for m in mistakes] == [pictures.paths[i].as_posix() for i in (17, 10, 3)]
    first = mistakes[0]
    assert (first.label, first.predicted) == ("hubble", "coffee")
    assert first.confidence == probabilities[17].max()
    assert first.confidence_true == probabilities[17, 2]
    text = _page(written).text
    positions = [text.index(m.path) for m in mistakes]
    assert positions == sorted(positions)


def test_a_report_without_mistakes_and_augmentation(
    pictures: LabelledPictures, history: Path, tmp_path: Path
) -> None:
    write_report(
        tmp_path / "report",
        pictures=pictures,
        logits=_logits(pictures, wrong=()),
        calibration=CALIBRATION,
        part="test",
        history=history,
        config=TrainingConfig(),
        augmented=None,
    )
    assert {path.name for path in (tmp_path / "report").iterdir()} == report.FILES - {
        "mistakes.png",
        "augmented.png",
    }
    text = _page(tmp_path / "report").text
    assert "No picture was misclassified" in text
    assert "Augmentation" not in text
    assert "Expect slightly lower accuracy" not in text  # nothing was chosen on test pictures


def test_names_in_any_script_are_shown_unchanged(crops: Path, tmp_path: Path) -> None:
    names = {"coffee": "Café crème", "flower": "<u>花 & $x$", "hubble": "_" + "long " * 30 + "$"}
    for old, new in names.items():
        shutil.copytree(crops / "test" / old, tmp_path / "data" / new)
    photo = next((tmp_path / "data" / names["flower"]).iterdir())
    photo = photo.rename(photo.with_name('"été" <s> $%d.jpg'))
    pictures = read_folder(tmp_path / "data")
    run = tmp_path / "<i>Größe 大"
    _history(tmp_path, ALL).parent.rename(run)
    all_wrong = _logits(pictures, wrong=tuple(range(24)))
    _write(tmp_path / "report", pictures, run / "history.csv", all_wrong)
    page = _page(tmp_path / "report")
    assert not page.tags & {"u", "s", "i"}
    for name in (*pictures.classes, run.name, photo.relative_to(tmp_path / "data").as_posix()):
        assert name in page.text
    metrics = ReportMetrics.model_validate_json((tmp_path / "report" / "metrics.json").read_bytes())
    assert tuple(metrics.per_class) == pictures.classes


@pytest.mark.parametrize("rows", [HEAD, ALL, HEAD[:1], ["all,0,nan,nan,0.3,nan,1"]])
def test_a_history_of_one_phase_or_one_epoch_is_drawn(tmp_path: Path, rows: list[str]) -> None:
    draw_curves(tmp_path / "curves.png", read_history(_history(tmp_path, rows)))
    with Image.open(tmp_path / "curves.png") as image:
        assert image.width > 1000


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda path: path.unlink(), "No such file"),
        (lambda path: path.write_text(""), "contains no epochs"),
        (lambda path: path.write_text(COLUMNS + "\n"), "contains no epochs"),
        (lambda path: path.write_text("epoch,loss\n0,0.5\n"), "val_accuracy"),
        (lambda path: path.write_text(COLUMNS + "\nhead,0,0.5"), "val_loss"),
        (lambda path: path.write_bytes(b"\xff\xfe\x00"), "not the history"),
    ],
)
def test_a_bad_history_is_reported_before_anything_is_written(
    pictures: LabelledPictures, history: Path, tmp_path: Path, spoil, message: str
) -> None:
    spoil(history)
    with pytest.raises(RunError, match=message) as caught:
        _write(tmp_path / "report", pictures, history)
    assert str(history) in str(caught.value)
    assert [path.name for path in tmp_path.iterdir()] == ["spring run"]


def test_epochs_are_read_in_order_with_their_phase(history: Path) -> None:
    epochs = read_history(history)
    assert [epoch.phase for epoch in epochs] == ["head"] * 3 + ["all"] * 3
    assert [epoch.epoch for epoch in epochs] == list(range(6))
    assert epochs[4].val_accuracy == 0.84


def test_a_new_report_replaces_all_of_an_old_one(
    old: Path, pictures: LabelledPictures, history: Path
) -> None:
    assert (old / "mistakes.png").is_file()
    _write(old, pictures, history, _logits(pictures, wrong=()))
    assert {path.name for path in old.iterdir()} == report.FILES - {"mistakes.png"}
    assert json.loads((old / "metrics.json").read_bytes())["accuracy"] == 1.0


class _Interrupted(BaseException):
    pass


@pytest.mark.parametrize("step", ["_draw", "_draw_mistakes", "_page"])
def test_an_interrupted_report_leaves_the_old_one__a_step_mocked(
    old: Path, pictures: LabelledPictures, history: Path, tmp_path: Path, monkeypatch, step: str
) -> None:
    before = _contents(old)

    def interrupt(*_) -> Never:
        raise _Interrupted

    monkeypatch.setattr(report, step, interrupt)
    with pytest.raises(_Interrupted):
        _write(old, pictures, history, _logits(pictures, wrong=(1,)))
    assert _contents(old) == before
    assert {path.name for path in tmp_path.iterdir()} == {"report", "spring run"}


def test_an_interrupted_swap_restores_the_old_report__rename_mocked(
    old: Path, pictures: LabelledPictures, history: Path, tmp_path: Path, monkeypatch
) -> None:
    before = _contents(old)
    rename = Path.rename

    def interrupt(source: Path, target: Path) -> Path:
        if source.name == "new":
            raise _Interrupted
        return rename(source, target)

    monkeypatch.setattr(Path, "rename", interrupt)
    with pytest.raises(_Interrupted):
        _write(old, pictures, history)
    assert _contents(old) == before
    assert {path.name for path in tmp_path.iterdir()} == {"report", "spring run"}


def test_a_folder_with_other_files_is_not_replaced(
    pictures: LabelledPictures, history: Path, tmp_path: Path
) -> None:
    folder = history.parent  # the run itself
    for check in (check_destination, lambda f: _write(f, pictures, history)):
        with pytest.raises(RunError, match=r"contains other files than a report \(history\.csv\)"):
            check(folder)
    assert [path.name for path in folder.iterdir()] == ["history.csv"]
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(OSError, match="file"):
        check_destination(tmp_path / "file" / "report")


def test_many_classes_are_drawn(tmp_path: Path, crops: Path) -> None:
    photo = next((crops / "test" / "flower").iterdir())
    for i in range(60):
        (tmp_path / "data" / f"kind {i:02}").mkdir(parents=True)
        shutil.copy(photo, tmp_path / "data" / f"kind {i:02}" / "1.jpg")
    pictures = read_folder(tmp_path / "data")
    wrong = tuple(range(0, 60, 2))
    metrics = _write(
        tmp_path / "report", pictures, _history(tmp_path, ALL), _logits(pictures, wrong)
    )
    assert metrics.accuracy == 0.5
    with Image.open(tmp_path / "report" / "classes.png") as image:
        assert image.height < 4000
    assert "Misclassified pictures: 30. The most confident" in _page(tmp_path / "report").text
