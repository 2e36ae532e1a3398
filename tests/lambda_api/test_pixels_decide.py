"""Only pixels decide: what is wrong outside them never makes a picture unreadable."""

import hashlib
import struct
import zlib
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image, ImageCms

from lambda_api import images
from tests.lambda_api.pictures import (
    CHINA,
    SCIKIT_IMAGE,
    china,
    difference,
    encode,
    heic,
    png,
    png_chunk,
)

SIZE = (150, 150)
PHOTO = china(96, 64)
OTHER = PHOTO.rotate(180)
JUNK = st.binary(max_size=200)


def _in_png(draw: st.DrawFn) -> bytes:
    data = draw(st.sampled_from([encode(PHOTO, "PNG"), encode(PHOTO.quantize(16), "PNG")]))
    kinds = b"tEXt zTXt iTXt iCCP eXIf gAMA cHRM sRGB pHYs tIME sBIT bKGD acTL fcTL prVt".split()
    kind, junk = draw(st.sampled_from(kinds)), draw(JUNK)
    chunk = bytearray(png_chunk(kind, junk))
    if draw(st.booleans()):
        chunk[-1] ^= 1  # a wrong checksum
    at = draw(st.sampled_from([33, data.index(b"IDAT") - 4, len(data) - 12, len(data)]))
    return data[:at] + bytes(chunk) + data[at:]


def _in_jpeg(draw: st.DrawFn) -> bytes:
    progressive = draw(st.booleans())
    data = encode(PHOTO, "JPEG", progressive=progressive)
    junk = draw(st.sampled_from([b"", b"Exif\0\0", b"ICC_PROFILE\0", b"MPF\0", b"Photoshop 3.0\0"]))
    junk += draw(JUNK)
    marker = draw(st.sampled_from([*range(0xE0, 0xEE), 0xEF, 0xFE]))
    segment = bytes([0xFF, marker]) + struct.pack(">H", len(junk) + 2) + junk
    at = draw(st.sampled_from([2, data.index(b"\xff\xdb"), data.index(b"\xff\xda")]))
    data = data[:at] + segment + data[at:]
    end = draw(st.sampled_from([b"", b"\xff", b"\xff\xd9", b"\xff\xd9\xff\xd8\xff" + draw(JUNK)]))
    return data[:-2] + end


def _in_webp(draw: st.DrawFn) -> bytes:
    data = encode(PHOTO, "WEBP", exif=b"Exif\0\0" + draw(JUNK), xmp=draw(JUNK) or b"x")
    kind, junk = draw(st.sampled_from([b"EXIF", b"XMP ", b"ICCP", b"junk"])), draw(JUNK)
    chunk = kind + struct.pack("<I", len(junk)) + junk + bytes(len(junk) % 2)
    at = draw(st.sampled_from([30, len(data)]))
    size = draw(st.sampled_from([len(data) + len(chunk) - 8, 0xFFFFFFF0, 100]))
    return b"RIFF" + struct.pack("<I", size) + (data[8:at] + chunk + data[at:])


def _in_heif(draw: st.DrawFn) -> bytes:
    exif = Image.Exif()
    exif[0x010E] = "description " * 10
    block = exif.tobytes().removeprefix(b"Exif\0\0")
    data = encode(PHOTO, draw(st.sampled_from(["AVIF", "HEIF"])), exif=exif)
    assert block in data
    junk = draw(JUNK)
    free = struct.pack(">I", len(junk) + 8) + b"free" + junk
    return data.replace(block, junk[: len(block)].ljust(len(block), b"?")) + free


def _in_tiff(draw: st.DrawFn) -> bytes:
    data = bytearray(encode(PHOTO, "TIFF"))
    (start,) = struct.unpack_from("<I", data, 4)
    (count,) = struct.unpack_from("<H", data, start)
    tags = data[start + 2 : start + 2 + 12 * count]
    tag = draw(st.sampled_from([305, 700, 33432, 34665, 34675, 34853, 37724, 65000]))
    entry = struct.pack("<H", tag) + draw(st.binary(min_size=10, max_size=10))
    directory = (
        struct.pack("<H", count + 1) + tags + entry + draw(st.binary(min_size=4, max_size=4))
    )
    data[4:8] = struct.pack("<I", len(data))
    return bytes(data) + directory


