"""`python -m benchmarks.route_styles` with small numbers."""

from benchmarks.route_styles import STYLES, measure


def test_every_style_is_measured() -> None:
    medians = measure(starts=1, rounds=3)

    assert set(medians) == set(STYLES)
    assert all(0 < times["request"] < times["start"] for times in medians.values())
