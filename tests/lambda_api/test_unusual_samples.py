"""Pictures whose samples Pillow does not read as they are meant."""

import struct
from io import BytesIO

import numpy as np
import pytest
from PIL import Image

from lambda_api import images
from tests.lambda_api.pictures import china, difference, encode, png_chunk

WIDTH, HEIGHT = 32, 16
RAMP = np.linspace(0, 65535, WIDTH * HEIGHT).astype(np.uint16).reshape(HEIGHT, WIDTH)
COLORS = np.stack([RAMP, RAMP[::-1], RAMP[:, ::-1]])


def tiff(
    data: bytes,
    order: str = "<",
    photometry: int = 1,
    *,
    bits: int = 16,
    samples: int = 1,
    planes: int = 1,
    more: tuple[tuple[int, list[int]], ...] = (),
) -> bytes:
    """Return an uncompressed TIFF of `WIDTH` x `HEIGHT` pixels: one strip per plane."""
    tags = [
        *[
            (256, [WIDTH]),
            (257, [HEIGHT]),
            (258, [bits] * samples),
            (259, [1]),
            (262, [photometry]),
        ],
        *[(273, [8 + i * len(data) // planes for i in range(planes)]), (277, [samples])],
        *[(278, [HEIGHT]), (279, [len(data) // planes] * planes), (284, [2 if planes > 1 else 1])],
        *more,
    ]
    start = 8 + len(data)
    spare = start + 2 + 12 * len(tags) + 4
    entries, values = b"", b""
    for tag, numbers in tags:
        packed = struct.pack(f"{order}{len(numbers)}I", *numbers)
        if len(numbers) > 1:
            at, values = spare + len(values), values + packed
            packed = struct.pack(order + "I", at)
        entries += struct.pack(order + "HHI", tag, 4, len(numbers)) + packed
    head = (b"II*\0" if order == "<" else b"MM\0*") + struct.pack(order + "I", start)
    return head + data + struct.pack(order + "H", len(tags)) + entries + bytes(4) + values


@pytest.mark.parametrize("photometry", [0, 1], ids=["0 is white", "0 is black"])
def test_gray_of_16_bits_keeps_its_direction(photometry: int) -> None:
    data = tiff(RAMP.astype("<u2").tobytes(), "<", photometry)
    pixels = images.decode(data, (HEIGHT, WIDTH)).pixels

    expected = RAMP >> 8 if photometry else 255 - (RAMP >> 8)
    assert (pixels == expected[..., None]).all()


@pytest.mark.parametrize("order", ["<", ">"])
def test_separate_planes_of_16_bits_are_refused(order: str) -> None:
    data = tiff(COLORS.astype(order + "u2").tobytes(), order, 2, samples=3, planes=3)

    with pytest.raises(images.UndecodablePicture, match="separate planes"):
        images.decode(data, (HEIGHT, WIDTH))


def test_gray_of_12_bits_is_scaled() -> None:
    levels = RAMP >> 4
    first, second = levels[:, ::2], levels[:, 1::2]  # two samples in three bytes
    packed = np.stack([first >> 4, (first & 15) << 4 | second >> 8, second & 255], axis=-1)

    data = tiff(packed.astype(np.uint8).tobytes(), bits=12)

    assert (images.decode(data, (HEIGHT, WIDTH)).pixels == (RAMP >> 8)[..., None]).all()


@pytest.mark.parametrize(("bits", "sample_format"), [(8, 2), (16, 2), (32, 3)])
def test_signed_and_floating_point_samples_are_refused(bits: int, sample_format: int) -> None:
    data = tiff(bytes(WIDTH * HEIGHT * bits // 8), bits=bits, more=((339, [sample_format]),))

    with pytest.raises(images.UndecodablePicture, match="signed or floating-point samples"):
        images.decode(data, (HEIGHT, WIDTH))


@pytest.mark.parametrize("bits", [10, 14])
def test_kind_that_is_not_supported_is_not_called_damaged_only(bits: int) -> None:
    with pytest.raises(images.UndecodablePicture, match="or of a kind that is not supported"):
        images.decode(tiff(bytes(WIDTH * HEIGHT * 2), bits=bits), (HEIGHT, WIDTH))


def test_tiff_whose_fourth_channel_is_zero_is_opaque() -> None:
    data = tiff(bytes([160, 90, 40, 0]) * (WIDTH * HEIGHT), photometry=2, bits=8, samples=4)

    assert (images.decode(data, (HEIGHT, WIDTH)).pixels == (160, 90, 40)).all()


@pytest.mark.parametrize("length", [17, 256, 300])
def test_transparency_longer_than_the_palette_is_ignored(length: int) -> None:
    data = encode(china(32, 16).quantize(16), "PNG")
    at = data.index(b"IDAT") - 4
    longer = data[:at] + png_chunk(b"tRNS", bytes(length)) + data[at:]

    pixels = images.decode(longer, (16, 32)).pixels

    assert np.array_equal(pixels, images.decode(data, (16, 32)).pixels)


PART, BOX = china(40, 30), (20, 10, 60, 40)


def _gif() -> bytes:
    data = bytearray(encode(PART.quantize(64), "GIF"))
    data[6:10] = struct.pack("<HH", 100, 50)
    at = data.index(b"\x2c", 13 + 3 * (2 << (data[10] & 7)))
    data[at + 1 : at + 5] = struct.pack("<HH", *BOX[:2])
    return bytes(data)


def _apng(mode: str) -> bytes:
    """Return an animation whose red default image is not a frame."""
    part, red = PART.convert(mode), Image.new(mode, (100, 50), "red")
    first, default = encode(part, "PNG"), encode(red, "PNG")
    start = default.index(b"IDAT") - 4
    frame = png_chunk(b"fcTL", struct.pack(">IIIIIHHBB", 0, 40, 30, *BOX[:2], 1, 10, 0, 1))
    at = first.index(b"IDAT")
    body = first[at + 4 : at + 4 + int.from_bytes(first[at - 4 : at])]
    frame += png_chunk(b"fdAT", struct.pack(">I", 1) + body)
    animation = png_chunk(b"acTL", struct.pack(">II", 1, 0))
    return default[:start] + animation + default[start:-12] + frame + default[-12:]


def _webp() -> bytes:
    picture = encode(PART, "WEBP", lossless=True)[12:]
    place = b"".join(n.to_bytes(3, "little") for n in (BOX[0] // 2, BOX[1] // 2, 39, 29, 100))
    frame = place + b"\0" + picture
    size = (99).to_bytes(3, "little") + (49).to_bytes(3, "little")
    body = b"WEBPVP8X" + struct.pack("<IB3x", 10, 2) + size
    body += b"ANIM" + struct.pack("<I6x", 6) + b"ANMF" + struct.pack("<I", len(frame)) + frame
    return b"RIFF" + struct.pack("<I", len(body)) + body


@pytest.mark.parametrize(
    "data",
    [_gif(), _apng("RGB"), _apng("RGBA"), _webp()],
    ids=["GIF", "APNG", "APNG with alpha", "WebP"],
)
def test_first_frame_smaller_than_the_canvas_is_on_white(data: bytes) -> None:
    picture = images.decode(data, (50, 100))

    expected = Image.new("RGB", (100, 50), "white")
    expected.paste(PART, BOX)
    assert (picture.width, picture.height) == (100, 50)
    assert difference(picture.pixels, np.asarray(expected)) < 2
    outside = np.ones((50, 100), bool)
    outside[BOX[1] : BOX[3], BOX[0] : BOX[2]] = False
    assert (picture.pixels[outside] == 255).all()


def test_canvas_of_a_small_frame_is_limited() -> None:
    data = bytearray(_apng("RGB"))
    data[16:24] = struct.pack(">II", 60_000, 60_000)
    header = png_chunk(b"IHDR", bytes(data[16:29]))

    with pytest.raises(images.TooManyPixels, match="60000x60000"):
        images.decode(bytes(data[:8]) + header + bytes(data[33:]), (50, 100))


def test_animation_truncated_behind_its_first_frame_is_read() -> None:
    data = encode(PART, "PNG", save_all=True, append_images=[PART.rotate(180)])

    pixels = images.decode(data[: data.index(b"fdAT") + 100], (30, 40)).pixels

    assert np.array_equal(pixels, np.asarray(PART))


def test_jpegs_of_rare_codings_are_read() -> None:
    photo = china(96, 64)
    codings = [
        encode(photo, "JPEG", quality=95, restart_marker_blocks=1),
        encode(photo, "JPEG", quality=95, progressive=True, subsampling=0),
        encode(photo, "JPEG", quality=95, keep_rgb=True),
        encode(photo.convert("CMYK"), "JPEG", quality=95),
    ]
    for data in codings:
        with Image.open(BytesIO(data)) as image:
            shown = np.asarray(image.convert("RGB"))
        assert difference(images.decode(data, (64, 96)).pixels, shown) < 1
        assert difference(shown, np.asarray(photo)) < 6


def bmp(alpha: int) -> bytes:
    """Return a BMP of 32 bits with a mask for its alpha channel."""
    pixels = struct.pack("4B", 40, 90, 160, alpha) * (WIDTH * HEIGHT)
    header = struct.pack("<IiiHHIIiiII", 108, WIDTH, HEIGHT, 1, 32, 3, len(pixels), 0, 0, 0, 0)
    masks = struct.pack("<IIII", 0xFF0000, 0xFF00, 0xFF, 0xFF000000) + bytes(52)
    head = b"BM" + struct.pack("<IHHI", 122 + len(pixels), 0, 0, 122)
    return head + header + masks + pixels


@pytest.mark.parametrize("alpha", [0, 255])
def test_bmp_with_the_same_alpha_throughout_is_opaque(alpha: int) -> None:
    assert (images.decode(bmp(alpha), (HEIGHT, WIDTH)).pixels == (160, 90, 40)).all()
