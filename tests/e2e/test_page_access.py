"""Accessibility: window sizes, light and dark, keyboard only, reduced motion, axe-core."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from tests.e2e import axe
from tests.e2e.browser import (
    WINDOW,
    Visitor,
    choose_source,
    drop,
    drop_all,
    explain,
    open_tab,
    visiting,
    wait_until_settled,
)

FITS = """width => Math.max(
  ...[...document.querySelectorAll('.stMain, .stMainBlockContainer, html')]
    .map(element => element.scrollWidth)) <= width"""

FOCUS_IS_VISIBLE = """() => {
  const style = getComputedStyle(document.activeElement);
  return style.outlineStyle !== 'none' && style.outlineWidth !== '0px'
    || style.boxShadow !== 'none';
}"""


@pytest.fixture(scope="module")
def explained_visitor(demo: Any, browser: Browser, photo: bytes) -> Iterator[Visitor]:
    """A visitor with an explained prediction, for tests that change the window or the theme."""
    with visiting(browser) as visitor:
        page = visitor.visit(demo.page)
        drop(page, photo)
        expect(page.locator(".lc-verdict h2")).to_have_text("buildings")
        explain(page)
        yield visitor


@pytest.fixture
def explained(explained_visitor: Visitor) -> Iterator[Visitor]:
    yield explained_visitor
    explained_visitor.page.set_viewport_size(WINDOW)
    explained_visitor.page.emulate_media(color_scheme="light", reduced_motion="no-preference")
    open_tab(explained_visitor.page, "Classify")


@pytest.mark.parametrize("width", [360, 768, 1920])
def test_page_fits_its_window(explained: Visitor, width: int) -> None:
    page = explained.page
    page.set_viewport_size({"width": width, "height": 1900})

    page.wait_for_function(FITS, arg=width)  # charts follow the window with a delay
    picture, answer = (
        page.locator(f".st-key-lc-{side}").bounding_box() for side in ("picture", "answer")
    )
    assert picture
    assert answer
    stacked = answer["y"] >= picture["y"] + picture["height"]
    assert stacked is (width < 700)
    if width == 360:
        assert axe.violations(page) == []
        for tab in ("This session", "The model"):
            open_tab(page, tab)
            expect(page.locator(".lc-table:visible")).to_be_visible()
            page.wait_for_function(FITS, arg=width)


@pytest.mark.parametrize(("scheme", "lightness"), [("light", 255), ("dark", 20)])
def test_page_follows_the_color_scheme(explained: Visitor, scheme: str, lightness: int) -> None:
    page = explained.page

    use_color_scheme(page, scheme)

    card = page.locator(".st-key-lc-answer").evaluate("e => getComputedStyle(e).backgroundColor")
    assert int(card.removeprefix("rgb(").split(",")[0]) == lightness
    if scheme == "dark":
        explained.photograph("page-dark.png")


def test_reduced_motion_stops_animations(explained: Visitor) -> None:
    page, animation = explained.page, "e => getComputedStyle(e, '::after').animationName"
    dot = page.locator(".lc-ready .lc-dot")
    expect(dot).to_be_visible()

    page.emulate_media(reduced_motion="reduce")
    reduced = dot.evaluate(animation)
    page.emulate_media(reduced_motion="no-preference")
    normal = dot.evaluate(animation)

    assert reduced == "none"
    assert normal == "lc-breathe"


def use_color_scheme(page: Page, scheme: str) -> None:
    page.emulate_media(color_scheme=scheme)
    page.wait_for_function(
        "scheme => getComputedStyle(document.querySelector('.stApp')).colorScheme === scheme",
        arg=scheme,
    )


def test_axe_finds_no_serious_violation(
    demo: Any, browser: Browser, photo: bytes, shared_pictures: Path
) -> None:
    violations: dict[str, list[str]] = {}
    with visiting(browser, color_scheme="dark", reduced_motion="reduce") as visitor:
        page = visitor.visit(demo.page)

        def check(state: str) -> None:
            for scheme in ("dark", "light"):
                use_color_scheme(page, scheme)
                violations[f"{state}, {scheme}"] = axe.violations(page)

        check("start")

        choose_source(page, "Web")
        page.get_by_label("Web address of a photo").fill("http://10.0.0.1/a.jpg")
        page.get_by_role("button", name="Load photo").click()
        expect(page.get_by_role("alert")).to_be_visible()
        check("web")

        choose_source(page, "Camera")
        expect(page.get_by_text("you can still upload a photo")).to_be_visible()
        check("camera")

        choose_source(page, "Samples")
        page.get_by_role("button", name="Snow or ice").click()
        explain(page)
        check("low confidence, explained")

        choose_source(page, "Upload")
        scene = next((shared_pictures / "test" / "sea").iterdir()).read_bytes()
        drop_all(page, {"china.jpg": photo, "sea.jpg": scene, "notes.jpg": b"hello"})
        expect(page.get_by_text("2 of 3 classified")).to_be_visible()
        expect(page.locator(".lc-verdict")).to_be_visible()
        check("batch")

        for tab in ("This session", "The model"):
            open_tab(page, tab)
            expect(page.locator(".lc-table:visible")).to_be_visible()
            check(tab)

    assert len(violations) == 14
    assert {state: found for state, found in violations.items() if found} == {}


def tab_to(page: Page, target: Locator) -> None:
    """Press the tab key until `target` has the focus, which must then be visible."""
    wait_until_settled(page)  # a redraw may replace the element that has the focus
    for _ in range(40):
        page.keyboard.press("Tab")
        if target.evaluate("element => element === document.activeElement"):
            page.wait_for_function(FOCUS_IS_VISIBLE)  # some outlines are drawn after the event
            return
    pytest.fail(f"the tab key does not reach {target}")


def test_page_works_with_the_keyboard_only(demo: Any, visitor: Visitor) -> None:
    page = visitor.visit(demo.page)

    tab_to(page, page.get_by_role("radio", name="Upload"))
    for _ in range(3):
        page.keyboard.press("ArrowRight")
    page.keyboard.press("Space")
    sample = page.get_by_role("button", name="Snow or ice")
    expect(sample).to_be_visible()
    tab_to(page, sample)
    page.keyboard.press("Enter")
    expect(page.locator(".lc-verdict h2")).to_contain_text("mountain")
    expect(page.get_by_role("button", name="Snow or ice (chosen)")).to_be_focused()
    button = page.get_by_role("button", name="Explain this result")
    tab_to(page, button)
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name="Hide the explanation")).to_be_focused()
    slider = page.get_by_role("slider")
    expect(slider).to_have_value("75")
    tab_to(page, slider)
    page.keyboard.press("ArrowRight")
    expect(slider).to_have_value("80")
