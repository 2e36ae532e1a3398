import subprocess
import sys
import zlib
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from PIL import ExifTags, Image

from frontend.images import (
    FORMAT_NAMES,
    FORMATS,
    MAX_UPLOAD_BYTES,
    MAX_UPLOAD_PIXELS,
    MIN_SIDE,
    PREVIEW_SIDE,
    REDUCED_SIDE,
    SUFFIXES,
    UnusablePicture,
    format_bytes,
    prepare,
)
from lambda_api import images
from tests.lambda_api.pictures import china, encode, heic, png_chunk

ROOT = Path(__file__).parents[2]


def encoded(image: Image.Image, format_: str = "JPEG", orientation: int = 1) -> bytes:
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = orientation
    buffer = BytesIO()
    image.save(buffer, format_, exif=exif, quality=95, compress_level=1)
    return buffer.getvalue()


def pixels(data: bytes) -> np.ndarray:
    with Image.open(BytesIO(data)) as image:
        return np.asarray(image.convert("RGB")).astype(int)


def noise(width: int, height: int) -> Image.Image:
    """A picture that does not compress."""
    values = np.random.default_rng(0).integers(0, 256, (height, width, 3), dtype=np.uint8)
    return Image.fromarray(values)


def stored_as(image: Image.Image, orientation: int) -> Image.Image:
    """Transform an upright picture so that EXIF's `orientation` turns it upright again."""
    undo = {
        1: (),
        2: (Image.Transpose.FLIP_LEFT_RIGHT,),
        3: (Image.Transpose.ROTATE_180,),
        4: (Image.Transpose.FLIP_TOP_BOTTOM,),
        5: (Image.Transpose.TRANSPOSE,),
        6: (Image.Transpose.ROTATE_90,),
        7: (Image.Transpose.TRANSVERSE,),
        8: (Image.Transpose.ROTATE_270,),
    }
    for step in undo[orientation]:
        image = image.transpose(step)
    return image


def test_picture_within_the_limits_is_sent_unchanged(photo: bytes) -> None:
    upload = prepare(photo, "china.jpg")

    assert upload.content == photo
    assert upload.filename == "china.jpg"
    assert (upload.format, upload.width, upload.height) == ("JPEG", 640, 427)
    assert upload.note == ""


@pytest.mark.parametrize("orientation", range(1, 9))
def test_preview_and_size_are_upright(photos: Path, orientation: int) -> None:
    with Image.open(photos / "china.jpg") as image:
        upright = np.asarray(image).astype(int)
        data = encoded(stored_as(image, orientation), orientation=orientation)

    upload = prepare(data, "china.jpg")

    assert (upload.width, upload.height) == (640, 427)
    assert np.abs(pixels(upload.preview) - upright).mean() < 5


@pytest.mark.parametrize("orientation", [1, 6, 8])
def test_large_photo_is_reduced_below_both_limits_and_upright(
    photos: Path, orientation: int
) -> None:
    with Image.open(photos / "china.jpg") as image:
        large = image.resize((8000, 5300))
        upright = np.asarray(image.resize((160, 106))).astype(int)
    data = encoded(stored_as(large, orientation), orientation=orientation)
    assert len(data) > MAX_UPLOAD_BYTES
    assert large.width * large.height > MAX_UPLOAD_PIXELS

    upload = prepare(data, "IMG_1.JPEG")

    assert len(upload.content) <= MAX_UPLOAD_BYTES
    with Image.open(BytesIO(upload.content)) as sent:
        assert sent.format == "JPEG"
        assert sent.getexif().get(ExifTags.Base.Orientation, 1) == 1
        assert sent.size == (REDUCED_SIDE, 1060)
        small = np.asarray(sent.resize((160, 106))).astype(int)
    assert np.abs(small - upright).mean() < 5
    assert (upload.width, upload.height) == (8000, 5300)
    assert upload.filename == "IMG_1.jpg"
    assert upload.note.startswith("Resized from 8000 × 5300")


def test_incompressible_picture_is_reduced_below_the_limit() -> None:
    data = encoded(noise(2200, 2000), "PNG")
    assert len(data) > MAX_UPLOAD_BYTES

    assert len(prepare(data, "noise.png").content) <= MAX_UPLOAD_BYTES


