"""The decoder: formats, color modes, animations and sizes."""

from collections.abc import Callable
from io import BytesIO

import numpy as np
import pytest
from PIL import Image

from lambda_api import images
from tests.lambda_api.pictures import (
    SCIKIT_IMAGE,
    china,
    difference,
    encode,
    png_of_16_bits,
)

SIZE = (150, 150)
PHOTO = china()
GRAY = PHOTO.convert("L")
DEEP = np.asarray(PHOTO).astype(np.uint16) * 256 + 128
DEEP_GRAY = np.asarray(GRAY).astype(np.uint16) * 256 + 128
SECOND_FRAME = Image.new("RGB", PHOTO.size, "magenta")
OPAQUE = PHOTO.convert("RGBA")
PALETTE = PHOTO.quantize(256)


def scaled(image: Image.Image) -> np.ndarray:
    """Return the expected pixels."""
    return np.asarray(image.convert("RGB").resize((150, 150), Image.Resampling.BILINEAR))


@pytest.mark.parametrize(
    "options",
    [("JPEG", {}), ("PNG", {}), ("WEBP", {"lossless": True})],
    ids=lambda options: options[0],
)
def test_picture_of_the_target_size_is_unchanged(options: tuple[str, dict]) -> None:
    data = encode(china(150, 150), options[0], **options[1])
    with Image.open(BytesIO(data)) as image:
        expected = np.asarray(image.convert("RGB"))

    picture = images.decode(data, SIZE)

    assert picture.pixels.dtype == np.uint8
    assert np.array_equal(picture.pixels, expected)
    assert (picture.format, picture.width, picture.height) == (options[0], 150, 150)


# For each kind of file: a function that makes it, the expected picture, the tolerance.
KINDS: dict[str, tuple[Callable[[], bytes], Image.Image, float]] = {
    "JPEG": (lambda: encode(PHOTO, "JPEG", quality=95), PHOTO, 2),
    "progressive JPEG": (lambda: encode(PHOTO, "JPEG", quality=95, progressive=True), PHOTO, 2),
    "CMYK JPEG": (lambda: encode(PHOTO.convert("CMYK"), "JPEG", quality=95), PHOTO, 2),
    "gray JPEG": (lambda: encode(GRAY, "JPEG", quality=95), GRAY, 2),
    "MPO": (
        lambda: encode(PHOTO, "MPO", quality=95, save_all=True, append_images=[SECOND_FRAME]),
        PHOTO,
        2,
    ),
    "WebP": (lambda: encode(PHOTO, "WEBP", quality=95), PHOTO, 3),
    "animated WebP": (
        lambda: encode(PHOTO, "WEBP", lossless=True, save_all=True, append_images=[SECOND_FRAME]),
        PHOTO,
        1,
    ),
    "PNG": (lambda: encode(PHOTO, "PNG"), PHOTO, 1),
    "animated PNG": (
        lambda: encode(PHOTO, "PNG", save_all=True, append_images=[SECOND_FRAME]),
        PHOTO,
        1,
    ),
    "RGBA PNG": (lambda: encode(OPAQUE, "PNG"), PHOTO, 1),
    "palette PNG": (lambda: encode(PALETTE, "PNG"), PALETTE, 1),
    "gray PNG": (lambda: encode(GRAY, "PNG"), GRAY, 1),
    "gray PNG with alpha": (lambda: encode(GRAY.convert("LA"), "PNG"), GRAY, 1),
    "1-bit PNG": (lambda: encode(GRAY.convert("1"), "PNG"), GRAY.convert("1"), 1),
    "16-bit gray PNG": (lambda: png_of_16_bits(DEEP_GRAY), GRAY, 1),
    "16-bit RGB PNG": (lambda: png_of_16_bits(DEEP), PHOTO, 1),
}


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_picture_is_decoded(kind: str) -> None:
    make, shown, tolerance = KINDS[kind]

    picture = images.decode(make(), SIZE)

    assert (picture.width, picture.height) == PHOTO.size
    assert picture.format == {"WebP": "WEBP", "PNG": "PNG"}.get(kind.split()[-1], picture.format)
    assert difference(picture.pixels, scaled(shown)) < tolerance