def _in_gif(draw: st.DrawFn) -> bytes:
    data = encode(PHOTO, "GIF")
    junk = draw(st.binary(min_size=1, max_size=200))
    kind = draw(st.sampled_from([0xFE, 0xFF, 0x01]))
    block = bytes([0x21, kind, len(junk)]) + junk + b"\0"
    start = 13 + 3 * 256
    return data[:start] + block + data[start:-1] + draw(st.sampled_from([b";", b";" + junk, b""]))


def _in_bmp(draw: st.DrawFn) -> bytes:
    return encode(PHOTO, "BMP") + draw(JUNK)


INSERTIONS: dict[str, Callable[[st.DrawFn], bytes]] = {
    "PNG": _in_png,
    "JPEG": _in_jpeg,
    "WEBP": _in_webp,
    "HEIF": _in_heif,
    "TIFF": _in_tiff,
    "GIF": _in_gif,
    "BMP": _in_bmp,
}


@pytest.mark.filterwarnings("ignore")  # Pillow warns about broken metadata
@pytest.mark.parametrize("format_", INSERTIONS)
def test_junk_outside_the_pixels_never_changes_them(format_: str) -> None:
    plain = {
        images.decode(data, SIZE).pixels.tobytes()
        for data in (
            encode(PHOTO, format_),
            *([encode(PHOTO, "AVIF")] if format_ == "HEIF" else []),
            *([encode(PHOTO.quantize(16), "PNG")] if format_ == "PNG" else []),
            *([encode(PHOTO, "JPEG", progressive=True)] if format_ == "JPEG" else []),
        )
    }

    @settings(
        max_examples=60, deadline=None, database=None, suppress_health_check=list(HealthCheck)
    )
    @given(st.composite(INSERTIONS[format_])())
    def check(data: bytes) -> None:
        assert images.decode(data, SIZE).pixels.tobytes() in plain

    check()


XMP = b"<x:xmpmeta>" + b"h" * 1_500_000 + b"</x:xmpmeta>"
PROFILE = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes() + bytes(1_300_000)


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        (b"zTXt", b"Raw profile type xmp\0\0" + zlib.compress(XMP)),
        (b"iTXt", b"XML:com.adobe.xmp\0\1\0\0\0" + zlib.compress(XMP)),
        (b"iCCP", b"printer\0\0" + zlib.compress(PROFILE)),
        (b"gAMA", b"\0"),
    ],
    ids=["zTXt", "iTXt", "iCCP", "gAMA"],
)
def test_large_or_broken_chunk_keeps_the_orientation(kind: bytes, body: bytes) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    data = encode(PHOTO, "PNG", exif=exif)

    picture = images.decode(data[:33] + png_chunk(kind, body) + data[33:], SIZE)

    assert (picture.width, picture.height) == (64, 96)
    assert np.array_equal(picture.pixels, images.decode(data, SIZE).pixels)


def test_progressive_jpeg_without_its_last_scans_and_its_end_is_rejected() -> None:
    data = encode(PHOTO, "JPEG", progressive=True)
    starts = [at for at in range(len(data)) if data[at : at + 2] == b"\xff\xda"]
    for start in starts:
        with pytest.raises(images.UndecodablePicture):
            images.decode(data[:start], SIZE)
    assert len(starts) > 5
    assert np.array_equal(images.decode(data[:-2], SIZE).pixels, images.decode(data, SIZE).pixels)


