"""Processor time of JPEG decoders, and how much their pixels differ."""

from importlib.resources import files
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from PIL import Image

from benchmarks.peers import environments
from benchmarks.peers.cold_start import BUNDLE
from benchmarks.service.child import picture


def measure(rounds: int) -> dict[str, Any]:
    """Decode a JPEG of 150x150 pixels and one of 12 megapixels `rounds` times with each decoder.

    Returns:
        By picture and decoder: `cpu_ms`, the median processor time, and `difference`, the largest
        difference of a pixel value (0..255) to Pillow's.
    """
    with TemporaryDirectory() as folder:
        (Path(folder) / "150x150.jpg").write_bytes(picture())
        (Path(folder) / "12 megapixels.jpg").write_bytes(large_picture())
        results: dict[str, Any] = environments.run(
            "decoders", "decoders.py", folder, str(rounds),
            variables={
                "BUNDLE": str(BUNDLE), "PYTHONPATH": environments.SEARCH, "VIPS_CONCURRENCY": "1",
            },
        )  # fmt: skip
    return results


def large_picture() -> bytes:
    """Return a JPEG of 4000x3000 pixels."""
    buffer = BytesIO()
    file = files("sklearn") / "datasets" / "images" / "china.jpg"
    with file.open("rb") as opened, Image.open(opened) as photo:
        photo.resize((4000, 3000), Image.Resampling.BICUBIC).save(buffer, "JPEG", quality=90)
    return buffer.getvalue()
