"""The page for everybody: small and wide, light and dark, by keyboard alone, without motion."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.e2e.axe import serious_violations
from tests.e2e.browser import Visitor, choose_source, drop, drop_all, look_at, open_tab

Open = Callable[..., Visitor]


def is_within(page: Page, width: int) -> bool:
    """Whether nothing makes the page wider than its window."""
    inner = page.evaluate(
        "Math.max(...[...document.querySelectorAll('.stMain, .stMainBlockContainer, html')]"
        ".map(element => element.scrollWidth))"
    )
    return bool(inner <= width)


@pytest.mark.parametrize("width", [360, 768, 1920])
def test_the_page_fits_its_window(demo: Any, new_visitor: Open, photo: bytes, width: int) -> None:
    visitor = new_visitor(viewport={"width": width, "height": 1900})
    page = visitor.visit(demo.page)
    drop(page, photo)
    expect(page.locator(".lc-verdict h2")).to_have_text("buildings")
    page.get_by_role("button", name="Show what the answer rests on").click()
    expect(page.locator(".lc-legend")).to_be_visible()

    assert is_within(page, width)
    picture, answer = (
        page.locator(f".st-key-lc-{side}").bounding_box() for side in ("picture", "answer")
    )
    assert picture
    assert answer
    stacked = answer["y"] >= picture["y"] + picture["height"]
    assert stacked is (width < 700)
    if width == 360:
        visitor.photograph("page-phone.png")
        assert serious_violations(page) == []
        for tab in ("This session", "The model"):
            open_tab(page, tab)
            expect(page.locator(".lc-table:visible")).to_be_visible()
            assert is_within(page, width)


@pytest.mark.parametrize(("scheme", "lightness"), [("light", 255), ("dark", 20)])
def test_the_page_follows_the_system_s_light_or_dark(
    demo: Any, new_visitor: Open, photo: bytes, scheme: str, lightness: int
) -> None:
    visitor = new_visitor(color_scheme=scheme)
    page = visitor.visit(demo.page)
    drop(page, photo)
    expect(page.locator(".lc-verdict h2")).to_have_text("buildings")

    card = page.locator(".st-key-lc-answer").evaluate("e => getComputedStyle(e).backgroundColor")
    assert int(card.removeprefix("rgb(").split(",")[0]) == lightness
    if scheme == "dark":
        visitor.photograph("page-dark.png")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_no_serious_violation(
    demo: Any, new_visitor: Open, photo: bytes, shared_pictures: Path, scheme: str
) -> None:
    page = new_visitor(color_scheme=scheme, reduced_motion="reduce").visit(demo.page)
    found = {"start": serious_violations(page)}

    choose_source(page, "Web")
    page.get_by_label("Address of a picture").fill("http://10.0.0.1/a.jpg")
    page.get_by_role("button", name="Get the picture").click()
    expect(page.get_by_role("alert")).to_be_visible()
    found["web"] = serious_violations(page)

    choose_source(page, "Camera")
    expect(page.get_by_text("a picture can still be uploaded")).to_be_visible()
    found["camera"] = serious_violations(page)

    choose_source(page, "Samples")
    page.get_by_role("button", name="Snow or ice").click()
    page.get_by_role("button", name="Show what the answer rests on").click()
    expect(page.locator(".lc-legend")).to_be_visible()
    found["not sure, explained"] = serious_violations(page)

    choose_source(page, "Upload")
    scene = next((shared_pictures / "test" / "sea").iterdir()).read_bytes()
    drop_all(page, {"china.jpg": photo, "sea.jpg": scene, "notes.jpg": b"hello"})
    expect(page.get_by_text("2 of 3 pictures answered")).to_be_visible()
    look_at(page, "sea.jpg")
    expect(page.locator(".lc-verdict")).to_be_visible()
    found["several"] = serious_violations(page)

    for tab in ("This session", "The model"):
        open_tab(page, tab)
        expect(page.locator(".lc-table:visible")).to_be_visible()
        found[tab] = serious_violations(page)

    assert {where: what for where, what in found.items() if what} == {}


def focused(page: Page) -> Locator:
    return page.locator(":focus")


def tab_to(page: Page, wanted: Locator) -> None:
    """Press the tab key until `wanted` has the focus, which must be visible on the way."""
    for _ in range(40):
        page.keyboard.press("Tab")
        if wanted.evaluate("element => element === document.activeElement"):
            drawn = focused(page).evaluate(
                "e => { const s = getComputedStyle(e);"
                " return s.outlineStyle !== 'none' && s.outlineWidth !== '0px' "
                "|| s.boxShadow !== 'none' }"
            )
            assert drawn, "the focus is not to be seen"
            return
    pytest.fail(f"{wanted} is not reached by the tab key")


def test_the_keyboard_is_enough(demo: Any, visitor: Visitor) -> None:
    page = visitor.visit(demo.page)

    tab_to(page, page.get_by_role("radio", name="Upload"))
    for _ in range(3):
        page.keyboard.press("ArrowRight")
    page.keyboard.press("Space")
    sample = page.get_by_role("button", name="Open sea")
    expect(sample).to_be_visible()
    tab_to(page, sample)
    page.keyboard.press("Enter")
    expect(page.locator(".lc-verdict h2")).to_contain_text("sea")
    explain = page.get_by_role("button", name="Show what the answer rests on")
    tab_to(page, explain)
    page.keyboard.press("Enter")
    slider = page.get_by_role("slider")
    expect(slider).to_have_value("65")
    tab_to(page, slider)
    page.keyboard.press("ArrowRight")
    expect(slider).to_have_value("70")


def test_without_motion_nothing_moves(demo: Any, new_visitor: Open, photo: bytes) -> None:
    moves = "e => getComputedStyle(e).animationName"
    still = new_visitor(reduced_motion="reduce").visit(demo.page)
    moving = new_visitor().visit(demo.page)
    for page in (still, moving):
        expect(page.locator(".lc-ready .lc-dot")).to_be_visible()

    assert still.locator(".lc-dot").evaluate(moves) == "none"
    assert moving.locator(".lc-dot").evaluate(moves) == "lc-breathe"
