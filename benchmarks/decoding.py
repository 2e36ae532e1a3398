"""Memory and time to decode large pictures: `python -m benchmarks.decoding`. Linux only.

Each picture is decoded in a process of its own. The memory is the growth of that process.
"""

import json
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from PIL import Image

SIDE = 224
PICTURES: list[tuple[str, str, float, dict[str, Any]]] = [
    ("JPEG", "RGB", 108, {}),
    ("JPEG", "RGB", 48, {"progressive": True}),
    ("JPEG", "RGB", 48, {"progressive": True, "subsampling": 0}),
    ("JPEG", "CMYK", 48, {}),
    ("PNG", "RGB", 12, {"compress_level": 1}),
    ("PNG", "RGBA", 12, {"compress_level": 1}),
    ("PNG", "I;16", 12, {"compress_level": 1}),
    ("WEBP", "RGB", 12, {"method": 0}),
    ("WEBP", "RGBA", 12, {"method": 0, "lossless": True}),
    ("HEIF", "RGB", 12, {}),
    ("HEIF", "RGBA", 12, {}),
    ("AVIF", "RGB", 12, {"speed": 10}),
    ("AVIF", "RGBA", 12, {"speed": 10}),
    ("TIFF", "RGB", 12, {}),
    ("TIFF", "RGBA", 12, {"compression": "tiff_lzw"}),
    ("TIFF", "CMYK", 12, {}),
    ("GIF", "P", 12, {}),
    ("BMP", "RGB", 12, {}),
]
_DECODE = """
import json, sys, time
from pathlib import Path
from lambda_api import images

def peak():
    status = Path("/proc/self/status").read_text()
    return 1024 * int(status.partition("VmHWM:")[2].split()[0])

small, large = (Path(name).read_bytes() for name in sys.argv[1:3])
side = int(sys.argv[3])
images.decode(small, (side, side))  # loads the libraries
Path("/proc/self/clear_refs").write_text("5")  # resets the peak
before, start = peak(), time.perf_counter()
picture = images.decode(large, (side, side), 10**12)
seconds = time.perf_counter() - start
print(json.dumps([picture.width * picture.height, peak() - before, seconds]))
"""


def main() -> None:
    """Encode each picture, decode it, and print a table."""
    from pillow_heif import register_heif_opener

    register_heif_opener()
    print(f"{'format':6} {'mode':5} {'megapixels':>10} {'MB':>6} {'B/pixel':>8} {'s':>6}  options")
    with TemporaryDirectory() as folder:
        for format_, mode, megapixels, options in PICTURES:
            small, large = Path(folder) / "small", Path(folder) / "large"
            _scene(64, mode).save(small, format_)
            _scene(int((megapixels * 1e6) ** 0.5), mode).save(large, format_, **options)
            command = [sys.executable, "-c", _DECODE, str(small), str(large), str(SIDE)]
            output = subprocess.check_output(command, text=True)  # noqa: S603 - no shell
            pixels, memory, seconds = json.loads(output)
            print(
                f"{format_:6} {mode:5} {pixels / 1e6:10.1f} {memory / 1e6:6.0f} "
                f"{memory / pixels:8.1f} {seconds:6.2f}  {options or ''}",
                flush=True,
            )


def _scene(side: int, mode: str) -> Image.Image:
    """A square picture with smooth and detailed parts."""
    tile = np.random.default_rng(0).integers(0, 255, (16, 16, 3), np.uint8)
    image = Image.fromarray(tile).resize((side, side), Image.Resampling.BICUBIC)
    if mode == "I;16":
        return Image.fromarray(np.asarray(image.convert("L")).astype(np.uint16) * 256)
    if mode == "RGBA":
        image.putalpha(Image.linear_gradient("L").resize(image.size))
    return image.quantize(256) if mode == "P" else image.convert(mode)


if __name__ == "__main__":
    main()
