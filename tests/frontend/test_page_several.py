"""Several pictures at once, through Streamlit's test runner and a stand-in for the API."""

from io import BytesIO

import numpy as np
import pytest
from PIL import Image
from streamlit.testing.v1 import AppTest

from frontend.images import MAX_UPLOAD_BYTES
from frontend.predictions import CHUNK_PICTURES
from tests.frontend.driver import click, drop_all, text
from tests.frontend.stand_in_api import SURE, UNSURE, Reply, StandInApi, batch, explained, problem


def pictures(count: int) -> list[tuple[str, bytes]]:
    """Small pictures, each another."""
    files = []
    for number in range(count):
        buffer = BytesIO()
        Image.new("RGB", (40, 30), (number * 9 % 256, 90, 120)).save(buffer, "PNG")
        files.append((f"picture {number}.png", buffer.getvalue()))
    return files


def test_several_are_answered_grouped_and_offered_as_files(
    page: AppTest, stand_in_api: StandInApi
) -> None:
    stand_in_api.answers["POST /predict/batch"] = Reply(200, batch(SURE, UNSURE, SURE))

    drop_all(page.run(), pictures(3))

    shown = text(page)
    assert "3 of 3 pictures answered · 1 not sure" in shown
    assert shown.count("<figure>") == 3
    assert "<span>buildings</span><strong>2</strong>" in shown
    assert "glacier 37%" in shown  # the next best of the one that is not sure
    assert [button.proto.label for button in page.get("download_button")] == ["CSV", "JSON"]
    assert stand_in_api.count("POST /predict/batch") == 1


def test_the_table_tells_each_picture_s_format_and_size(page: AppTest, photo: bytes) -> None:
    drop_all(page.run(), [*pictures(1), ("china.jpg", photo), ("notes.jpg", b"hello")])

    shown = text(page)
    assert '<td>PNG</td><td>40 × 30</td><td class="lc-number">1 kB</td>' in shown
    assert '<td>JPEG</td><td>640 × 427</td><td class="lc-number">197 kB</td>' in shown
    assert shown.count('<span class="lc-file"><img') == 2


def test_one_of_several_is_looked_at_with_all_of_its_answer(
    page: AppTest, stand_in_api: StandInApi
) -> None:
    stand_in_api.answers["POST /predict/batch"] = Reply(200, batch(SURE, UNSURE))
    stand_in_api.answers["POST /explain"] = Reply(200, explained([[0.4, 0.0], [0.0, -0.1]]))
    drop_all(page.run(), [*pictures(2), ("notes.jpg", b"hello")])
    assert page.selectbox[0].options == ["picture 0.png", "picture 1.png"]
    assert not page.get("plotly_chart")

    page.selectbox[0].select_index(1).run()
    click(page, "Show what the answer rests on")

    shown = text(page)
    assert "<small>Perhaps </small>mountain</h2>" in shown
    assert "Round trip" in shown
    assert "request <code>a-batch</code>" in shown
    assert "It rests most on the top left" in shown
    assert len(page.get("plotly_chart")) == 1
    assert "PNG · 40 × 30 pixels · 1 kB" in [caption.value for caption in page.caption]
    assert b"picture 1.png" in stand_in_api.received[-1].body


def test_the_one_looked_at_may_be_taken_away(page: AppTest) -> None:
    drop_all(page.run(), pictures(3))
    page.selectbox[0].select_index(2).run()

    drop_all(page, pictures(2))

    assert page.selectbox[0].value is None
    assert "2 of 2 pictures answered" in text(page)


def test_a_file_that_is_no_picture_costs_none_of_the_others(
    page: AppTest, stand_in_api: StandInApi
) -> None:
    drop_all(page.run(), [("notes.jpg", b"hello"), *pictures(2)])

    assert "2 of 3 pictures answered · 1 without an answer" in text(page)
    assert "not a JPEG, PNG or WebP picture" in text(page)
    assert b"hello" not in stand_in_api.received[-1].body