def test_small_file_with_many_pixels_is_reduced() -> None:
    data = encoded(Image.new("L", (10_000, 4_001)), "PNG")
    assert len(data) < MAX_UPLOAD_BYTES

    upload = prepare(data, "scan.png")

    assert upload.note
    assert pixels(upload.content).shape == (640, REDUCED_SIDE, 3)


def test_too_many_pixels_are_rejected_before_decoding() -> None:
    data = encoded(Image.new("1", (20_000, 20_000)), "PNG")

    with pytest.raises(
        UnusablePicture, match=r"20000 × 20000 is 400 megapixels; the limit for a PNG is 60"
    ):
        prepare(data, "bomb.png")


@pytest.mark.parametrize(("progressive", "limit"), [(False, 110), (True, 60)])
def test_progressive_jpeg_has_a_lower_limit(progressive: bool, limit: int) -> None:
    buffer = BytesIO()
    Image.new("L", (64, 64)).save(buffer, "JPEG", progressive=progressive)
    size = b"\x00\x40\x00\x40"  # in the header of the frame
    assert buffer.getvalue().count(size) == 1
    data = buffer.getvalue().replace(size, b"\x2e\xe0\x2e\xe0")

    with pytest.raises(UnusablePicture, match=f"12000 × 12000 .* is {limit}"):
        prepare(data, "large.jpg")


def test_decoding_a_large_png_makes_no_second_copy(tmp_path: Path) -> None:
    """In a separate process: memory that the tests already use would hide the growth."""
    file = tmp_path / "large.png"
    Image.new("RGBA", (8000, 5000), (10, 90, 120, 128)).save(file, compress_level=1)
    decoded_mb = 8000 * 5000 * 4 / 1e6
    code = (
        "import sys\n"
        "from pathlib import Path\n"
        "from resource import RUSAGE_SELF, getrusage\n"
        "from frontend.images import prepare\n"
        "before = getrusage(RUSAGE_SELF).ru_maxrss\n"
        "prepare(Path(sys.argv[1]).read_bytes(), 'large.png')\n"
        "print((getrusage(RUSAGE_SELF).ru_maxrss - before) / 1000)"
    )

    ran = subprocess.run(
        [sys.executable, "-c", code, str(file)], cwd=ROOT, capture_output=True, text=True
    )

    assert float(ran.stdout) < 2 * decoded_mb, ran.stderr


def test_reduced_picture_is_flattened_and_keeps_its_colors() -> None:
    clear = Image.new("RGBA", (9000, 5000), (255, 0, 0, 0))
    clear.paste((0, 0, 255, 255), (0, 2500, 9000, 5000))

    sent = pixels(prepare(encoded(clear, "PNG"), "large.png").content)

    assert sent.shape == (889, REDUCED_SIDE, 3)
    assert sent[100].min() >= 250
    assert np.abs(sent[800] - (0, 0, 255)).max() <= 5


def test_thin_picture_keeps_the_minimum_side_of_the_api() -> None:
    data = encoded(noise(30_000, 120), "PNG")
    assert len(data) > MAX_UPLOAD_BYTES

    upload = prepare(data, "panorama.png")

    assert pixels(upload.content).shape == (MIN_SIDE, 2000, 3)


@pytest.mark.parametrize("format_", ["JPEG", "PNG", "WEBP", "AVIF", "TIFF", "GIF", "BMP"])
def test_format_is_detected_from_the_content(photos: Path, format_: str) -> None:
    with Image.open(photos / "flower.jpg") as image:
        data = encoded(image, format_)

    assert prepare(data, "flower.gif").format == format_


def test_jpeg_with_a_second_picture_is_a_jpeg(photos: Path) -> None:
    with Image.open(photos / "flower.jpg") as image:
        buffer = BytesIO()
        image.save(buffer, "MPO", save_all=True, append_images=[image.resize((64, 43))])

    upload = prepare(buffer.getvalue(), "phone.jpg")

    assert (upload.format, upload.width, upload.height) == ("JPEG", 640, 427)


