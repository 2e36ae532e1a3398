"""Many photos in a browser, with a stand-in for the API: formats, ZIP files, review, phones."""

import zipfile
from io import BytesIO
from time import perf_counter

import numpy as np
from PIL import Image
from playwright.sync_api import expect

from tests.e2e import axe
from tests.e2e.browser import Visitor, check_again, drop, drop_all, open_row, wait_until_settled
from tests.e2e.stand_in_page import reset
from tests.frontend.stand_in_api import StandInApi, problem

# Sizes of all visible targets of fingers, but for links in a text.
SMALL_TARGETS = """() => [...document.querySelectorAll(
    'button, summary, a.lc-jump, [role=tab], [role=radio], input[type=range], label:has(input)')]
  .filter(element => element.checkVisibility({visibilityProperty: true, opacityProperty: true}))
  .map(element => [element.outerHTML.slice(0, 120), element.getBoundingClientRect()])
  .filter(([, box]) => box.width > 1 && (box.width < 24 || box.height < 24))
  .map(([html, box]) => `${html} ${box.width} x ${box.height}`)"""


def picture(number: int = 0, form: str = "PNG") -> bytes:
    buffer = BytesIO()
    Image.new("RGB", (64, 48), (number % 256, number // 256, 120)).save(buffer, form)
    return buffer.getvalue()


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
    wait_until_settled(page)
    page.get_by_text("Add photos").click()
    wait_until_settled(page)  # a click on what moves may miss it
    page.get_by_text("1 file was skipped").click()
    expect(page.get_by_text("notes.pdf: It is not a photo.")).to_be_visible()
    open_row(page, 1, "gif.gif")
    expect(page.get_by_alt_text("Preview of your photo")).to_be_visible()


def test_targets_are_large_enough_for_a_finger(phone: Visitor, address: str, photo: bytes) -> None:
    page = phone.visit(address)
    assert page.evaluate(SMALL_TARGETS) == []

    drop_all(page, {"a.jpg": photo, "b.png": picture(), "notes.pdf": b"%PDF"})

    expect(page.get_by_text("2 of 2 classified")).to_be_visible()
    wait_until_settled(page)
    assert page.evaluate(SMALL_TARGETS) == []
    assert axe.violations(page) == []


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
    wait_until_settled(page)  # the keys belong to the next photo only then
    page.keyboard.press("5")  # the fifth class
    expect(page.get_by_text("2 checked")).to_be_visible()
