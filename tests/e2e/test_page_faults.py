"""What visitors once ran into, as steps in a browser, on phones, tablets and desktops.

The page has a stand-in for the API, which can be in any state.
"""

import zipfile
from collections.abc import Iterator
from io import BytesIO
from time import perf_counter

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Browser, Locator, Page, expect

from tests.e2e import axe
from tests.e2e.browser import (
    Visitor,
    choose_source,
    drop,
    drop_all,
    explain,
    open_row,
    visiting,
    wait_until_settled,
)
from tests.e2e.stand_in_page import reset, running_page
from tests.frontend.stand_in_api import CONFIDENT, Reply, StandInApi, explained, problem

PHONE, TABLET = {"width": 390, "height": 844}, {"width": 820, "height": 1180}
LAPTOP, DESKTOP = {"width": 1280, "height": 720}, {"width": 1440, "height": 1000}
SHIFT = """() => new Promise(done => {
  let total = 0;
  new PerformanceObserver(list => {
    for (const entry of list.getEntries()) if (!entry.hadRecentInput) total += entry.value;
  }).observe({type: 'layout-shift', buffered: true});
  setTimeout(() => done(total), 300);
})"""
# Sizes of all visible targets of fingers, but for links in a text.
SMALL_TARGETS = """() => [...document.querySelectorAll(
    'button, summary, a.lc-jump, [role=tab], [role=radio], input[type=range], label:has(input)')]
  .filter(element => element.checkVisibility({visibilityProperty: true, opacityProperty: true}))
  .map(element => [element.outerHTML.slice(0, 120), element.getBoundingClientRect()])
  .filter(([, box]) => box.width > 1 && (box.width < 24 || box.height < 24))
  .map(([html, box]) => `${html} ${box.width} x ${box.height}`)"""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, StandInApi]]:
    with running_page(tmp_path_factory.mktemp("page")) as running:
        yield running


@pytest.fixture
def api(server: tuple[str, StandInApi]) -> Iterator[StandInApi]:
    reset(server[1])
    yield server[1]
    reset(server[1])


@pytest.fixture
def address(server: tuple[str, StandInApi]) -> str:
    return server[0]


@pytest.fixture
def phone(browser: Browser, api: StandInApi) -> Iterator[Visitor]:
    with visiting(browser, viewport=PHONE, has_touch=True) as visitor:
        yield visitor


@pytest.fixture
def laptop(browser: Browser, api: StandInApi) -> Iterator[Visitor]:
    with visiting(browser, viewport=LAPTOP) as visitor:
        yield visitor


def check_again(page: Page) -> None:
    page.get_by_role("button", name="Check again").click()


def is_in_sight(target: Locator, height: int) -> bool:
    box = target.bounding_box()
    return box is not None and box["y"] >= 0 and box["y"] + box["height"] <= height


