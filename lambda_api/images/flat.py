"""Decoded pictures as 8-bit RGB without transparency."""

import numpy as np
from PIL import Image

from lambda_api.images import tiff

_Box = tuple[int, int, int, int]


def flatten(image: Image.Image, covered: _Box | None = None) -> Image.Image:
    """Convert a decoded picture to 8-bit RGB on white.

    Args:
        image: the decoded picture.
        covered: left, top, right and bottom of the part that the first frame of an animation
            covers. The rest becomes white. None if it covers everything.
    """
    flat = _to_rgb(image)
    if covered is not None:
        left, top, right, bottom = covered
        width, height = flat.size
        for box in (
            (0, 0, width, top),
            (0, bottom, width, height),
            (0, top, left, bottom),
            (right, top, width, bottom),
        ):
            if box[0] < box[2] and box[1] < box[3]:
                flat.paste("white", box)
    return flat


def _to_rgb(image: Image.Image) -> Image.Image:
    if image.mode.startswith("I"):  # 9 to 16 bits of gray; Pillow's own conversion clips them
        return _from_gray(image)
    if image.has_transparency_data:
        rgba = image.convert("RGBA")
        # Many programs leave the fourth byte of a BMP or TIFF at zero.
        if image.format in ("BMP", "TIFF") and rgba.getchannel("A").getextrema() == (0, 0):
            return rgba.convert("RGB")
        flat = Image.new("RGB", rgba.size, "white")
        flat.paste(rgba, mask=rgba)
        return flat
    return image.convert("RGB")


def _from_gray(image: Image.Image) -> Image.Image:
    bits, inverted = tiff.gray_levels(image) if image.format == "TIFF" else (16, False)
    levels = np.asarray(image)
    gray = (levels >> (bits - 8)).astype(np.uint8) ^ (255 if inverted else 0)
    if (clear := image.info.get("transparency")) is not None:
        gray[levels == clear] = 255
    return Image.fromarray(gray).convert("RGB")
