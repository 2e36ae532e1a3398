"""Folders of labeled pictures: listing, errors, splitting and streaming."""

import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from lambda_api import images
from training.batches import stream
from training.data import (
    content_hash,
    is_collected,
    open_dataset,
    read_folder,
    read_picture,
    split,
)
from training.errors import DataError


def test_classes_are_the_sorted_folders_and_other_files_are_ignored(
    crops: Path, tmp_path: Path
) -> None:
    root = tmp_path / "bilder mit ümlaut"
    shutil.copytree(crops / "train", root)
    (root / "hubble" / "notes.txt").write_text("not a picture")
    (root / ".cache").mkdir()
    (root / "flower" / "nested").mkdir()
    shutil.copy(next((root / "flower").glob("*.jpg")), root / "flower" / "nested" / "é 1.JPG")
    pictures = read_folder(root)
    assert pictures.classes == ("coffee", "flower", "hubble")
    assert Path("flower/nested/é 1.JPG") in pictures.paths
    assert all(path.suffix.lower() == ".jpg" for path in pictures.paths)
    assert [pictures.classes[i] for i in pictures.labels] == [p.parts[0] for p in pictures.paths]


def _no_folder(root: Path) -> None:
    shutil.rmtree(root)


def _one_class(root: Path) -> None:
    for name in ("coffee", "hubble"):
        shutil.rmtree(root / "train" / name)


def _empty_class(root: Path) -> None:
    (root / "train" / "desert").mkdir()


def _test_with_other_classes(root: Path) -> None:
    (root / "test" / "flower").rename(root / "test" / "flowers")


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (_no_folder, "no such folder"),
        (_one_class, "contains 1 class folders"),
        (_empty_class, "desert contains no pictures"),
        (_test_with_other_classes, "but test has coffee, flowers, hubble"),
    ],
)
def test_an_unusable_folder_is_rejected_with_a_message(
    crops: Path, tmp_path: Path, spoil, message
) -> None:
    root = tmp_path / "data"
    shutil.copytree(crops, root)
    spoil(root)
    with pytest.raises(DataError, match=message):
        open_dataset(root)


def test_without_train_and_test_all_pictures_are_for_training(crops: Path) -> None:
    dataset = open_dataset(crops / "train")
    assert dataset.test is dataset.validation is None
    assert len(dataset.train) == 72


def test_unreadable_pictures_are_listed(crops: Path, tmp_path: Path) -> None:
    shutil.copytree(crops / "train", tmp_path, dirs_exist_ok=True)
    (tmp_path / "hubble" / "broken.jpg").write_bytes(b"\xff\xd8\xff" + b"junk")
    (tmp_path / "flower" / "text.png").write_text("text")
    with pytest.raises(DataError) as caught:
        content_hash(read_folder(tmp_path))
    assert "2 of 74 files" in str(caught.value)
    assert "hubble/broken.jpg: The JPEG picture is damaged" in str(caught.value)
    assert "flower/text.png: This is not a JPEG" in str(caught.value)


def test_the_content_hash_depends_on_names_and_contents_only(crops: Path, tmp_path: Path) -> None:
    original = content_hash(read_folder(crops / "train"))
    copy = tmp_path / "copy"
    shutil.copytree(crops / "train", copy)
    assert content_hash(read_folder(copy)) == original
    first = read_folder(copy).paths[0]
    (copy / first).rename((copy / first).with_name("renamed.jpg"))
    renamed = content_hash(read_folder(copy))
    Image.new("RGB", (96, 96)).save(copy / first.with_name("renamed.jpg"))
    assert len({original, renamed, content_hash(read_folder(copy))}) == 3


def test_the_split_is_stratified_disjoint_and_follows_the_seed(crops: Path) -> None:
    pictures = read_folder(crops / "train")
    rest, validation = split(pictures, 0.25, seed=3)
    assert set(rest.paths).isdisjoint(validation.paths)
    assert set(rest.paths) | set(validation.paths) == set(pictures.paths)
    assert np.bincount(validation.labels).tolist() == [6, 6, 6]
    assert split(pictures, 0.25, seed=3)[1].paths == validation.paths
    assert split(pictures, 0.25, seed=4)[1].paths != validation.paths


def test_collected_pictures_leave_the_validation_pictures_as_they_were(
    crops: Path, tmp_path: Path
) -> None:
    shutil.copytree(crops / "train", tmp_path / "train")
    before = split(read_folder(tmp_path / "train"), 0.25, seed=3)[1]
    for number, name in enumerate(("coffee", "flower", "flower")):
        added = tmp_path / "train" / name / f"collected-{number:064x}.jpeg"
        shutil.copy(crops / "test" / name / "24.jpg", added)

    fitting, validation = split(read_folder(tmp_path / "train"), 0.25, seed=3)

    assert validation.paths == before.paths
    assert sum(is_collected(path) for path in fitting.paths) == 3
    assert list(fitting.paths) == sorted(fitting.paths)
    assert not is_collected(Path("coffee/collected-1.jpg"))


def test_a_class_too_small_to_split_is_reported(crops: Path) -> None:
    pictures = read_folder(crops / "train")
    lonely = pictures.subset([*np.flatnonzero(pictures.labels != 1), 24])
    with pytest.raises(DataError, match="'flower' has 1"):
        split(lonely, 0.2, seed=0)


def test_the_stream_decodes_pictures_as_the_service_does(crops: Path) -> None:
    pictures = read_folder(crops / "train")
    batches = list(stream(pictures, 64, 32).as_numpy_iterator())
    assert [len(pixels) for pixels in batches] == [32, 32, 8]
    for path, seen in zip(pictures.paths, np.concatenate(batches), strict=True):
        data = (pictures.root / path).read_bytes()
        np.testing.assert_array_equal(images.decode(data, (64, 64)).pixels, seen)
        np.testing.assert_array_equal(read_picture(pictures.root / path, 64), seen)
