"""`python -m benchmarks.where_time_goes` with small numbers and a small network."""

from pathlib import Path

from PIL import Image

from benchmarks import where_time_goes
from training.config import TrainingConfig


def test_picture_is_drawn_from_measured_parts(tmp_path: Path) -> None:
    path, recipe = tmp_path / "picture.png", tmp_path / "recipe.json"
    config = TrainingConfig(architecture="custom_cnn", weights="none", image_size=32)
    recipe.write_text(config.model_dump_json())

    options = ["--starts=1", "--rounds=5", "--steps=1", f"--recipe={recipe}", f"--out={path}"]
    assert where_time_goes.main(options) == 0

    with Image.open(path) as image:
        assert image.size == (1800, 504)
        assert len(image.convert("RGB").getcolors(2**24) or []) > 20
