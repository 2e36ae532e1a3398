"""The real page in a real browser, against the real API."""

import csv
import json
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
import requests
from PIL import Image
from playwright.sync_api import Page, expect

from tests.e2e.browser import Visitor, choose_source, drop, drop_all, look_at, open_tab


@pytest.fixture
def page(demo: Any, visitor: Visitor) -> Page:
    return visitor.visit(demo.page)


SAMPLES = Path(__file__).parents[2] / "frontend" / "samples"
SHOWN = {  # what the sample pictures show
    "forest.jpg": "forest",
    "glacier.jpg": "glacier",
    "green-valley.jpg": "mountain",
    "houses.jpg": "buildings",
    "mountains.jpg": "mountain",
    "open-sea.jpg": "sea",
    "street.jpg": "street",
}


def test_visitor_drops_a_photo_and_sees_what_it_shows(
    demo: Any, visitor: Visitor, page: Page, photo: bytes
) -> None:
    direct = requests.post(f"{demo.api}/predict", photo, auth=demo.credentials, timeout=10).json()

    drop(page, photo)

    expect(page.get_by_role("heading", name=direct["label"])).to_be_visible()
    expect(page.get_by_text(f"{direct['confidence']:.1%} confidence")).to_be_visible()
    expect(page.locator(".js-plotly-plot .bars .point")).to_have_count(6)
    expect(page.locator(".js-plotly-plot .main-svg").first).to_be_visible()
    expect(page.get_by_alt_text("Preview of your picture")).to_be_visible()
    expect(page.get_by_text(direct["model_version"]).first).to_be_visible()
    visitor.photograph("page.png")


def test_visitor_sees_what_the_answer_rests_on(visitor: Visitor, page: Page) -> None:
    choose_source(page, "Samples")
    page.get_by_role("button", name="Snow or ice").click()
    expect(page.get_by_text("Not sure")).to_be_visible()

    page.get_by_role("button", name="Show what the answer rests on").click()

    drawn = page.get_by_alt_text("The picture with colours")
    expect(drawn).to_be_visible()
    before = drawn.get_attribute("src")
    page.get_by_role("slider").press("ArrowLeft")
    expect(drawn).not_to_have_attribute("src", str(before))
    visitor.photograph("page-explanation.png")


def test_visitor_drops_several_and_takes_the_answers_along(visitor: Visitor, page: Page) -> None:
    pictures = {name: (SAMPLES / name).read_bytes() for name in SHOWN}

    drop_all(page, {**pictures, "notes.jpg": b"hello"})

    expect(page.get_by_role("heading", name="8 pictures")).to_be_visible()
    expect(page.get_by_text("7 of 8 pictures answered")).to_be_visible()
    expect(page.locator(".lc-grid img")).to_have_count(7)
    expect(page.locator(".lc-table tbody tr")).to_have_count(8)
    visitor.photograph("page-several.png")
    look_at(page, "street.jpg")
    expect(page.locator(".lc-verdict h2")).to_have_text("street")
    expect(page.get_by_alt_text("Preview of your picture")).to_be_visible()
    taken = {}
    for kind in ("CSV", "JSON"):
        with page.expect_download() as download:
            page.get_by_role("button", name=kind).click()
        taken[kind] = download.value.path().read_text(encoding="utf-8-sig")
    rows = list(csv.DictReader(taken["CSV"].splitlines()))
    assert {row["file"]: row["label"] for row in rows} == {**SHOWN, "notes.jpg": ""}
    answers = json.loads(taken["JSON"])
    assert [one.get("label", "") for one in answers] == [row["label"] for row in rows]


def test_a_photo_too_large_for_the_api_is_reduced_and_answered(page: Page, photo: bytes) -> None:
    buffer = BytesIO()
    with Image.open(BytesIO(photo)) as image:
        image.resize((8000, 5300)).save(buffer, "JPEG", quality=97)
    assert len(buffer.getvalue()) > 4_000_000

    drop(page, buffer.getvalue())

    expect(page.get_by_text("Reduced from 8000 × 5300")).to_be_visible()
    expect(page.get_by_role("heading", name="buildings")).to_be_visible()


