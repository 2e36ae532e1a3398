"""Augmentation: the limits of the changes, and that they follow a seed."""

import numpy as np
import pytest
import tensorflow as tf

from training.augmentation import PRESETS, augment, samples


def _batch(photo_pixels: np.ndarray, times: int) -> tuple[tf.Tensor, tf.Tensor]:
    pixels = tf.cast(np.repeat(photo_pixels[np.newaxis], times, axis=0), tf.float32)
    return pixels, tf.one_hot(tf.range(times) % 3, 3)


@pytest.fixture(scope="module")
def pixels(photo: bytes) -> np.ndarray:
    from lambda_api import images

    return images.decode(photo, (64, 64)).pixels


def test_the_default_preset_has_the_usual_limits() -> None:
    default = PRESETS["default"]
    assert (default.rotation, default.shift, default.shear) == (20, 0.2, 0.2)
    assert (default.zoom_in, default.zoom_out) == (0.2, 0.2)
    assert (default.color, default.mixup) == (0, 0)


def test_none_without_flips_changes_nothing(pixels: np.ndarray) -> None:
    before, targets = _batch(pixels, 4)
    after, unchanged = augment(before, targets, [1, 2], "none", flip=False)
    np.testing.assert_allclose(after, before, atol=1e-3)
    np.testing.assert_array_equal(unchanged, targets)


def test_none_with_flips_mirrors_about_half(pixels: np.ndarray) -> None:
    before, targets = _batch(pixels, 64)
    after, _ = augment(before, targets, [1, 2], "none", flip=True)
    mirrored = [np.allclose(picture, pixels[:, ::-1], atol=1e-2) for picture in after]
    kept = [np.allclose(picture, pixels, atol=1e-2) for picture in after]
    assert 16 <= sum(mirrored) <= 48
    assert sum(mirrored) + sum(kept) == 64


@pytest.mark.parametrize("preset", ["light", "default", "strong"])
def test_the_same_seed_gives_the_same_changes(pixels: np.ndarray, preset) -> None:
    before, targets = _batch(pixels, 6)
    one, again, other = (
        augment(before, targets, seed, preset, flip=True)[0] for seed in ([1, 2], [1, 2], [1, 3])
    )
    np.testing.assert_array_equal(one, again)
    assert not np.allclose(one, other)
    assert all(not np.allclose(one[0], one[i]) for i in range(1, 6))  # each picture differently
    assert np.min(one) >= 0
    assert np.max(one) <= 255


def test_shifts_stay_within_their_limit_and_repeat_the_border() -> None:
    side = 100
    white = np.zeros((1, side, side, 3), np.float32)
    white[:, :, side // 2 :] = 255  # a vertical edge in the middle
    batch = tf.repeat(white, 200, axis=0)
    after, _ = augment(batch, tf.ones((200, 2)), [0, 0], "light", flip=False)
    middle = after[:, side // 2, :, 0].numpy()
    edges = (middle < 128).sum(axis=1) - side / 2
    # A shift of 10 % of the side, seen through a zoom that magnifies by up to 1 / 0.8.
    assert np.abs(edges).max() <= 10 / 0.8 + 1
    assert edges.min() < -5
    assert edges.max() > 5
    assert (middle[:, 0] == 0).all()
    assert (middle[:, -1] == 255).all()


def test_rotation_reaches_twenty_degrees_at_most() -> None:
    side = 101
    line = np.zeros((1, side, side, 3), np.float32)
    line[:, side // 2 - 1 : side // 2 + 2] = 255  # a horizontal line through the center
    batch = tf.repeat(line, 300, axis=0)
    after, _ = augment(batch, tf.ones((300, 2)), [0, 0], "default", flip=False)
    angles = []
    for picture in after[..., 0].numpy():
        rows, columns = np.nonzero(picture[:, 30:71] > 128)
        if len(rows) > 20 and np.ptp(columns) > 10:
            angles.append(np.degrees(np.arctan(np.polyfit(columns, rows, 1)[0])))
    assert len(angles) > 250
    assert np.abs(angles).max() <= 22
    assert np.abs(angles).max() >= 17


def test_mixup_mixes_targets_in_the_same_shares_as_pixels() -> None:
    before = tf.reshape(tf.constant([0.0, 255.0]), (2, 1, 1, 1)) * tf.ones((2, 8, 8, 3))
    targets = tf.constant([[1.0, 0.0], [0.0, 1.0]])
    shares = []
    for i in range(40):
        after, mixed = augment(before, targets, [i, 0], "strong", flip=False)
        np.testing.assert_allclose(tf.reduce_sum(mixed, axis=1), 1, atol=1e-5)
        # Mixed after the color changes: white is at least 0.8 * 0.8 of white, black stays black.
        blackness = mixed[0, 0].numpy()
        assert after[0, 4, 4, 0] <= 255 * (1 - blackness) + 1
        shares.append(blackness)
    assert min(shares) >= 0.5
    assert min(shares) < 0.9 < max(shares)


def test_samples_are_uint8_pictures(pixels: np.ndarray) -> None:
    made = samples(np.stack([pixels, pixels]), "strong", flip=True, times=3)
    assert (made.shape, made.dtype) == ((2, 3, 64, 64, 3), np.uint8)
