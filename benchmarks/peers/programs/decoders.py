"""Decode JPEGs to the input size with each decoder in turn: `decoders.py FOLDER ROUNDS`.

Prints JSON: by picture and decoder, the median processor time in milliseconds and the largest
difference of a pixel value to Pillow's.
"""

import io
import json
import sys
import time
from pathlib import Path

import numpy as np
import pyvips
import simplejpeg
from PIL import Image
from scenes import HEIGHT, WIDTH

from lambda_api.images import decode


def scaled(image: Image.Image):
    """Scale with the service's filter."""
    return np.asarray(
        image.resize((WIDTH, HEIGHT), Image.Resampling.BILINEAR, reducing_gap=2.0)
    ).astype(int)


def pillow(data: bytes, least: int = 2):
    """Decode with libjpeg's scaling to at least `least` times the input size."""
    image = Image.open(io.BytesIO(data))
    image.draft(None, (least * WIDTH, least * HEIGHT))
    return scaled(image.convert("RGB"))


def simple(data: bytes, **options: bool):
    """Decode with libjpeg-turbo's own interface."""
    height, width, _, _ = simplejpeg.decode_jpeg_header(data)
    size = {"min_height": min(2 * HEIGHT, height), "min_width": min(2 * WIDTH, width)}
    return scaled(Image.fromarray(simplejpeg.decode_jpeg(data, **size, **options)))


def vips(data: bytes):
    """Decode with libvips."""
    image = pyvips.Image.thumbnail_buffer(data, WIDTH, height=HEIGHT, size="force")
    return image.numpy().astype(int)


DECODERS = {
    "Pillow": pillow,
    "Pillow, scaled to at least the input size": lambda data: pillow(data, 1),
    "simplejpeg": simple,
    "simplejpeg, fast DCT and upsampling": lambda data: simple(
        data, fastdct=True, fastupsample=True
    ),
    "pyvips": vips,
    "the service": lambda data: decode(data, (HEIGHT, WIDTH)).pixels.astype(int),
}


def main() -> None:
    results = {}
    for path in sorted(Path(sys.argv[1]).iterdir()):
        data = path.read_bytes()
        times = {name: [] for name in DECODERS}
        for _ in range(int(sys.argv[2])):
            for name, decoder in DECODERS.items():
                start = time.process_time()
                decoder(data)
                times[name].append((time.process_time() - start) * 1000)
        results[path.stem] = {
            name: {
                "cpu_ms": sorted(values)[len(values) // 2],
                "difference": int(np.abs(DECODERS[name](data) - pillow(data)).max()),
            }
            for name, values in times.items()
        }
    print(json.dumps(results))


main()
