"""The audit of a data set: its findings, and the files to exclude."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image, ImageOps

from tests.lambda_api.pictures import SCIKIT_IMAGE, china, encode
from training.audit.examine import examine
from training.audit.files import list_files
from training.audit.findings import Audit, Group, read_exclusions
from training.data import open_dataset, read_folder
from training.errors import DataError


def photo(name: str, side: int = 160) -> Image.Image:
    """A real photo of scikit-image's in RGB, scaled to a square."""
    with Image.open(SCIKIT_IMAGE / f"{name}.png") as image:
        return image.convert("RGB").resize((side, side), Image.Resampling.LANCZOS)


def save(path: Path, image: Image.Image, quality: int = 95) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    image.save(path, quality=quality)
    return path


def paths(group: Group) -> list[str]:
    return [member.path for member in group.members]


def excluded(audit: Audit) -> dict[str, tuple[str, str]]:
    return {one.path: (one.cause, one.reason) for one in audit.exclude}


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Two classes in train and test, seven different photos."""
    root = tmp_path / "data"
    for i, name in enumerate(["astronaut", "coffee"]):
        save(root / "train" / "cat" / f"{i}.jpg", photo(name))
    for i, name in enumerate(["chelsea", "brick", "grass"]):
        save(root / "train" / "dog" / f"{i}.jpg", photo(name))
    save(root / "test" / "cat" / "0.jpg", photo("gravel"))
    save(root / "test" / "dog" / "china.jpg", china())
    return root


def test_a_sound_data_set_has_no_findings(data: Path) -> None:
    audit = examine(list_files(data))
    assert {(c.part, c.label): c.pictures for c in audit.counts} == {
        ("train", "cat"): 2,
        ("train", "dog"): 3,
        ("test", "cat"): 1,
        ("test", "dog"): 1,
    }
    assert not audit.groups + audit.exclude + audit.notes + audit.unreadable + audit.ignored
    assert [(s.width, s.height, s.pictures) for s in audit.sizes] == [(160, 160, 6), (240, 160, 1)]
    assert audit.samples["cat"] == ("train/cat/0.jpg", "train/cat/1.jpg")


def test_a_file_with_two_labels_is_excluded_from_both_classes(data: Path) -> None:
    shutil.copy(data / "train" / "cat" / "0.jpg", data / "train" / "dog" / "copy.jpg")
    audit = examine(list_files(data))
    (group,) = audit.groups
    assert (group.kind, group.leaks, group.contradicts) == ("same file", False, True)
    assert paths(group) == ["train/cat/0.jpg", "train/dog/copy.jpg"]
    assert excluded(audit) == {
        "cat/0.jpg": ("contradiction", "the same file as train/dog/copy.jpg, labeled dog"),
        "dog/copy.jpg": ("contradiction", "the same file as train/cat/0.jpg, labeled cat"),
    }


def _cropped(image: Image.Image, share: float) -> Image.Image:
    cut = round(image.width * share)
    return image.crop((cut // 2, 0, image.width - cut + cut // 2, image.height - cut))


@pytest.mark.parametrize(
    ("name", "alter"),
    [
        ("again.jpg", lambda image: image),
        ("half.jpg", lambda image: image.resize((80, 80))),
        ("large.webp", lambda image: image.resize((480, 320), Image.Resampling.BICUBIC)),
        ("grey.jpg", ImageOps.grayscale),
        ("cropped.jpg", lambda image: _cropped(image, 0.03)),
        ("cmyk.jpg", lambda image: image.convert("CMYK")),
    ],
)
def test_a_slightly_altered_picture_is_found_in_train_and_test(
    data: Path, name: str, alter: Callable[[Image.Image], Image.Image]
) -> None:
    save(data / "train" / "cat" / name, alter(photo("camera")), quality=40)
    save(data / "test" / "cat" / "camera.png", photo("camera"))
    audit = examine(list_files(data))
    (group,) = audit.groups
    assert (group.kind, group.leaks, group.contradicts) == ("near", True, False)
    assert paths(group) == ["test/cat/camera.png", f"train/cat/{name}"]
    reason = "nearly the same picture as test/cat/camera.png in the test part"
    assert excluded(audit) == {f"cat/{name}": ("leak", reason)}


def test_a_train_picture_with_another_label_in_test_is_a_leak(data: Path) -> None:
    shutil.copy(data / "train" / "cat" / "0.jpg", data / "test" / "dog" / "0.jpg")
    audit = examine(list_files(data))
    (group,) = audit.groups
    assert group.leaks
    assert group.contradicts
    assert paths(group) == ["test/dog/0.jpg", "train/cat/0.jpg"]
    reason = "the same file as test/dog/0.jpg in the test part, labeled dog"
    assert excluded(audit) == {"cat/0.jpg": ("leak", reason)}


def test_the_largest_duplicate_within_a_class_is_kept(data: Path) -> None:
    save(data / "train" / "dog" / "large.jpg", china(480, 320))
    save(data / "train" / "dog" / "a small.jpg", china(120, 80))
    (data / "test" / "dog" / "china.jpg").unlink()
    audit = examine(list_files(data))
    assert excluded(audit) == {
        "dog/a small.jpg": ("copy", "nearly the same picture as train/dog/large.jpg, which is kept")
    }


def test_duplicates_within_test_are_listed_but_not_excluded(data: Path) -> None:
    shutil.copy(data / "test" / "dog" / "china.jpg", data / "test" / "dog" / "again.jpg")
    audit = examine(list_files(data))
    assert paths(audit.groups[0]) == ["test/dog/again.jpg", "test/dog/china.jpg"]
    assert not audit.exclude


def test_equal_pixels_and_equal_files_are_different_kinds(data: Path) -> None:
    pixels = photo("camera")
    save(data / "train" / "cat" / "lossless.png", pixels)
    (data / "train" / "cat" / "lossless.webp").write_bytes(encode(pixels, "WEBP", lossless=True))
    (group,) = examine(list_files(data)).groups
    assert group.kind == "same pixels"


def test_unreadable_files_are_listed_with_a_reason_and_excluded(data: Path) -> None:
    whole = encode(china(), "JPEG")
    (data / "train" / "cat" / "cut off.jpg").write_bytes(whole[: len(whole) // 2])
    (data / "train" / "dog" / "text.jpg").write_text("not a picture")
    (data / "train" / "dog" / "empty.png").touch()
    (data / "test" / "dog" / "tested.jpg").write_text("not a picture")
    (data / "train" / "dog" / "notes.txt").write_text("passed over")
    audit = examine(list_files(data))
    assert {bad.path: bad.reason for bad in audit.unreadable} == {
        "train/cat/cut off.jpg": "The JPEG picture is damaged or incomplete.",
        "train/dog/empty.png": "The picture is empty (0 bytes).",
        "train/dog/text.jpg": "This is not a JPEG, PNG or WebP picture.",
        "test/dog/tested.jpg": "This is not a JPEG, PNG or WebP picture.",
    }
    assert sorted(excluded(audit)) == ["cat/cut off.jpg", "dog/empty.png", "dog/text.jpg"]
    assert audit.ignored == ("train/dog/notes.txt",)


def test_formats_and_modes_are_counted(data: Path) -> None:
    save(data / "train" / "cat" / "grey.jpg", ImageOps.grayscale(photo("coins")))
    save(data / "train" / "cat" / "alpha.png", photo("color").convert("RGBA"))
    save(data / "train" / "cat" / "print.jpg", photo("moon").convert("CMYK"))
    save(data / "train" / "cat" / "palette.png", photo("clock_motion").convert("P"))
    audit = examine(list_files(data))
    assert audit.modes == {"RGB": 7, "L": 1, "RGBA": 1, "CMYK": 1, "P": 1}
    assert audit.formats == {"JPEG": 9, "PNG": 2}


def test_only_equal_pictures_of_one_color_are_duplicates(data: Path) -> None:
    for name, color in (("a", "black"), ("b", "white"), ("c", "white"), ("d", "#fefefe")):
        save(data / "train" / "cat" / f"{name}.png", Image.new("RGB", (64, 64), color))
    audit = examine(list_files(data))
    assert audit.flat == tuple(f"train/cat/{name}.png" for name in "abcd")
    assert [paths(group) for group in audit.groups] == [["train/cat/b.png", "train/cat/c.png"]]


def test_excluded_names_match_those_that_training_lists(data: Path, tmp_path: Path) -> None:
    names = ["mit leer.jpg", "été 雪.jpg", "<b>&\"'.jpg", "tief/drin/1.JPG"]
    for name in names:
        save(data / "train" / "dog" / name, china())
    (tmp_path / "audit.json").write_text(examine(list_files(data)).model_dump_json())
    exclusions = read_exclusions(tmp_path / "audit.json")
    assert set(exclusions) == {f"dog/{name}" for name in names}  # china.jpg is in test too
    listed = {path.as_posix() for path in read_folder(data / "train").paths}
    assert set(exclusions) < listed


def test_a_class_with_few_or_no_pictures_is_noted(data: Path) -> None:
    (data / "train" / "bird").mkdir()
    (data / "train" / "cat" / "1.jpg").unlink()
    audit = examine(list_files(data))
    assert audit.notes == (
        "The class bird of the train part has no readable pictures. "
        "Add some, or remove its folder.",
        "The class cat of the train part has one picture, so none can be set aside for validation.",
        "The class bird is in the train part but not in the test part.",
    )


def test_a_single_class_is_noted(data: Path) -> None:
    shutil.rmtree(data / "train" / "cat")
    audit = examine(list_files(data / "train"))
    assert audit.notes == ("There is only one class, dog. Training needs at least two.",)


def test_an_unusable_folder_is_rejected_with_a_message(data: Path) -> None:
    with pytest.raises(DataError, match="nowhere: no such folder"):
        list_files(data / "nowhere")
    with pytest.raises(DataError, match=r"contains no pictures .* to train on"):
        list_files(data / "train" / "cat")
    (data / "train" / "cat" / "caf\udce9.jpg").write_bytes(encode(china(), "JPEG"))
    with pytest.raises(DataError, match=r"udce9.jpg.* is not valid UTF-8. Rename the file"):
        list_files(data)


@pytest.mark.parametrize("nested", ["seg_{0}/seg_{0}", "seg_{0}"])
def test_the_audit_reads_the_folders_that_training_reads(data: Path, nested: str) -> None:
    shutil.copy(data / "train" / "cat" / "0.jpg", data / "test" / "cat" / "0.jpg")
    for part in ("train", "test"):
        shutil.move(data / part, data / "moved" / nested.format(part))
    listing = list_files(data / "moved")
    train, test = open_dataset(data / "moved")
    assert test is not None
    assert [f.within for f in listing.pictures] == [p.as_posix() for p in train.paths + test.paths]
    assert list(excluded(examine(listing))) == ["cat/0.jpg"]


def test_near_duplicates_are_separated_from_similar_scenes(
    shared_pictures: Path, tmp_path: Path
) -> None:
    """All pairs were checked by eye. `similar` are the most similar unrelated scenes."""
    same = [
        ("test/buildings/20805", "train/street/10408"),  # one file, two labels
        ("test/forest/22570", "train/forest/9419"),  # other contrast
        ("test/glacier/22112", "train/glacier/3219", "train/glacier/8194"),  # seconds apart
        ("train/forest/2018", "train/forest/450"),  # other colors
        ("train/mountain/7037", "train/sea/6337"),  # one file, two labels
        ("train/sea/7664", "train/sea/7927"),  # grey, and in a frame
    ]
    similar = [
        ("train/mountain/8549", "train/sea/8185"),
        ("train/mountain/6969", "train/mountain/7350"),
        ("train/glacier/9466", "train/mountain/3786"),
        ("train/street/11823", "train/street/3222"),
        ("train/sea/3264", "train/sea/9613"),
        ("train/sea/10658", "train/sea/5810"),
        ("test/street/22823", "train/sea/10706"),
    ]
    for name in (name for pair in same + similar for name in pair):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(shared_pictures / f"{name}.jpg", tmp_path / f"{name}.jpg")
    found = [
        tuple(p.removesuffix(".jpg") for p in paths(g))
        for g in examine(list_files(tmp_path)).groups
    ]
    assert found == same


def test_the_audit_survives_a_round_trip_through_json(data: Path) -> None:
    shutil.copy(data / "train" / "cat" / "0.jpg", data / "train" / "dog" / "copy.jpg")
    (data / "train" / "cat" / "text.jpg").write_text("text")
    audit = examine(list_files(data))
    assert Audit.model_validate_json(audit.model_dump_json()) == audit


@pytest.mark.parametrize("content", ["", "no JSON", "{}", '{"schema_version": 2}'])
def test_a_file_that_is_not_an_audit_is_rejected(tmp_path: Path, content: str) -> None:
    file = tmp_path / "audit.json"
    with pytest.raises(DataError, match=r"audit.json: cannot read the audit: No such file"):
        read_exclusions(file)
    file.write_text(content)
    with pytest.raises(
        DataError, match=r"is not an audit. Write one with `python -m training audit DATA`"
    ):
        read_exclusions(file)
