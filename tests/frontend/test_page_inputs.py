"""The ways to give pictures, through Streamlit's test runner and a stand-in for the API."""

import pytest
from streamlit.testing.v1 import AppTest

from frontend.samples import shipped
from frontend.url_fetch import NotFetched
from tests.frontend.driver import choose_source, click, drop, text
from tests.frontend.stand_in_api import StandInApi


def test_there_are_four_ways(page: AppTest) -> None:
    page.run()

    names = [option.content for option in page.get("button_group")[0].proto.options]
    assert names == ["Upload", "Camera", "Web", "Samples"]


def test_samples_are_real_pictures_of_a_few_kilobytes() -> None:
    samples = shipped()

    assert len(samples) >= 6
    assert all(2_000 < len(sample.read()) < 25_000 for sample in samples)


def test_a_sample_is_answered(page: AppTest, stand_in_api: StandInApi) -> None:
    choose_source(page.run(), "Samples")
    assert text(page).count('<img class="lc-sample"') == len(shipped())
    assert stand_in_api.count("POST /predict") == 0

    click(page, "Open sea")

    assert "buildings</h2>" in text(page)
    (sample,) = (one for one in shipped() if one.title == "Open sea")
    assert sample.read() in stand_in_api.received[-1].body


def test_another_way_takes_the_picture_off_the_page(page: AppTest, photo: bytes) -> None:
    drop(page.run(), photo)
    assert "buildings</h2>" in text(page)

    choose_source(page, "Camera")

    assert "its answer appears here" in text(page)


def test_a_picture_from_the_web_is_answered(
    page: AppTest, photo: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With what is fetched given, since no test may ask the web."""
    monkeypatch.setattr("frontend.views.inputs.fetch", lambda address: (photo, f"{address[-7:]}"))
    choose_source(page.run(), "Web")
    page.text_input[0].set_value("https://example.org/sea.jpg")

    click(page, "Get the picture")

    assert "buildings</h2>" in text(page)
    assert page.caption[1].value == "JPEG · 640 × 427 pixels · 197 kB"


def test_an_address_that_may_not_be_asked_is_told(page: AppTest, stand_in_api: StandInApi) -> None:
    choose_source(page.run(), "Web")
    page.text_input[0].set_value(f"{stand_in_api.url}/a.jpg")

    click(page, "Get the picture")

    assert "No picture from this address" in text(page)
    assert stand_in_api.count("GET /a.jpg") == 0


def test_an_address_is_fetched_once_for_all_reruns(
    page: AppTest, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With what is fetched mocked."""
    asked: list[str] = []

    def fetch(address: str) -> tuple[bytes, str]:
        asked.append(address)
        raise NotFetched("Nothing answers at this address.")

    monkeypatch.setattr("frontend.views.inputs.fetch", fetch)
    choose_source(page.run(), "Web")
    page.text_input[0].set_value("https://example.org/sea.jpg")
    click(page, "Get the picture")
    page.run()

    assert "Nothing answers at this address." in text(page)
    assert asked == ["https://example.org/sea.jpg"]
