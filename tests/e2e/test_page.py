"""The page in a real browser, with the real API."""

import csv
import json
import zipfile
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
import requests
from PIL import Image
from playwright.sync_api import Browser, Page, expect
from playwright.sync_api import TimeoutError as PlaywrightTimeoutError

from tests.conftest import ROOT
from tests.e2e.browser import (
    Visitor,
    choose_source,
    drop,
    drop_all,
    explain,
    open_row,
    open_tab,
    visiting,
)

SAMPLES = Path(__file__).parents[2] / "frontend" / "samples"
LABELS = {  # of the sample pictures
    "forest.jpg": "forest",
    "glacier.jpg": "glacier",
    "green-valley.jpg": "mountain",
    "houses.jpg": "buildings",
    "mountains.jpg": "mountain",
    "open-sea.jpg": "sea",
    "street.jpg": "street",
}


@pytest.fixture
def page(demo: Any, visitor: Visitor) -> Page:
    return visitor.visit(demo.page)


@pytest.fixture(scope="module")
def direct(demo: Any, photo: bytes) -> dict[str, Any]:
    """The API's own prediction for the photo; also the first request, which is slower."""
    response = requests.post(f"{demo.api}/predict", photo, auth=demo.credentials, timeout=10)
    prediction: dict[str, Any] = response.json()
    return prediction


@pytest.fixture(scope="module")
def photo_visitor(
    demo: Any, browser: Browser, direct: dict[str, Any], photo: bytes
) -> Iterator[Visitor]:
    """A visitor who has dropped a photo, for tests that leave it on the page."""
    with visiting(browser) as visitor:
        drop(visitor.visit(demo.page), photo)
        yield visitor


@pytest.fixture(scope="module")
def source_visitor(demo: Any, browser: Browser) -> Iterator[Visitor]:
    """A visitor for tests that start with the choice of a source."""
    with visiting(browser) as visitor:
        visitor.visit(demo.page)
        yield visitor


def test_photo_is_classified(photo_visitor: Visitor, direct: dict[str, Any]) -> None:
    page = photo_visitor.page
    open_tab(page, "Classify")

    expect(page.get_by_role("heading", name=direct["label"])).to_be_visible()
    expect(page.locator(".lc-percent strong")).to_have_text(f"{direct['confidence']:.1%}")
    expect(page.locator(".js-plotly-plot .bars .point")).to_have_count(6)
    expect(page.locator(".js-plotly-plot .main-svg").first).to_be_visible()
    expect(page.get_by_alt_text("Preview of your photo")).to_be_visible()
    photo_visitor.photograph("page.png")
    page.get_by_text("Details", exact=True).click()
    expect(page.locator(".lc-ids code").first).to_have_text(direct["model_version"])


def test_credentials_reach_neither_the_browser_nor_a_log(demo: Any, photo_visitor: Visitor) -> None:
    page = photo_visitor.page
    expect(page.locator(".lc-verdict h2")).to_have_text("buildings")
    open_tab(page, "The model")
    expect(page.get_by_text("Measured on 1,061 test photos")).to_be_visible()

    _, password = demo.credentials
    assert sum(map(len, photo_visitor.received)) > 10_000
    assert not any(password.encode() in frame for frame in photo_visitor.received)
    assert password not in page.content() + page.url
    logs = [file.read_text() for file in (demo.checkout / "logs").iterdir()]
    assert any("/predict" in log for log in logs)
    assert not any(password in log for log in logs)


def test_prediction_is_explained(source_visitor: Visitor) -> None:
    page = source_visitor.page
    choose_source(page, "Samples")
    page.get_by_role("button", name="Snow or ice").click()
    expect(page.get_by_text("Low confidence")).to_be_visible()

    explain(page)

    heatmap = page.get_by_alt_text("The photo with a heat map")
    expect(heatmap).to_be_visible()
    before = heatmap.get_attribute("src")
    page.get_by_role("slider").press("ArrowLeft")
    expect(heatmap).not_to_have_attribute("src", str(before))
    heatmap.scroll_into_view_if_needed()
    source_visitor.photograph("page-explanation.png")
    page.get_by_role("radio", name="Photo", exact=True).click()
    expect(page.get_by_alt_text("The photo without the heat map")).to_be_visible()


