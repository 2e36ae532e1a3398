"""The ways to add pictures, in Streamlit's test runner with a stand-in for the API."""

import pytest
from streamlit.testing.v1 import AppTest

from frontend.samples import shipped_samples
from frontend.url_fetch import NotFetched
from tests.frontend.driver import choose_source, click, drop, text
from tests.frontend.stand_in_api import StandInApi


def test_page_has_four_sources(page: AppTest) -> None:
    page.run()

    names = [option.content for option in page.get("button_group")[0].proto.options]
    assert names == ["Upload", "Camera", "Web", "Samples"]


def test_samples_are_pictures_of_a_few_kilobytes() -> None:
    samples = shipped_samples()

    assert len(samples) >= 6
    assert all(2_000 < len(sample.read()) < 25_000 for sample in samples)


def test_chosen_sample_is_classified(page: AppTest, stand_in_api: StandInApi) -> None:
    choose_source(page.run(), "Samples")
    assert text(page).count('<img class="lc-sample"') == len(shipped_samples())
    assert stand_in_api.count("POST /predict") == 0

    click(page, "Open sea")

    assert "buildings</h2>" in text(page)
    (sample,) = (one for one in shipped_samples() if one.title == "Open sea")
    assert sample.read() in stand_in_api.received[-1].body


def test_another_source_removes_the_picture(page: AppTest, photo: bytes) -> None:
    drop(page.run(), photo)
    assert "buildings</h2>" in text(page)

    choose_source(page, "Camera")

    assert "Your prediction will appear here" in text(page)


def test_picture_from_a_url_is_classified_with_a_mocked_download(
    page: AppTest, photo: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The download is mocked: tests do not access the web."""
    monkeypatch.setattr("frontend.views.inputs.fetch", lambda url: (photo, f"{url[-7:]}"))
    choose_source(page.run(), "Web")
    page.text_input[0].set_value("https://example.org/sea.jpg")

    click(page, "Load photo")

    assert "buildings</h2>" in text(page)
    assert page.caption[1].value == "JPEG · 640 × 427 pixels · 197 kB"


def test_address_that_is_not_allowed_is_reported(page: AppTest, stand_in_api: StandInApi) -> None:
    choose_source(page.run(), "Web")
    page.text_input[0].set_value(f"{stand_in_api.url}/a.jpg")

    click(page, "Load photo")

    assert "Could not load this photo" in text(page)
    assert stand_in_api.count("GET /a.jpg") == 0


def test_url_is_fetched_once_for_all_runs_with_a_mocked_download(
    page: AppTest, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The download is mocked: tests do not access the web."""
    requested: list[str] = []

    def fetch(url: str) -> tuple[bytes, str]:
        requested.append(url)
        raise NotFetched("The server did not respond.")

    monkeypatch.setattr("frontend.views.inputs.fetch", fetch)
    choose_source(page.run(), "Web")
    page.text_input[0].set_value("https://example.org/sea.jpg")
    click(page, "Load photo")
    page.run()

    assert "The server did not respond." in text(page)
    assert requested == ["https://example.org/sea.jpg"]