def picture(number: int = 0, form: str = "PNG") -> bytes:
    buffer = BytesIO()
    Image.new("RGB", (64, 48), (number % 256, number // 256, 120)).save(buffer, form)
    return buffer.getvalue()


def test_phone_shows_the_answer_without_scrolling(phone: Visitor, address: str) -> None:
    page = phone.visit(address)
    choose_source(page, "Samples")

    page.get_by_role("button", name="Houses").tap()

    bar = page.locator("a.lc-jump")
    expect(bar).to_contain_text("buildings")
    expect(bar).to_contain_text("87%")
    wait_until_settled(page)
    assert is_in_sight(bar, PHONE["height"])
    bar.tap()
    expect(page.locator(".lc-verdict h2")).to_be_in_viewport()
    phone.photograph("page-phone.png")


def test_laptop_shows_the_answer_above_the_fold(laptop: Visitor, address: str) -> None:
    page = laptop.visit(f"{address}/?source=Samples&sample=houses.jpg")

    first_bar = page.locator(".js-plotly-plot .bars .point").first
    expect(page.locator(".lc-verdict")).to_be_visible()
    wait_until_settled(page)

    assert is_in_sight(page.locator(".lc-verdict"), LAPTOP["height"])
    assert is_in_sight(first_bar, LAPTOP["height"])


def test_heat_map_is_not_drawn_for_faint_changes(
    laptop: Visitor, api: StandInApi, address: str
) -> None:
    api.replies["POST /explain"] = Reply(200, explained([[0.002, 0.0], [0.0, -0.001]]))
    page = laptop.visit(f"{address}/?source=Samples&sample=houses.jpg")

    explain(page)

    expect(page.locator(".lc-finding")).to_contain_text("No single area decides")
    expect(page.get_by_alt_text("The photo with a heat map")).to_have_count(0)


def test_unknown_scene_is_not_confident(
    laptop: Visitor, api: StandInApi, address: str, photo: bytes
) -> None:
    api.predict = Reply(200, {**CONFIDENT, "confident": False, "known": False, "familiarity": 0})
    page = laptop.visit(address)

    drop(page, photo)

    expect(page.get_by_role("heading", name="Not a scene I know")).to_be_visible()
    expect(page.get_by_text("Confident", exact=True)).to_have_count(0)
    assert axe.violations(page) == []
    laptop.photograph("page-unknown.png")


def test_answer_stays_when_the_api_goes_away(
    laptop: Visitor, api: StandInApi, address: str
) -> None:
    page = laptop.visit(f"{address}/?source=Samples&sample=houses.jpg")
    expect(page.locator(".lc-verdict h2")).to_have_text("buildings")

    api.health = problem(503, "model.tflite has 1000 bytes.", Retry_After="60")
    check_again(page)

    expect(page.locator(".lc-status.lc-down")).to_be_visible()
    expect(page.locator(".lc-verdict h2")).to_have_text("buildings")
    expect(page.locator(".lc-notice")).to_have_count(0)
    expect(page.get_by_text("model.tflite has 1000 bytes.")).to_be_hidden()
    page.get_by_text("For the operator").click()
    expect(page.get_by_text("model.tflite has 1000 bytes.")).to_be_visible()
    reset(api)
    check_again(page)
    expect(page.locator(".lc-status.lc-ready")).to_be_visible()


def test_rejected_credentials_are_shown_before_a_photo(
    laptop: Visitor, api: StandInApi, address: str
) -> None:
    page = laptop.visit(address)
    api.replies["GET /model"] = problem(401, "Wrong user name or password.")
    check_again(page)

    expect(page.locator(".lc-status.lc-down")).to_contain_text("Not signed in")
    expect(page.get_by_role("alert")).to_contain_text("Please tell the operator of this page.")
    expect(page.get_by_text("API_PASSWORD")).to_be_hidden()
    drop_all(page, {f"{number}.png": picture(number) for number in range(2)})
    expect(page.get_by_role("heading", name="2 photos")).to_be_visible()
    expect(page.get_by_role("button", name="CSV")).to_have_count(0)
    reset(api)
    check_again(page)
    expect(page.get_by_text("2 of 2 classified")).to_be_visible()


def test_all_formats_are_shown_and_other_files_counted(laptop: Visitor, address: str) -> None:
    page = laptop.visit(address)
    files = {f"{form}.{form}": picture(number, form) for number, form in enumerate(
        ("tiff", "gif", "bmp", "avif")
    )}  # fmt: skip

    drop_all(page, {**files, "notes.pdf": b"%PDF-1.7"})

    expect(page.get_by_text("4 of 4 classified")).to_be_visible()
    page.get_by_text("Add photos").click()
    page.get_by_text("1 file was skipped").click()
    expect(page.get_by_text("notes.pdf: It is not a photo.")).to_be_visible()
    open_row(page, 1, "gif.gif")
    expect(page.get_by_alt_text("Preview of your photo")).to_be_visible()


def test_sources_keep_their_photos_and_the_address_opens_the_same(
    laptop: Visitor, address: str, photo: bytes
) -> None:
    page = laptop.visit(address)
    drop(page, photo, "china.jpg")
    expect(page.locator(".lc-verdict")).to_be_visible()
    choose_source(page, "Samples")
    page.get_by_role("button", name="Houses").click()
    expect(page.locator(".lc-verdict")).to_be_visible()

    choose_source(page, "Upload")
    expect(page.get_by_alt_text("Preview of your photo")).to_be_visible()
    expect(page.locator(".lc-verdict")).to_be_visible()
    choose_source(page, "Samples")
    page.wait_for_url("**/?*sample=houses.jpg*")
    page.get_by_role("tab", name="The model").click()
    page.wait_for_url("**tab=The*model*")
    page.reload()

    expect(page.get_by_text("Measured on 1,061 test photos")).to_be_visible()
    page.get_by_role("tab", name="Classify").click()
    expect(page.get_by_role("button", name="Houses (chosen)")).to_be_visible()
    expect(page.locator(".lc-verdict")).to_be_visible()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", [PHONE, TABLET, LAPTOP, DESKTOP], ids=lambda size: size["width"])
def test_page_does_not_move_while_it_loads(
    browser: Browser, api: StandInApi, address: str, size: dict[str, int], scheme: str
) -> None:
    with visiting(browser, viewport=size, color_scheme=scheme) as visitor:
        page = visitor.visit(address)
        expect(page.locator(".js-plotly-plot .bars .point").first).to_be_visible()
        wait_until_settled(page)

        assert page.evaluate(SHIFT) < 0.1
        tops = {
            round(box["y"])
            for one in page.locator(".st-key-source [role=radio]").all()
            if (box := one.bounding_box())
        }
        assert len(tops) == 1  # four sources in one line
        visitor.photograph(f"page-start-{size['width']}-{scheme}.png")


def test_forced_colors_leave_states_visible(
    browser: Browser, api: StandInApi, address: str
) -> None:
    with visiting(browser, viewport=LAPTOP, forced_colors="active") as visitor:
        page = visitor.visit(f"{address}/?source=Samples&sample=houses.jpg")
        expect(page.locator(".lc-verdict")).to_be_visible()

        for selector in (".lc-dot", ".lc-meter span", ".lc-meter i"):
            color = page.locator(selector).first.evaluate(
                "e => getComputedStyle(e).backgroundColor"
            )
            assert color not in ("rgba(0, 0, 0, 0)", "rgb(255, 255, 255)"), selector
        for role, name in (("radio", "Samples"), ("tab", "Classify")):
            outline = page.get_by_role(role, name=name).evaluate(
                "e => getComputedStyle(e).outlineStyle"
            )
            assert outline == "solid", role


def test_targets_are_large_enough_for_a_finger(phone: Visitor, address: str, photo: bytes) -> None:
    page = phone.visit(address)
    assert page.evaluate(SMALL_TARGETS) == []

    drop_all(page, {"a.jpg": photo, "b.png": picture(), "notes.pdf": b"%PDF"})

    expect(page.get_by_text("2 of 2 classified")).to_be_visible()
    wait_until_settled(page)
    assert page.evaluate(SMALL_TARGETS) == []
    assert axe.violations(page) == []


def test_hanging_api_leaves_nothing_stale(
    laptop: Visitor, api: StandInApi, address: str, photo: bytes
) -> None:
    page = laptop.visit(address)
    api.predict = Reply(200, CONFIDENT, delay_s=3)

    drop(page, photo)

    expect(page.locator(".lc-verdict")).to_have_count(0)
    expect(page.get_by_test_id("stSpinner")).to_contain_text("seconds")
    expect(page.get_by_role("button", name="Try a sample")).to_be_hidden()
    expect(page.locator(".lc-verdict")).to_be_visible()


def test_check_again_says_so_and_the_status_keeps_its_height(phone: Visitor, address: str) -> None:
    page = phone.visit(address)
    status = page.locator(".st-key-lc-status")
    before = status.bounding_box()

    check_again(page)

    expect(status).to_contain_text("Checked just now.")
    assert before
    after = status.bounding_box()
    assert after
    assert after["height"] == before["height"]


def test_threshold_is_a_line(laptop: Visitor, address: str) -> None:
    page = laptop.visit(f"{address}/?source=Samples&sample=houses.jpg")

    line = page.locator(".lc-verdict .lc-meter i")
    expect(line).to_be_attached()
    assert "84.5%" in str(line.get_attribute("style")) or "84.6%" in str(
        line.get_attribute("style")
    )
    expect(page.locator(".js-plotly-plot .shapelayer path").first).to_be_attached()


def test_sample_link_opens_the_same_sample(laptop: Visitor, address: str) -> None:
    page = laptop.visit(f"{address}/?source=Samples&sample=houses.jpg")
    page.get_by_text("Use it from code").click()
    expect(page.locator(".st-key-lc-code code")).to_contain_text("curl -u")
    expect(page.locator(".st-key-lc-code code")).to_contain_text("houses.jpg")

    page.get_by_role("radio", name="Link").click()

    link = page.locator(".st-key-lc-code code")
    expect(link).to_contain_text("sample=houses.jpg")
    page.goto(str(link.text_content()))
    expect(page.get_by_role("button", name="Houses (chosen)")).to_be_visible()


def archive(count: int) -> bytes:
    noise = np.random.default_rng(0).integers(0, 256, (count, 24, 32, 3), dtype=np.uint8)
    buffer = BytesIO()
    with zipfile.ZipFile(buffer, "w") as writer:
        for number, pixels in enumerate(noise):
            photo = BytesIO()
            Image.fromarray(pixels).resize((96, 72)).save(photo, "JPEG")
            writer.writestr(f"trip/{number:03}.jpg", photo.getvalue())
    return buffer.getvalue()


def test_500_photos_of_a_zip_stay_fluid(laptop: Visitor, address: str) -> None:
    page = laptop.visit(address)

    drop(page, archive(500), "trip.zip")

    expect(page.get_by_text("500 of 500 classified")).to_be_visible()
    wait_until_settled(page)
    seconds = []
    for number in range(2, 7):
        started = perf_counter()
        page.keyboard.press("j")
        expect(page.get_by_text(f"{number} of 500", exact=True)).to_be_visible()
        seconds.append(perf_counter() - started)
    print(f"next photo of 500: {sorted(seconds)[2]:.2f} s")
    assert sorted(seconds)[2] < 2
    page.keyboard.press("y")  # right
    expect(page.get_by_text("1 checked")).to_be_visible()
    page.keyboard.press("5")  # the fifth class
    expect(page.get_by_text("2 checked")).to_be_visible()
    laptop.photograph("page-review.png")