def test_visitor_looks_at_the_session_and_the_model(visitor: Visitor, page: Page) -> None:
    choose_source(page, "Samples")
    for sample in ("Forest", "Street", "Open sea"):
        page.get_by_role("button", name=sample).click()
        expect(page.locator(".lc-verdict h2")).to_have_text(sample.split()[-1].lower())

    open_tab(page, "This session")
    expect(page.locator(".lc-table tbody tr")).to_have_count(3)
    expect(page.locator(".st-key-lc-session .js-plotly-plot .bars .point")).to_have_count(9)
    visitor.photograph("page-session.png")
    open_tab(page, "The model")
    expect(page.get_by_text("Measured on 1,061 test pictures")).to_be_visible()
    expect(page.locator(".lc-table tbody tr")).to_have_count(6)
    expect(page.locator(".st-key-lc-confusion .js-plotly-plot .hm")).to_be_visible()
    visitor.photograph("page-model.png")
    open_tab(page, "Classify")
    expect(page.locator(".lc-verdict h2")).to_have_text("sea")  # it is still there


def test_the_page_s_server_asks_nothing_but_public_addresses(demo: Any, page: Page) -> None:
    choose_source(page, "Web")
    page.get_by_label("Address of a picture").fill(f"{demo.api}/health")

    page.get_by_role("button", name="Get the picture").click()

    expect(page.get_by_role("alert")).to_contain_text("Only the web's own ports")
    page.get_by_label("Address of a picture").fill("http://169.254.169.254/latest/meta-data/")
    page.get_by_role("button", name="Get the picture").click()
    expect(page.get_by_role("alert")).to_contain_text("not on the public internet")


def test_a_camera_that_may_not_be_used_leaves_the_other_ways(page: Page, photo: bytes) -> None:
    choose_source(page, "Camera")
    expect(page.get_by_text("This app would like to use your camera")).to_be_visible()
    expect(page.get_by_text("a picture can still be uploaded")).to_be_visible()
    ask = "navigator.mediaDevices.getUserMedia({video: true}).then(() => 'given', e => e.name)"
    assert page.evaluate(ask) == "NotAllowedError"

    choose_source(page, "Samples")
    page.get_by_role("button", name="Open sea").click()
    expect(page.locator(".lc-verdict h2")).to_have_text("sea")
    choose_source(page, "Web")
    expect(page.get_by_label("Address of a picture")).to_be_enabled()
    choose_source(page, "Upload")
    drop(page, photo)

    expect(page.get_by_role("heading", name="buildings")).to_be_visible()


def test_a_picture_of_the_camera_is_answered(
    demo: Any, new_visitor: Callable[..., Visitor]
) -> None:
    page = new_visitor(permissions=["camera"]).visit(demo.page)
    choose_source(page, "Camera")
    page.wait_for_function("document.querySelector('video')?.videoWidth > 0")

    taken = page.get_by_role("button", name="Clear photo")
    while not taken.is_visible():  # at first, Streamlit's widget may have no frame to take
        page.get_by_role("button", name="Take Photo").click()
        page.wait_for_timeout(1000)

    expect(page.locator(".lc-verdict h2")).to_be_visible()


def test_credentials_reach_neither_the_browser_nor_a_log(
    demo: Any, visitor: Visitor, page: Page, photo: bytes
) -> None:
    drop(page, photo)
    expect(page.get_by_role("heading", name="buildings")).to_be_visible()
    open_tab(page, "The model")
    expect(page.get_by_text("Measured on")).to_be_visible()

    _, password = demo.credentials
    assert sum(map(len, visitor.received)) > 10_000
    assert not any(password.encode() in frame for frame in visitor.received)
    assert password not in page.content() + page.url
    logs = [file.read_text() for file in (demo.checkout / "logs").iterdir()]
    assert any("/predict" in log for log in logs)
    assert not any(password in log for log in logs)