def test_jpeg_without_huffman_tables_is_decoded() -> None:
    """Webcams leave out the standard tables (ITU T.81, K.3)."""
    data = encode(PHOTO, "JPEG")
    bare = data
    while (at := bare.find(b"\xff\xc4")) >= 0:
        bare = bare[:at] + bare[at + 2 + int.from_bytes(bare[at + 2 : at + 4]) :]

    for end in (bare, bare[:-2]):
        assert np.array_equal(images.decode(end, SIZE).pixels, images.decode(data, SIZE).pixels)


def test_default_image_that_is_not_a_frame_is_not_shown() -> None:
    black = Image.new("RGB", PHOTO.size)
    data = encode(black, "PNG", save_all=True, default_image=True, append_images=[PHOTO, OTHER])

    pixels = images.decode(data, SIZE).pixels

    assert np.array_equal(pixels, images.decode(encode(PHOTO, "PNG"), SIZE).pixels)


def test_transparent_value_of_16_bit_gray_becomes_white() -> None:
    rows = b"".join(b"\0" + (b"\1\2" if y < 32 else b"\x80\0") * 64 for y in range(64))
    data = png(64, 64, 16, 0, rows)
    data = data[:33] + png_chunk(b"tRNS", b"\1\2") + data[33:]

    pixels = images.decode(data, (64, 64)).pixels

    assert (pixels[:32] == 255).all()
    assert (pixels[32:] == 128).all()


@pytest.mark.parametrize("orientation", range(1, 9))
def test_heic_is_turned_once(orientation: int) -> None:
    """Phones write both the properties irot or imir and an EXIF orientation."""
    from tests.lambda_api.test_orientation import STORED

    how = STORED[orientation]
    data = heic(PHOTO if how is None else PHOTO.transpose(how), orientation, quality=95)

    picture = images.decode(data, SIZE)

    assert (picture.format, picture.width, picture.height) == ("HEIF", 96, 64)
    assert difference(picture.pixels, images.decode(encode(PHOTO, "PNG"), SIZE).pixels) < 5


def test_primary_picture_of_a_heic_is_used() -> None:
    from io import BytesIO

    from pillow_heif import from_pillow

    file, buffer = from_pillow(OTHER), BytesIO()
    file.add_from_pillow(PHOTO)
    file.save(buffer, primary_index=1)

    pixels = images.decode(buffer.getvalue(), SIZE).pixels

    assert difference(pixels, images.decode(heic(PHOTO), SIZE).pixels) < 2


# SHA-256 of the pixels that networks were trained with. A change needs new training.
TRAINED_PIXELS = {
    "china.jpg": "bee5efa8d7feb9f6c8d0c698ff6cce97f26df9e3c0226bcff98b233bb3cebe34",
    "rocket.jpg": "9a14fb5d2b65ad9ce1c4bee4200c79ff078deecdcb4f9d1b98922b77bce1da82",
    "chelsea.png": "af5cb2be868c96c133dfc743993405898ddecaa6388c3f14601c385f94d89717",
    "horse.png": "68770648df1edabffb80bf14a6852487ba944666b2117d858b6557a10dae6ff3",
    "ihc.png": "1658c9b9746f7d5290bde721e91250a57f1d7788ec4690a279346d03b018ea10",
    "microaneurysms.png": "292d25b96703be32333b3e8ec648470de00a303e374c40c4fb0ba209c1e68b8d",
    "china.webp": "03d6cd2deb0ee14d3df828fe433ad97a143884d56f0d654c2b1f31c2578214a2",
}


@pytest.mark.parametrize("name", TRAINED_PIXELS)
def test_decoded_pixels_have_not_changed(name: str) -> None:
    match name:
        case "china.jpg":
            data = CHINA.read_bytes()
        case "china.webp":
            data = encode(china(), "WEBP", lossless=True)
        case _:
            data = (SCIKIT_IMAGE / name).read_bytes()

    pixels = images.decode(data, (224, 224)).pixels

    assert hashlib.sha256(pixels.tobytes()).hexdigest() == TRAINED_PIXELS[name]
