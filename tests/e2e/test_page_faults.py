"""Faults that visitors once ran into, as steps in a browser, on phones, tablets and desktops.

The page has a stand-in for the API, which can be in any state.
"""

import re
from threading import Event

import pytest
import requests
from playwright.sync_api import Browser, Locator, expect

from benchmarks.page import LAYOUT_SHIFT
from tests.e2e import axe
from tests.e2e.browser import (
    DESKTOP,
    LAPTOP,
    PHONE,
    TABLET,
    Visitor,
    check_again,
    choose_source,
    drop,
    explain,
    let_time_pass_until,
    visiting,
    wait_until_settled,
)
from tests.e2e.stand_in_page import THRESHOLD, reset
from tests.frontend.stand_in_api import CONFIDENT, HANG_UP, Reply, StandInApi, explained, problem


def is_in_sight(target: Locator, height: int) -> bool:
    box = target.bounding_box()
    return box is not None and box["y"] >= 0 and box["y"] + box["height"] <= height


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


def test_phone_draws_the_upload_in_the_middle(phone: Visitor, address: str) -> None:
    area = phone.visit(address).get_by_test_id("stFileUploaderDropzone")
    button = area.get_by_role("button").first
    wait_until_settled(phone.page)

    around, inside = area.bounding_box(), button.bounding_box()
    assert around
    assert inside
    middle = around["x"] + around["width"] / 2
    assert inside["x"] + inside["width"] / 2 == pytest.approx(middle, abs=2)


def test_phone_does_not_rate_an_unknown_scene(
    phone: Visitor, api: StandInApi, address: str
) -> None:
    api.predict = Reply(200, {**CONFIDENT, "confident": False, "known": False, "familiarity": 0})
    page = phone.visit(f"{address}/?source=Samples&sample=houses.jpg")

    bar = page.locator("a.lc-jump")
    expect(bar).to_contain_text("Not a scene I know")
    expect(bar).not_to_contain_text("%")


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


def test_failed_request_is_sent_again_without_a_click(
    laptop: Visitor, api: StandInApi, address: str
) -> None:
    laptop.page.clock.install()
    api.predict = HANG_UP  # and `/health` answers all the time
    page = laptop.visit(f"{address}/?source=Samples&sample=houses.jpg")
    expect(page.get_by_role("alert")).to_contain_text("This page checks again automatically")

    reset(api)

    let_time_pass_until(page, ".lc-verdict")
    expect(page.locator(".lc-verdict h2")).to_have_text("buildings")


# The second click mostly follows before the address of the first one has arrived.
QUICK_CLICKS = """async () => {
  const wait = ms => new Promise(done => setTimeout(done, ms));
  const click = name => [...document.querySelectorAll('[role=radio]')]
    .find(each => each.textContent.includes(name)).click();
  click('Upload');
  await wait(10);
  click('Samples');
  await wait(100);  // until the page shows that its script runs
}"""


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
    wait_until_settled(page)
    page.evaluate(QUICK_CLICKS)
    wait_until_settled(page)
    page.wait_for_url("**/?*sample=houses.jpg*", timeout=10_000)
    page.get_by_role("tab", name="The model").click()
    page.wait_for_url("**tab=The*model*")
    wait_until_settled(page)
    page.reload()

    expect(page.get_by_text("Measured on 1,061 test photos")).to_be_visible()
    page.get_by_role("tab", name="Classify").click()
    expect(page.get_by_role("button", name="Houses (chosen)")).to_be_visible()
    expect(page.locator(".lc-verdict")).to_be_visible()


@pytest.mark.parametrize(
    ("size", "scheme"),
    [
        (PHONE, "light"),
        (PHONE, "dark"),  # `make bench` measures all sizes in both
        (TABLET, "light"),
        (LAPTOP, "light"),
        (DESKTOP, "light"),
    ],
    ids=str,
)
def test_page_does_not_move_while_it_loads(
    browser: Browser, api: StandInApi, address: str, size: dict[str, int], scheme: str
) -> None:
    with visiting(browser, viewport=size, color_scheme=scheme) as visitor:
        page = visitor.visit(address)
        expect(page.locator(".js-plotly-plot .bars .point").first).to_be_visible()
        wait_until_settled(page)

        assert page.evaluate(LAYOUT_SHIFT) < 0.1
        tops = {
            round(box["y"])
            for one in page.locator(".st-key-source [role=radio]").all()
            if (box := one.bounding_box())
        }
        assert len(tops) == 1  # four sources in one line


def test_style_is_part_of_the_page_even_for_a_browser_with_a_copy(address: str) -> None:
    copy = requests.get(address, timeout=10)

    page = requests.get(address, headers={"If-None-Match": copy.headers["etag"]}, timeout=10)

    assert page.status_code == 200
    assert ".st-key-lc-header {" in page.text


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


def test_hanging_api_leaves_nothing_stale(
    laptop: Visitor, api: StandInApi, address: str, photo: bytes
) -> None:
    page = laptop.visit(address)
    release = Event()
    api.predict = Reply(200, CONFIDENT, release=release)

    drop(page, photo)

    expect(page.locator(".lc-verdict")).to_have_count(0)
    expect(page.get_by_test_id("stSpinner")).to_contain_text("seconds")
    expect(page.get_by_role("button", name="Try a sample")).to_be_hidden()
    release.set()
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
    percent = re.findall(r"([\d.]+)%", str(line.get_attribute("style")))
    assert float(percent[0]) == pytest.approx(100 * THRESHOLD, abs=0.1)
    expect(page.locator(".js-plotly-plot .shapelayer path").first).to_be_attached()


def test_sample_link_opens_the_same_sample(laptop: Visitor, address: str) -> None:
    page = laptop.visit(f"{address}/?source=Samples&sample=houses.jpg")
    page.get_by_text("Use it from code").click()
    expect(page.locator(".st-key-lc-code code")).to_contain_text("curl -u")
    expect(page.locator(".st-key-lc-code code")).to_contain_text("houses.jpg")

    page.get_by_role("radio", name="Link", exact=True).click()

    link = page.locator(".st-key-lc-code code")
    expect(link).to_contain_text("sample=houses.jpg")
    page.goto(str(link.text_content()))
    expect(page.get_by_role("button", name="Houses (chosen)")).to_be_visible()
