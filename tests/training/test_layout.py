"""Layouts of data sets: parts, classes, wrapping folders, and what is not data."""

import io
import os
import tempfile
import unicodedata
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from PIL import Image

from lambda_api.images.files import is_system_file
from training.data import LabelledPictures, content_hash, open_dataset, read_folder, split
from training.errors import DataError


def _png(number: int) -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (8, 8), (number % 256, number // 256, 128)).save(buffer, "PNG")
    return buffer.getvalue()


PICTURES = [_png(number) for number in range(40)]
APPLE_DOUBLE = b"\0\5\x16\7\0\2\0\0Mac OS X        " + bytes(50)

TRAIN_NAMES = ["train", "Training", "TRAIN", "seg_train", "train_set", "TrainImages", "train2017"]
TRAIN_NAMES += ["01 training data", "entrenamiento", "训练集", "flowers-train", "tRAIN"]
TRAIN_NAMES += ["Trainingsdaten", "обучающая выборка", "훈련 데이터", "X_train", "xtrain"]
VALIDATION_NAMES = ["valid", "val", "Validation", "dev", "validation_set", "val2017", "验证集"]
VALIDATION_NAMES += ["flowers-valid", "vAL", "Validierungsdaten", "валидация"]
TEST_NAMES = ["test", "Testing", "TEST", "holdout", "Hold-Out", "seg_test", "testset", "test1"]
TEST_NAMES += ["eval", "测试集", "flowers-test", "tEST", "Testbilder", "тестовая выборка"]

JUNK_FILES = ["._1.png", ".DS_Store", "Thumbs.db", "desktop.ini", "1.png~", "~$1.png", "x.png.tmp"]
JUNK_FILES += ["2.png.part", "3.jpg.crdownload", "Icon\r", "ehthumbs.db", "1.png:Zone.Identifier"]
JUNK_FILES += ["#1.png#", "1.png.bak", ".1.png.swp"]
JUNK_FOLDERS = ["__MACOSX", "@eaDir", "#recycle", "$RECYCLE.BIN", "System Volume Information"]
JUNK_FOLDERS += [".ipynb_checkpoints", "lost+found", ".git", ".svn", "@tmp", ".AppleDouble"]
JUNK_FOLDERS += ["RECYCLER", "found.000", "_gsdata_"]
JUNK_FOLDERS += [".Spotlight-V100", ".Trashes", ".fseventsd", ".sync", ".stfolder"]
WRAPPERS = ["archive", "flowers", "train_test_split", "data", "images", "x (1)", "Ordner ü"]

Tree = dict[str, bytes]

CLASSES = st.lists(
    st.sampled_from(["rose", "tulip", "Café", "bus", "sea view", "1", "Übung", "test tube"]),
    min_size=2,
    max_size=4,
    unique=True,
)


def classes_tree(classes: list[str], first: int = 0, count: int = 4) -> Tree:
    return {
        f"{name}/{i}.png": PICTURES[(first + 7 * c + i) % len(PICTURES)]
        for c, name in enumerate(classes)
        for i in range(count)
    }


def below(folder: str, tree: Tree) -> Tree:
    return {f"{folder}/{path}": data for path, data in tree.items()}


def write(root: Path, tree: Tree) -> Path:
    for name, data in tree.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(data)
    return root


def facts(pictures: LabelledPictures | None) -> object:
    if pictures is None:
        return None
    fitting, validation = split(pictures, 0.5, seed=3)
    return (
        pictures.classes,
        [path.as_posix() for path in pictures.paths],
        pictures.labels.tolist(),
        content_hash(pictures),
        fitting.paths,
        validation.paths,
    )


def result(tree: Tree) -> tuple[object, ...]:
    """All that training takes from a data set of these files."""
    with tempfile.TemporaryDirectory() as folder:
        dataset = open_dataset(write(Path(folder, "data"), tree))
        return tuple(facts(part) for part in (dataset.train, dataset.validation, dataset.test))


@st.composite
def datasets(draw: st.DrawFn) -> Tree:
    """Classes at the root, or in train/ and perhaps valid/ and test/."""
    classes = draw(CLASSES)
    if draw(st.booleans()):
        return classes_tree(classes)
    tree = below("train", classes_tree(classes))
    if draw(st.booleans()):
        tree |= below("valid", classes_tree(classes, 3))
    if draw(st.booleans()):
        tree |= below("test", classes_tree(classes, 5))
    return tree


@settings(max_examples=25, deadline=None)
@given(tree=datasets(), data=st.data())
def test_junk_anywhere_changes_nothing(tree: Tree, data: st.DataObject) -> None:
    folders = sorted({"/".join(path.split("/")[:n]) for path in tree for n in range(3)} - {*tree})
    junk: Tree = {}
    for folder in data.draw(st.lists(st.sampled_from(folders), min_size=1, max_size=5)):
        name = data.draw(
            st.sampled_from(JUNK_FILES)
            | st.builds("{}/rose/9.png".format, st.sampled_from(JUNK_FOLDERS))
            | st.sampled_from(["README.txt", "labels.csv", "checksums"])
        )
        junk[f"{folder}/{name}".lstrip("/")] = data.draw(st.sampled_from([APPLE_DOUBLE, b"text"]))

    assert result(tree | junk) == result(tree)


@settings(max_examples=25, deadline=None)
@given(
    classes=CLASSES,
    train=st.sampled_from(TRAIN_NAMES),
    validation=st.none() | st.sampled_from(VALIDATION_NAMES),
    test=st.none() | st.sampled_from(TEST_NAMES),
    twice=st.booleans(),
)
@example(
    classes=["rose", "tulip"], train="flowers-train", validation=None, test="test", twice=False
)
def test_all_usual_names_of_parts_give_the_same_result(
    classes: list[str], train: str, validation: str | None, test: str | None, twice: bool
) -> None:
    plain, renamed = {}, {}
    for name, usual, first in ((train, "train", 0), (validation, "valid", 3), (test, "test", 5)):
        if name and (name.startswith("flowers") <= train.startswith("flowers")):
            tree = classes_tree(classes, first)
            plain |= below(usual, tree)
            renamed |= below(f"{name}/{name}" if twice else name, tree)

    if train == "flowers-train" and len(plain) == len(classes) * 4:
        renamed = below("train", classes_tree(classes))  # alone, it is an archive's folder

    assert result(renamed) == result(plain)


@settings(max_examples=25, deadline=None)
@given(tree=datasets(), wrappers=st.lists(st.sampled_from(WRAPPERS), min_size=1, max_size=3))
def test_wrapping_folders_change_nothing(tree: Tree, wrappers: list[str]) -> None:
    wrapped = below("/".join(wrappers), tree) | {"README.md": b"text", "__MACOSX/._a": b"x"}

    assert result(wrapped) == result(tree)


@settings(max_examples=20, deadline=None)
@given(tree=datasets(), form=st.sampled_from(["NFC", "NFD"]))
def test_unicode_forms_of_class_names_change_no_class(tree: Tree, form: str) -> None:
    def classes(root: Path) -> list[object]:
        dataset = open_dataset(root)
        parts = (dataset.train, dataset.validation, dataset.test)
        return [part and (part.classes, part.labels.tolist()) for part in parts]

    other = {
        unicodedata.normalize(form, path) if path.startswith("train/") else path: data
        for path, data in tree.items()
    }
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        assert classes(write(root / "a", other)) == classes(write(root / "b", tree))


@settings(max_examples=200)
@given(
    junk=st.sampled_from(JUNK_FILES + JUNK_FOLDERS),
    change=st.sampled_from([str, str.upper, str.lower]),
    word=st.from_regex(r"[\w][\w -]*", fullmatch=True),
)
def test_junk_is_recognized_in_any_case_and_words_are_not_junk(
    junk: str, change: Callable[[str], str], word: str
) -> None:
    assert is_system_file(change(junk))
    system = {"__macosx", "__pycache__", "recycler", "recycled", "_gsdata_"}
    assert is_system_file(word) is (word.casefold() in system or word == "")


def _counts(pictures: LabelledPictures) -> dict[str, int]:
    return dict(zip(pictures.classes, np.bincount(pictures.labels).tolist(), strict=True))


FLOWERS = classes_tree(["rose", "tulip"])
OTHER = classes_tree(["rose", "oak"])
LOOSE: Tree = {f"{i}.png": PICTURES[i] for i in range(3)}


@pytest.mark.parametrize("name", ["train", "test", "valid", "Training"])
def test_a_class_may_be_called_like_a_part(tmp_path: Path, name: str) -> None:
    dataset = open_dataset(write(tmp_path, classes_tree(["bus", "car", name])))

    assert _counts(dataset.train) == {"bus": 4, "car": 4, name: 4}
    assert dataset.notes == (
        f"note: the folder {name} is read as a class. If it is a part of the data, put the class "
        "folders into a folder train beside it.",
    )


def test_classes_that_share_a_word_with_parts_are_classes(tmp_path: Path) -> None:
    names = ["steam_train", "diesel_train", "test tube", "bus"]

    assert _counts(open_dataset(write(tmp_path, classes_tree(names))).train).keys() == {*names}


@pytest.mark.parametrize("name", ["test", "seg_pred/seg_pred", "test/images", "Test/unknown"])
def test_unlabeled_pictures_are_left_aside_with_a_note(tmp_path: Path, name: str) -> None:
    dataset = open_dataset(write(tmp_path, below("seg_train", FLOWERS) | below(name, LOOSE)))

    assert _counts(dataset.train) == {"rose": 4, "tulip": 4}
    assert dataset.test is None
    (note,) = dataset.notes
    assert note.startswith(f"left aside: {name.split('/')[0]} (3 pictures, ")


def test_an_empty_part_and_other_folders_are_left_aside_with_a_note(tmp_path: Path) -> None:
    tree = below("train", FLOWERS) | below("test", FLOWERS) | below("leaflets", LOOSE)
    (tmp_path / "valid").mkdir()

    assert open_dataset(write(tmp_path, tree)).notes == (
        "left aside: leaflets (3 pictures, not a training, validation or test part)",
        "left aside: valid (no pictures)",
    )


@pytest.mark.parametrize(
    ("tree", "message"),
    [
        (below("train", LOOSE) | below("test", LOOSE), "train looks like the training part, but"),
        (below("train/images", LOOSE), "training part, but contains no class folders"),
        (below("train", FLOWERS) | below("valid", LOOSE), "looks like the validation part, but"),
        (below("train", FLOWERS) | below("Training", FLOWERS), "look like the same part"),
        (
            below("train", FLOWERS) | below("test", FLOWERS) | below("holdout", FLOWERS),
            "look like the same part of the data",
        ),
        (below("valid", FLOWERS) | below("test", FLOWERS), "contains test, valid but no training"),
        (below("test", FLOWERS), "contains test but no training part"),
        (FLOWERS | below("test", FLOWERS), "test looks like a part of the data, because"),
        (below("my flowers", FLOWERS) | below("test", FLOWERS), "there is no training part"),
        (below("train", FLOWERS) | below("bus", LOOSE), "train contains folders and is beside bus"),
        (
            {f"{name}/{part}/1.png": b"" for name in ("a", "b") for part in ("train", "test")},
            "the class folders contain the parts test, train",
        ),
        (below("train", FLOWERS) | below("test", OTHER), "but test has oak"),
        (below("train", FLOWERS) | below("val", OTHER), "but val has oak"),
        (classes_tree(["Caf\u00e9", "Cafe\u0301", "rose"]), "differ in their Unicode form only"),
        (LOOSE, "contains 0 class folders"),
        (below("rose", LOOSE), "contains 1 class folders"),
    ],
)  # fmt: skip
def test_folders_that_do_not_fit_are_refused(tmp_path: Path, tree: Tree, message: str) -> None:
    with pytest.raises(DataError) as caught:
        open_dataset(write(tmp_path / "data", tree))

    assert message in str(caught.value)


def test_parts_of_unknown_names_are_noted(tmp_path: Path) -> None:
    (note,) = open_dataset(write(tmp_path, below("one", FLOWERS) | below("two", FLOWERS))).notes

    assert "the folders one, two are read as classes, but contain the same folders rose, tu" in note


def test_one_part_is_read_alone_and_parts_are_not_one(tmp_path: Path) -> None:
    write(tmp_path, below("seg_train/seg_train", FLOWERS) | below("seg_test/seg_test", FLOWERS))

    assert _counts(read_folder(tmp_path / "seg_test")) == {"rose": 4, "tulip": 4}
    with pytest.raises(DataError, match=r"contains the parts .*seg_train and .*seg_test. Pass"):
        read_folder(tmp_path)


def test_pictures_are_recognized_by_content(tmp_path: Path) -> None:
    names = ["a.jfif", "b.jpe", "c", "d.jpg_large", "e.JPG", "f.png.1"]
    dataset = open_dataset(
        write(tmp_path, FLOWERS | {f"rose/{name}": PICTURES[0] for name in names})
    )

    assert {path.name for path in dataset.train.paths} > {*names}


def test_all_that_is_left_out_is_counted(tmp_path: Path) -> None:
    tree = below("train", FLOWERS) | {
        "notes.txt": b"text",
        "annotations/1.xml": b"<xml/>",
        "train/rose/labels.csv": b"a,b",
        "train/rose/._1.png": APPLE_DOUBLE,
        "train/rose/@eaDir/1.png": PICTURES[1],
        "__MACOSX/._x": APPLE_DOUBLE,
        "train/loose.png": PICTURES[0],
        "loose.png": PICTURES[0],
    }

    dataset = open_dataset(write(tmp_path, tree))

    assert dataset.remarks() == [
        "left out: 3 hidden, 3 not pictures, 2 outside of the class folders"
    ]


def test_links_are_followed_but_not_in_circles(tmp_path: Path) -> None:
    root = write(tmp_path / "data", FLOWERS)
    write(tmp_path / "elsewhere", LOOSE)
    (root / "oak").symlink_to(tmp_path / "elsewhere")
    (root / "rose" / "again").symlink_to(root)
    (root / "rose" / "itself").symlink_to("itself")
    os.mkfifo(root / "rose" / "pipe")

    dataset = open_dataset(root)

    assert _counts(dataset.train) == {"oak": 3, "rose": 4, "tulip": 4}
    assert dataset.remarks() == ["left out: 2 not pictures, 1 circular links"]


def test_a_broken_link_with_a_picture_suffix_is_an_error(tmp_path: Path) -> None:
    (write(tmp_path, FLOWERS) / "rose" / "gone.jpg").symlink_to("nowhere.jpg")

    with pytest.raises(DataError, match=r"rose/gone.jpg: No such file or directory"):
        content_hash(open_dataset(tmp_path).train)


def test_folders_nested_too_deeply_are_an_error(tmp_path: Path) -> None:
    write(tmp_path, FLOWERS | {"rose/" + "d/" * 120 + "1.png": PICTURES[0]})

    with pytest.raises(DataError, match="More than 100 nested folders"):
        open_dataset(tmp_path)


def test_names_that_are_not_utf_8_are_an_error(tmp_path: Path) -> None:
    write(tmp_path, FLOWERS | {"tulip/caf\udce9.png": PICTURES[0]})

    with pytest.raises(DataError, match=r"udce9.* is not valid UTF-8"):
        open_dataset(tmp_path)


@pytest.fixture
def unprivileged() -> Iterator[None]:
    """Without the privileges of root, to whom no folder is closed."""
    root = os.geteuid() == 0
    if root:
        os.seteuid(65534)
    yield
    if root:
        os.seteuid(0)


@pytest.fixture
def closed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A data set, relative to the current folder, with a folder that nobody may list."""
    write(tmp_path / "data", FLOWERS | {"rose/private/1.png": PICTURES[0]})
    (tmp_path / "data" / "rose" / "private").chmod(0)
    tmp_path.chmod(0o755)
    monkeypatch.chdir(tmp_path)
    return Path("data")


def test_a_folder_without_permission_is_an_error(closed: Path, unprivileged: None) -> None:
    with pytest.raises(DataError, match=r"rose/private: Permission denied"):
        open_dataset(closed)
