"""The ways to add pictures, in Streamlit's test runner with a stand-in for the API."""

import pytest
from streamlit.testing.v1 import AppTest

from frontend.samples import shipped_samples
from frontend.url_fetch import NotFetched
from tests.frontend.driver import choose_source, click, drop, drop_all, text
from tests.frontend.stand_in_api import StandInApi


def test_page_has_four_sources(page: AppTest) -> None:
    page.run()

    names = [option.content for option in page.get("button_group")[0].proto.options]
    assert names == ["Upload", "Camera", "Web", "Samples"]


def test_samples_are_pictures_of_a_few_kilobytes() -> None:
    samples = shipped_samples()

    assert len(samples) >= 6
    assert all(2_000 < len(sample.read()) < 25_000 for sample in samples.values())


def test_chosen_sample_is_classified(page: AppTest, stand_in_api: StandInApi) -> None:
    choose_source(page.run(), "Samples")
    assert text(page).count('<img class="lc-sample"') == len(shipped_samples())
    assert stand_in_api.count("POST /predict") == 0

    click(page, "Open sea")

    assert "buildings</h2>" in text(page)
    (sample,) = (one for one in shipped_samples().values() if one.title == "Open sea")
    assert sample.read() in stand_in_api.received[-1].body


def test_each_source_keeps_its_photo(page: AppTest, stand_in_api: StandInApi, photo: bytes) -> None:
    drop(page.run(), photo)
    assert "buildings</h2>" in text(page)

    choose_source(page, "Samples")
    assert "Your result will appear here" in text(page)
    click(page, "Forest")
    choose_source(page, "Upload")

    assert "buildings</h2>" in text(page)
    assert page.caption[0].value == "JPEG · 640 × 427 pixels · 197 kB"
    assert stand_in_api.count("POST /predict") == 2
    choose_source(page, "Samples")
    assert "Forest :small[(chosen)]" in [button.label for button in page.button]


def test_address_opens_a_sample_and_follows_the_choice(page: AppTest) -> None:
    page.query_params["source"] = "Samples"
    page.query_params["sample"] = "open-sea.jpg"

    page.run()

    assert "buildings</h2>" in text(page)
    click(page, "Forest")
    assert page.query_params["sample"] == "forest.jpg"
    choose_source(page, "Upload")
    assert "sample" not in page.query_params
    assert "source" not in page.query_params


@pytest.mark.parametrize(("source", "sample"), [("Nowhere", "a.jpg"), ("Samples", "../x.jpg")])
def test_wrong_address_opens_the_page(page: AppTest, source: str, sample: str) -> None:
    page.query_params["source"] = source
    page.query_params["sample"] = sample

    page.run()

    assert "Your result will appear here" in text(page)


def test_try_a_sample_opens_one(page: AppTest) -> None:
    click(page.run(), "Try a sample")

    assert "buildings</h2>" in text(page)
    assert page.session_state["source"] == "Samples"


def test_removed_photo_is_gone(page: AppTest, photo: bytes) -> None:
    drop(page.run(), photo)

    click(page, "Remove this photo")

    assert "Your result will appear here" in text(page)


def test_skipped_files_are_counted_with_their_reasons(page: AppTest, photo: bytes) -> None:
    drop_all(page.run(), [("a.jpg", photo), ("notes.pdf", b"%PDF-1.7")])

    assert "1 file was skipped" in text(page)
    assert "<strong>notes.pdf</strong>: It is not a photo." in text(page)
    assert "buildings</h2>" in text(page)


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
