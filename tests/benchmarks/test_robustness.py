"""Robustness of bundles under corruptions."""

import json
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from benchmarks.robustness import BAR, CORRUPTIONS, CROP, JPEG, TILT, corrupted, main


def _open(data: bytes) -> np.ndarray:
    return np.asarray(Image.open(BytesIO(data)).convert("RGB")).astype(float)


def test_every_corruption_changes_the_photo_as_its_name_says(photo: bytes) -> None:
    original = _open(photo)
    height, width = original.shape[:2]
    changed = {name: _open(corrupted(photo, name, 0)) for name in CORRUPTIONS}

    assert corrupted(photo, "none", 0) == photo
    detail = lambda pixels: np.abs(np.diff(pixels, axis=1)).mean()  # noqa: E731
    assert detail(changed["blur"]) < 0.6 * detail(original)
    assert detail(changed["noise"]) > 1.5 * detail(original)
    assert np.abs(changed["noise"] - original).mean() == pytest.approx(0.08 * 255 * 0.8, rel=0.15)
    assert changed["low light"].mean() < 0.6 * original.mean()
    assert len(corrupted(photo, JPEG, 0)) < 0.5 * len(photo)
    assert changed[f"crop to {CROP:.0%}"].shape[:2] == (round(height * CROP), round(width * CROP))
    bar = round(BAR * height)
    framed = changed["screenshot with bars"]
    assert framed.shape[0] == height + 2 * bar
    assert framed[:bar].max() == framed[-bar:].max() == 0
    np.testing.assert_array_equal(framed[bar:-bar], original)


def test_a_rotated_photo_has_no_empty_corners() -> None:
    encoded = BytesIO()
    marked = np.full((300, 400, 3), 200, np.uint8)
    marked[:2] = marked[-2:] = marked[:, :2] = marked[:, -2:] = 0  # the border
    Image.fromarray(marked).save(encoded, "PNG")
    turned = _open(corrupted(encoded.getvalue(), f"rotation by {TILT}°", 0))
    assert turned.min() > 190
    assert turned.shape[0] > 200


def test_the_same_number_draws_the_same_changes(photo: bytes) -> None:
    for name in ("noise", f"crop to {CROP:.0%}"):
        assert corrupted(photo, name, 3) == corrupted(photo, name, 3)
        assert corrupted(photo, name, 3) != corrupted(photo, name, 4)


def test_bundles_are_measured_side_by_side(
    small_bundle: Path, small_run, crops: Path, capsys
) -> None:
    command = [str(small_bundle), "--pictures", str(crops / "train")]
    command += ["--validation-of", str(small_run.folder)]
    assert main([*command, "--json"]) == 0
    results = json.loads(capsys.readouterr().out)
    assert [each["corruption"] for each in results] == list(CORRUPTIONS)
    assert {each["pictures"] for each in results} == {15}
    plain = results[0]
    assert plain["accuracy"] == pytest.approx(small_run.result().validation_accuracy, abs=0.07)
    assert any(each["accuracy"] != plain["accuracy"] for each in results)

    assert main([str(small_bundle), *command]) == 0
    printed = capsys.readouterr().out
    assert printed.count("| small: accuracy |") == 1
    assert f"| {JPEG} | " in printed


def test_unusable_input_is_reported(small_bundle: Path, bundle: Path, crops: Path, capsys) -> None:
    assert main([str(bundle), "--pictures", str(crops / "test")]) == 2
    assert "has the classes buildings" in capsys.readouterr().err
    assert main([str(crops), "--pictures", str(crops / "test")]) == 2
    assert "No bundle found" in capsys.readouterr().err
