"""`python -m benchmarks.where_time_goes` with small numbers."""

from pathlib import Path

from PIL import Image

from benchmarks import where_time_goes


def test_picture_is_drawn_from_measured_parts(tmp_path: Path) -> None:
    path = tmp_path / "picture.png"

    assert where_time_goes.main([f"--out={path}", "--starts=1", "--rounds=5", "--steps=1"]) == 0

    with Image.open(path) as image:
        assert image.size == (1800, 504)
        assert len(image.convert("RGB").getcolors(2**24) or []) > 20