def test_a_picture_that_the_api_refuses_costs_none_of_the_others(
    page: AppTest, stand_in_api: StandInApi
) -> None:
    refused = {"type": "x", "title": "No", "status": 422, "detail": "Under 8 pixels a side."}
    stand_in_api.answers["POST /predict/batch"] = Reply(200, batch(refused, SURE))

    drop_all(page.run(), pictures(2))

    assert "1 of 2 pictures answered · 1 without an answer" in text(page)
    assert "Under 8 pixels a side." in text(page)


def test_many_go_in_steps(page: AppTest, stand_in_api: StandInApi) -> None:
    drop_all(page.run(), pictures(CHUNK_PICTURES * 2 + 3))

    sent = [r.body.count(b'name="file"') for r in stand_in_api.received if "batch" in r.route]
    assert sent == [CHUNK_PICTURES, CHUNK_PICTURES, 3]
    assert f"{CHUNK_PICTURES * 2 + 3} pictures" in text(page)


def test_no_step_is_above_the_api_s_limit(page: AppTest, stand_in_api: StandInApi) -> None:
    files = []
    for seed in range(3):
        noise = np.random.default_rng(seed).integers(0, 256, (800, 800, 3), dtype=np.uint8)
        buffer = BytesIO()
        Image.fromarray(noise).save(buffer, "PNG")  # 1.9 MB
        files.append((f"{seed}.png", buffer.getvalue()))
    assert sum(len(data) for _, data in files) > MAX_UPLOAD_BYTES

    drop_all(page.run(), files)

    assert "3 of 3 pictures answered" in text(page)
    assert all(len(request.body) <= 4_000_000 for request in stand_in_api.received)


def test_an_api_with_a_lower_limit_gets_them_one_by_one(
    page: AppTest, stand_in_api: StandInApi
) -> None:
    stand_in_api.answers["POST /predict/batch"] = problem(413, "The limit is 200 bytes.")

    drop_all(page.run(), pictures(3))

    assert stand_in_api.count("POST /predict/batch") == 1
    assert stand_in_api.count("POST /predict") == 3
    assert "3 of 3 pictures answered" in text(page)


def test_a_limit_below_any_picture_costs_an_error_each(
    page: AppTest, stand_in_api: StandInApi
) -> None:
    stand_in_api.predict = problem(413, "The limit is 20 bytes.")

    drop_all(page.run(), pictures(3))

    assert text(page).count("The limit is 20 bytes.") == 3


def test_an_api_that_fails_is_asked_no_further_and_again_on_demand(
    page: AppTest, stand_in_api: StandInApi
) -> None:
    stand_in_api.answers["POST /predict/batch"] = problem(500, "Internal error.")
    drop_all(page.run(), pictures(CHUNK_PICTURES + 1))
    assert stand_in_api.count("POST /predict/batch") == 1
    assert "Something went wrong in the API" in text(page)

    del stand_in_api.answers["POST /predict/batch"]
    click(page, "Try again")

    assert f"{CHUNK_PICTURES + 1} of {CHUNK_PICTURES + 1} pictures answered" in text(page)


def test_one_more_picture_does_not_send_the_others_again(
    page: AppTest, stand_in_api: StandInApi
) -> None:
    drop_all(page.run(), pictures(2))
    drop_all(page, pictures(3))

    assert stand_in_api.received[-1].body.count(b'name="file"') == 1
    assert "3 of 3 pictures answered" in text(page)


def test_the_same_picture_twice_is_sent_once(page: AppTest, stand_in_api: StandInApi) -> None:
    ((_, data),) = pictures(1)

    drop_all(page.run(), [("a.png", data), ("b.png", data)])

    assert "2 of 2 pictures answered" in text(page)
    assert stand_in_api.received[-1].body.count(b'name="file"') == 1


def test_names_are_text_and_not_markup(page: AppTest) -> None:
    name = "<img src=x onerror=alert(1)>.png"
    drop_all(page.run(), [(name, pictures(1)[0][1]), *pictures(2)[1:]])

    assert name not in text(page)
    assert "&lt;img src=x" in text(page)


@pytest.mark.parametrize("label", ["CSV", "JSON"])
def test_files_hold_every_picture(page: AppTest, label: str) -> None:
    drop_all(page.run(), pictures(2))

    (button,) = (one for one in page.get("download_button") if one.proto.label == label)
    assert button.proto.url.endswith(f".{label.lower()}")
