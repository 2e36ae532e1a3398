"""Uploaded files: photos, ZIP archives, and what is skipped."""

import zipfile
from io import BytesIO

import pytest

from frontend import photos as module
from frontend.images import UnusablePicture, Upload
from frontend.photos import PhotoList


def archive(**files: bytes) -> bytes:
    buffer = BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as writer:
        for name, content in files.items():
            writer.writestr(name.replace("__", "/", 1).replace("_", "."), content)
    return buffer.getvalue()


def test_zip_is_unpacked_with_its_paths(photo: bytes) -> None:
    listed = PhotoList()

    listed.add([("trip.zip", archive(sea__a_jpg=photo, b_jpg=photo + b"1"))])

    assert [one.name for one in listed.photos] == ["trip.zip/sea/a.jpg", "trip.zip/b.jpg"]
    assert isinstance(listed.photos[0].decode(), Upload)
    assert listed.skipped == []


def test_other_files_are_skipped_with_a_reason(photo: bytes) -> None:
    listed = PhotoList()

    added = listed.add(
        [
            ("a.jpg", photo),
            ("notes.pdf", b"%PDF-1.7"),
            ("folder/.DS_Store", b"x"),
            ("__MACOSX/a.jpg", b"x"),
            ("broken.zip", b"PK\x03\x04"),
            ("nested.zip", archive(inner_zip=archive(a_jpg=photo))),
        ]
    )

    assert [one.name for one in added] == ["a.jpg"]
    assert {one.name: one.reason for one in listed.skipped} == {
        "notes.pdf": "It is not a photo.",
        "broken.zip": "This ZIP file is damaged. Create it again.",
        "nested.zip/inner.zip": "It is a ZIP file in a ZIP file.",
    }


def test_photo_without_a_suffix_is_recognized(photo: bytes) -> None:
    (one,) = PhotoList().add([("IMG-0001", photo)])

    assert isinstance(one.decode(), Upload)


def test_file_with_the_suffix_of_a_photo_is_a_failed_photo() -> None:
    (one,) = PhotoList().add([("notes.jpg", b"hello")])

    assert isinstance(one.decode(), UnusablePicture)


def test_duplicate_names_the_first_photo(photo: bytes) -> None:
    listed = PhotoList()
    first, second = listed.add([("a.jpg", photo), ("b.jpg", photo)])

    assert (first.duplicate_of, second.duplicate_of) == ("", "a.jpg")


@pytest.mark.parametrize(
    ("limit", "value", "reason"),
    [
        ("MAX_PHOTOS", 1, "Up to 1 photos at a time."),
        ("MAX_FILE_BYTES", 196_700, "It has 197 kB; the limit is 197 kB."),
        ("MAX_TOTAL_BYTES", 300_000, "All photos together may have 300 kB."),
    ],
)
def test_limits(
    photo: bytes, monkeypatch: pytest.MonkeyPatch, limit: str, value: int, reason: str
) -> None:
    monkeypatch.setattr(module, limit, value)
    listed = PhotoList()

    listed.add([("a.jpg", photo[:196_600]), ("b.jpg", photo + b"x" * 100)])

    assert [one.name for one in listed.photos] == ["a.jpg"]
    assert [(one.name, one.reason) for one in listed.skipped] == [("b.jpg", reason)]


def test_large_file_in_a_zip_is_not_unpacked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_FILE_BYTES", 1_000_000)
    listed = PhotoList()

    listed.add([("bomb.zip", archive(a_jpg=bytes(3_000_000)))])

    assert listed.photos == []
    assert listed.skipped[0].reason == "It has 3 MB; the limit is 1 MB."


def test_encrypted_file_in_a_zip_is_named(photo: bytes) -> None:
    content = bytearray(archive(a_jpg=photo))
    content[6] |= 1  # the flag in the local header and in the directory
    content[content.index(b"PK\x01\x02") + 8] |= 1
    listed = PhotoList()

    listed.add([("secret.zip", bytes(content))])

    assert "without a password" in listed.skipped[0].reason