def test_batch_is_classified_and_downloaded(visitor: Visitor, page: Page) -> None:
    pictures = {name: (SAMPLES / name).read_bytes() for name in LABELS}

    drop_all(page, {**pictures, "notes.jpg": b"hello"})

    expect(page.get_by_role("heading", name="8 photos")).to_be_visible()
    expect(page.get_by_text("7 of 8 classified · 1 with low confidence · 1 failed")).to_be_visible()
    visitor.photograph("page-several.png")
    name = str(page.locator(".lc-filename").text_content())
    page.keyboard.press("j")
    expect(page.locator(".lc-filename")).not_to_have_text(name)
    second = str(page.locator(".lc-filename").text_content())
    expect(page.locator(".lc-verdict h2")).to_have_text(LABELS[second])
    open_row(page, 0, name)
    downloads = {}
    for kind, suffix in (("CSV", "csv"), ("JSON", "json"), ("Report", "html")):
        with page.expect_download() as download:
            page.get_by_role("button", name=kind).click()
        assert download.value.suggested_filename.endswith(suffix)
        downloads[kind] = download.value.path().read_text(encoding="utf-8-sig")
    assert "8 photos</h1>" in downloads["Report"]
    with page.expect_download() as download:
        page.get_by_role("button", name="ZIP by class").click()
    with zipfile.ZipFile(download.value.path()) as archive:
        for name, label in LABELS.items():
            assert archive.read(f"{label}/{name}") == pictures[name]
    rows = list(csv.DictReader(downloads["CSV"].splitlines()))
    assert {row["file"]: row["label"] for row in rows} == {**LABELS, "notes.jpg": ""}
    confidences = [float(row["confidence"]) for row in rows if row["confidence"]]
    assert confidences == sorted(confidences)  # least sure first
    documents = json.loads(downloads["JSON"])
    assert [one.get("label", "") for one in documents] == [row["label"] for row in rows]


def test_session_and_model_are_shown(visitor: Visitor, page: Page) -> None:
    choose_source(page, "Samples")
    for sample in ("Forest", "Street", "Open sea"):
        page.get_by_role("button", name=sample).click()
        expect(page.locator(".lc-verdict h2")).to_have_text(sample.split()[-1].lower())

    open_tab(page, "This session")
    expect(page.locator(".lc-table tbody tr")).to_have_count(3)
    expect(page.locator(".st-key-lc-session .js-plotly-plot .bars .point")).to_have_count(9)
    visitor.photograph("page-session.png")
    open_tab(page, "The model")
    expect(page.get_by_text("Measured on 1,061 test photos")).to_be_visible()
    expect(page.locator(".st-key-lc-per-class .lc-table tbody tr")).to_have_count(6)
    expect(page.locator(".st-key-lc-confusion .js-plotly-plot .hm")).to_be_visible()
    visitor.photograph("page-model.png")
    open_tab(page, "Classify")
    expect(page.locator(".lc-verdict h2")).to_have_text("sea")  # the picture is kept


def test_page_server_contacts_only_public_addresses(demo: Any, source_visitor: Visitor) -> None:
    page = source_visitor.page
    choose_source(page, "Web")
    page.get_by_label("Web address of a photo").fill(f"{demo.api}/health")

    page.get_by_role("button", name="Load photo").click()

    expect(page.get_by_role("alert")).to_contain_text("Only standard web ports")
    page.get_by_label("Web address of a photo").fill("http://169.254.169.254/latest/meta-data/")
    page.get_by_role("button", name="Load photo").click()
    expect(page.get_by_role("alert")).to_contain_text("not on the public internet")


def test_denied_camera_leaves_the_other_sources(
    demo: Any, browser_with_camera: Browser, photo: bytes
) -> None:
    with visiting(browser_with_camera) as visitor:
        page = visitor.visit(demo.page)
        choose_source(page, "Camera")
        expect(page.get_by_text("This app would like to use your camera")).to_be_visible()
        expect(page.get_by_text("you can still upload a photo")).to_be_visible()
        request = (
            "navigator.mediaDevices.getUserMedia({video: true}).then(() => 'given', e => e.name)"
        )
        assert page.evaluate(request) == "NotAllowedError"

        choose_source(page, "Samples")
        page.get_by_role("button", name="Open sea").click()
        expect(page.locator(".lc-verdict h2")).to_have_text("sea")
        choose_source(page, "Web")
        expect(page.get_by_label("Web address of a photo")).to_be_enabled()
        choose_source(page, "Upload")
        drop(page, photo)

        expect(page.get_by_role("heading", name="buildings")).to_be_visible()


def test_large_photo_is_resized_and_classified(page: Page) -> None:
    buffer = BytesIO()
    with Image.open(ROOT / "frontend" / "samples" / "houses.jpg") as image:
        image.resize((8000, 5300)).save(buffer, "JPEG", quality=97)
    assert len(buffer.getvalue()) > 4_000_000

    drop(page, buffer.getvalue())

    expect(page.get_by_text("Resized from 8000 × 5300")).to_be_visible()
    expect(page.get_by_role("heading", name="buildings")).to_be_visible()


def test_photo_of_the_camera_is_classified(demo: Any, browser_with_camera: Browser) -> None:
    with visiting(browser_with_camera, permissions=["camera"]) as visitor:
        page = visitor.visit(demo.page)
        choose_source(page, "Camera")
        page.wait_for_function("document.querySelector('video')?.videoWidth > 0")

        while True:
            page.get_by_role("button", name="Take Photo").click()
            try:
                page.get_by_role("button", name="Clear photo").wait_for(timeout=3000)
            except PlaywrightTimeoutError:  # at first, Streamlit's widget may have no frame
                continue
            break

        expect(page.locator(".lc-verdict h2")).to_be_visible()
