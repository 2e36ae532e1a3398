import json

import pytest

from frontend.api.predictions import ClassConfidence, Prediction, Trust
from frontend.views.charts import (
    LOW_CONFIDENCE,
    OTHERS,
    UNKNOWN,
    WINNER,
    class_bars,
    describe_class_bars,
    latency_bars,
)
from tests.frontend.stand_in_api import CONFIDENT

SCENES = [
    ClassConfidence(label="sea", confidence=0.15),
    ClassConfidence(label="mountain", confidence=0.402),
    ClassConfidence(label="forest", confidence=0.0004),
]


def test_bars_show_all_classes_with_the_highest_on_top() -> None:
    figure = class_bars(SCENES, Trust.CONFIDENT)

    assert list(figure.layout.yaxis.ticktext) == ["mountain", "sea", "forest"]
    assert list(figure.data[0].x) == [0.402, 0.15, 0.0004]
    assert figure.layout.yaxis.autorange == "reversed"  # the first bar is on top
    assert figure.data[0].orientation == "h"


def test_bars_are_labeled_in_percent() -> None:
    values = class_bars(SCENES, Trust.CONFIDENT).layout.annotations
    assert [value.text for value in values] == ["40.2%", "15.0%", "0.0%"]


@pytest.mark.parametrize(
    ("trust", "color"),
    [(Trust.CONFIDENT, WINNER), (Trust.LOW, LOW_CONFIDENCE), (Trust.UNKNOWN, UNKNOWN)],
)
def test_only_the_winner_is_highlighted_by_its_trust(trust: Trust, color: str) -> None:
    figure = class_bars(SCENES, trust)

    assert list(figure.data[0].marker.color) == [color, OTHERS, OTHERS]


@pytest.mark.parametrize("count", [1, 9, 40])
def test_latency_bars_are_numbered_like_the_table(count: int) -> None:
    prediction = Prediction.model_validate({**CONFIDENT, "round_trip_ms": 20})

    figure = latency_bars([prediction] * count, range(1, count + 1))

    ticks = list(figure.layout.xaxis.tickvals)
    assert ticks[0] == 1
    assert set(ticks) <= set(figure.data[0].x)
    assert len(ticks) <= 20  # more would not fit on a phone


def test_bars_have_enough_contrast_on_light_and_dark() -> None:
    for bar in (WINNER, LOW_CONFIDENCE, UNKNOWN, OTHERS):
        for card in ("#ffffff", "#14202c"):
            assert contrast(bar, card) >= 3  # WCAG 2.2, 1.4.11


def test_background_is_transparent() -> None:
    layout = class_bars(SCENES, Trust.CONFIDENT).layout

    assert layout.paper_bgcolor == layout.plot_bgcolor == "rgba(0,0,0,0)"


def test_labels_that_are_equal_after_cutting_keep_separate_bars() -> None:
    long = "a class with a very long name, number "
    figure = class_bars(
        [ClassConfidence(label=f"{long}{i}", confidence=0.5) for i in (1, 2)], Trust.CONFIDENT
    )

    assert len(set(figure.data[0].y)) == 2
    assert list(figure.data[0].customdata) == [f"{long}1", f"{long}2"]
    assert all(len(tick) <= 24 for tick in figure.layout.yaxis.ticktext)


def test_chart_grows_with_the_number_of_classes() -> None:
    one = class_bars(SCENES[:1], Trust.CONFIDENT)

    assert one.layout.height < class_bars(SCENES, Trust.CONFIDENT).layout.height
    assert [value["text"] for value in json.loads(one.to_json())["layout"]["annotations"]] == [
        "15.0%"
    ]


def test_description_lists_all_classes_highest_first() -> None:
    assert describe_class_bars(SCENES) == "Confidence: mountain 40.2%, sea 15.0%, forest 0.0%"


def contrast(one: str, other: str) -> float:
    lighter, darker = sorted((luminance(one), luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def luminance(color: str) -> float:
    """Relative luminance of WCAG 2.2."""
    shares = [int(color[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in shares]
    return sum(w * c for w, c in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


def test_threshold_is_a_line() -> None:
    (line,) = class_bars(SCENES, Trust.LOW, threshold=0.85).layout.shapes

    assert (line.x0, line.x1) == (0.85, 0.85)
    assert not class_bars(SCENES, Trust.LOW).layout.shapes