def _half_clear(image: Image.Image) -> Image.Image:
    """Make the left half fully transparent."""
    alpha = Image.new("L", image.size, 255)
    alpha.paste(0, (0, 0, image.width // 2, image.height))
    image.putalpha(alpha)
    return image


def _palette_with_clear_left() -> bytes:
    indexed = PHOTO.quantize(255)
    indexed.putpalette([*indexed.getpalette(), 0, 0, 0])
    indexed.paste(255, (0, 0, indexed.width // 2, indexed.height))
    return encode(indexed, "PNG", transparency=255)


def _color_key(image: Image.Image, key: int | tuple[int, int, int]) -> bytes:
    image.paste(key, (0, 0, image.width // 2, image.height))
    return encode(image, "PNG", transparency=key)


@pytest.mark.parametrize(
    "make",
    [
        lambda: encode(_half_clear(PHOTO.copy()), "PNG"),
        lambda: encode(_half_clear(PHOTO.copy()), "WEBP", lossless=True),
        lambda: encode(_half_clear(GRAY.copy()), "PNG"),
        _palette_with_clear_left,
        lambda: _color_key(GRAY.point(lambda level: max(level, 1)), 0),
        lambda: _color_key(PHOTO.copy(), (255, 0, 255)),
    ],
    ids=["RGBA PNG", "RGBA WebP", "LA PNG", "palette PNG", "gray key PNG", "RGB key PNG"],
)
def test_transparent_pixels_become_white(make: Callable[[], bytes]) -> None:
    pixels = images.decode(make(), SIZE).pixels
    assert (pixels[:, :73] == 255).all()
    right = pixels[:, 77:].mean(axis=2)
    assert difference(right, scaled(GRAY)[:, 77:].mean(axis=2)) < 6


def test_half_transparent_is_half_white() -> None:
    veil = Image.new("RGBA", (40, 30), (200, 100, 0, 128))

    pixels = images.decode(encode(veil, "PNG"), SIZE).pixels

    assert np.abs(pixels.astype(int) - (227, 177, 127)).max() <= 1


NOT_READ_BY_PILLOW = "multipage_rgb.tif"


@pytest.mark.parametrize(
    "name",
    sorted(
        p.name
        for p in SCIKIT_IMAGE.iterdir()
        if p.suffix in images.SUFFIXES and p.name != NOT_READ_BY_PILLOW
    ),
)
def test_every_picture_of_scikit_image_is_decoded(name: str) -> None:
    data = (SCIKIT_IMAGE / name).read_bytes()
    with Image.open(BytesIO(data)) as image:
        size, opaque = image.size, not image.has_transparency_data
        expected = scaled(image) if opaque and image.mode in ("RGB", "L", "P", "1") else None

    picture = images.decode(data, SIZE)

    assert picture.pixels.shape == (150, 150, 3)
    assert (picture.width, picture.height) == size
    assert expected is None or difference(picture.pixels, expected) < 2


@pytest.mark.parametrize("size", [(4000, 3000), (2000, 301), (301, 2000)])
def test_a_large_photo_decodes_like_at_full_resolution(size: tuple[int, int]) -> None:
    data = encode(china(*size), "JPEG", quality=90)
    with Image.open(BytesIO(data)) as image:
        full = scaled(image)

    picture = images.decode(data, SIZE)

    assert (picture.width, picture.height) == size
    assert difference(picture.pixels, full) < 1


def test_target_size_is_height_and_width() -> None:
    assert images.decode(encode(PHOTO, "JPEG"), (100, 160)).pixels.shape == (100, 160, 3)