def test_heic_is_converted_to_a_jpeg_and_shown_upright() -> None:
    upload = prepare(heic(china().transpose(Image.Transpose.ROTATE_90), 6), "IMG_1.HEIC")

    assert (upload.format, upload.width, upload.height) == ("HEIF", 240, 160)
    assert pixels(upload.content).shape == (160, 240, 3)
    assert upload.filename == "IMG_1.jpg"
    assert "Converted to JPEG (240 × 160)" in upload.note


def test_formats_and_suffixes_are_those_of_the_api() -> None:
    assert FORMATS == images.FORMATS
    assert FORMAT_NAMES == images.NAMES
    assert SUFFIXES == images.SUFFIXES


def test_large_profile_and_missing_end_marker_are_ignored() -> None:
    png, jpeg = encode(china(), "PNG"), encode(china(), "JPEG")
    profile = png_chunk(b"iCCP", b"printer\0\0" + zlib.compress(bytes(2_000_000)))

    assert prepare(png[:33] + profile + png[33:], "a.png").width == 240
    assert prepare(jpeg[:-2], "a.jpg").width == 240


def test_transparency_is_shown_on_white() -> None:
    upload = prepare(encoded(Image.new("RGBA", (64, 64), (0, 0, 0, 0)), "PNG"), "clear.png")

    assert pixels(upload.preview).min() >= 250


def test_sixteen_bit_gray_is_not_clipped_to_white() -> None:
    gray = Image.fromarray(np.full((64, 64), 128 << 8, dtype=np.uint16))

    upload = prepare(encoded(gray, "PNG"), "gray.png")

    assert np.abs(pixels(upload.preview) - 128).max() <= 2


@pytest.mark.parametrize("mode", ["1", "L", "P", "LA", "CMYK"])
def test_other_modes_have_a_preview(photos: Path, mode: str) -> None:
    with Image.open(photos / "flower.jpg") as image:
        data = encoded(image.convert(mode), "JPEG" if mode == "CMYK" else "PNG")

    assert pixels(prepare(data, "flower").preview).shape == (427, 640, 3)


@pytest.mark.filterwarnings("ignore:Corrupt EXIF data")  # a warning of Pillow
@pytest.mark.parametrize(
    ("format_", "block"), [("JPEG", b"MM\x00*\x00\x00\xff\xff"), ("PNG", b"not TIFF at all")]
)
def test_broken_exif_block_is_ignored(photos: Path, format_: str, block: bytes) -> None:
    buffer = BytesIO()
    with Image.open(photos / "flower.jpg") as image:
        image.save(buffer, format_, exif=b"Exif\x00\x00" + block)

    assert prepare(buffer.getvalue(), "flower.jpg").width == 640


@pytest.mark.parametrize("size", [(1, 1), (3000, 1)])
def test_preview_of_a_tiny_or_thin_picture(size: tuple[int, int]) -> None:
    upload = prepare(encoded(Image.new("RGB", size), "PNG"), "thin.png")

    assert max(pixels(upload.preview).shape) <= PREVIEW_SIDE


@pytest.mark.parametrize("data", [b"", b"hello", b"GIF89a", b"\xff\xd8\xff\xe0 not a picture"])
def test_invalid_file_is_rejected(data: bytes) -> None:
    with pytest.raises(UnusablePicture, match=r"not in JPEG, .* or BMP format"):
        prepare(data, "text.jpg")


def test_truncated_picture_is_rejected(photo: bytes) -> None:
    with pytest.raises(UnusablePicture, match="damaged"):
        prepare(photo[: len(photo) // 2], "cut.jpg")


def test_digest_depends_only_on_the_content(photo: bytes, photos: Path) -> None:
    flower = (photos / "flower.jpg").read_bytes()

    assert prepare(photo, "a.jpg").digest == prepare(photo, "b.jpg").digest
    assert prepare(photo, "a.jpg").digest != prepare(flower, "a.jpg").digest


def test_bytes_are_formatted() -> None:
    assert [format_bytes(size) for size in (5, 196_653, 4_200_000)] == ["1 kB", "197 kB", "4.2 MB"]
