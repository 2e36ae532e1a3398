"""The page with several pictures, in Streamlit's test runner with a stand-in for the API."""

from io import BytesIO

import numpy as np
import pytest
from PIL import Image
from streamlit.testing.v1 import AppTest

from frontend.images import MAX_UPLOAD_BYTES
from frontend.predictions import CHUNK_PICTURES
from tests.frontend.driver import click, drop_all, text
from tests.frontend.stand_in_api import (
    CONFIDENT,
    LOW_CONFIDENCE,
    Reply,
    StandInApi,
    batch,
    explained,
    problem,
)


def pictures(count: int) -> list[tuple[str, bytes]]:
    """Small pictures, each with another color."""
    files = []
    for number in range(count):
        buffer = BytesIO()
        Image.new("RGB", (40, 30), (number * 9 % 256, 90, 120)).save(buffer, "PNG")
        files.append((f"picture {number}.png", buffer.getvalue()))
    return files


def test_batch_is_classified_grouped_and_downloadable(
    page: AppTest, stand_in_api: StandInApi
) -> None:
    stand_in_api.replies["POST /predict/batch"] = Reply(
        200, batch(CONFIDENT, LOW_CONFIDENCE, CONFIDENT)
    )

    drop_all(page.run(), pictures(3))

    shown = text(page)
    assert "3 of 3 classified · 1 with low confidence" in shown
    assert shown.count("<figure>") == 3
    assert "<span>buildings</span><strong>2</strong>" in shown
    assert "glacier 37%" in shown  # next best, of the prediction with low confidence
    assert [button.proto.label for button in page.get("download_button")] == ["CSV", "JSON"]
    assert stand_in_api.count("POST /predict/batch") == 1


def test_table_shows_format_and_size_of_each_picture(page: AppTest, photo: bytes) -> None:
    drop_all(page.run(), [*pictures(1), ("china.jpg", photo), ("notes.jpg", b"hello")])

    shown = text(page)
    assert '<td>PNG</td><td>40 × 30</td><td class="lc-number">1 kB</td>' in shown
    assert '<td>JPEG</td><td>640 × 427</td><td class="lc-number">197 kB</td>' in shown
    assert shown.count('<span class="lc-file"><img') == 2


def test_picture_of_a_batch_can_be_opened_with_all_details(
    page: AppTest, stand_in_api: StandInApi
) -> None:
    stand_in_api.replies["POST /predict/batch"] = Reply(200, batch(CONFIDENT, LOW_CONFIDENCE))
    stand_in_api.replies["POST /explain"] = Reply(200, explained([[0.4, 0.0], [0.0, -0.1]]))
    drop_all(page.run(), [*pictures(2), ("notes.jpg", b"hello")])
    assert page.selectbox[0].options == ["picture 0.png", "picture 1.png"]
    assert not page.get("plotly_chart")

    page.selectbox[0].select_index(1).run()
    click(page, "Explain this result")

    shown = text(page)
    assert "<small>Perhaps </small>mountain</h2>" in shown
    assert "Round trip" in shown
    assert "request <code>a-batch</code>" in shown
    assert "The top left of the photo matters most" in shown
    assert len(page.get("plotly_chart")) == 1
    assert "PNG · 40 × 30 pixels · 1 kB" in [caption.value for caption in page.caption]
    assert b"picture 1.png" in stand_in_api.received[-1].body


def test_opened_picture_may_be_removed(page: AppTest) -> None:
    drop_all(page.run(), pictures(3))
    page.selectbox[0].select_index(2).run()

    drop_all(page, pictures(2))

    assert page.selectbox[0].value is None
    assert "2 of 2 classified" in text(page)


def test_invalid_file_does_not_affect_the_others(page: AppTest, stand_in_api: StandInApi) -> None:
    drop_all(page.run(), [("notes.jpg", b"hello"), *pictures(2)])

    assert "2 of 3 classified · 1 failed" in text(page)
    assert "or BMP format" in text(page)
    assert b"hello" not in stand_in_api.received[-1].body


def test_refused_picture_does_not_affect_the_others(
    page: AppTest, stand_in_api: StandInApi
) -> None:
    refused = {"type": "x", "title": "No", "status": 422, "detail": "Under 8 pixels a side."}
    stand_in_api.replies["POST /predict/batch"] = Reply(200, batch(refused, CONFIDENT))

    drop_all(page.run(), pictures(2))

    assert "1 of 2 classified · 1 failed" in text(page)
    assert "Under 8 pixels a side." in text(page)


def test_many_pictures_are_sent_in_chunks(page: AppTest, stand_in_api: StandInApi) -> None:
    drop_all(page.run(), pictures(CHUNK_PICTURES * 2 + 3))

    sent = [r.body.count(b'name="file"') for r in stand_in_api.received if "batch" in r.route]
    assert sent == [CHUNK_PICTURES, CHUNK_PICTURES, 3]
    assert f"{CHUNK_PICTURES * 2 + 3} photos" in text(page)


def test_no_chunk_exceeds_the_limit_of_the_api(page: AppTest, stand_in_api: StandInApi) -> None:
    files = []
    for seed in range(3):
        noise = np.random.default_rng(seed).integers(0, 256, (800, 800, 3), dtype=np.uint8)
        buffer = BytesIO()
        Image.fromarray(noise).save(buffer, "PNG")  # 1.9 MB
        files.append((f"{seed}.png", buffer.getvalue()))
    assert sum(len(data) for _, data in files) > MAX_UPLOAD_BYTES

    drop_all(page.run(), files)

    assert "3 of 3 classified" in text(page)
    assert all(len(request.body) <= 4_000_000 for request in stand_in_api.received)


def test_pictures_are_sent_one_by_one_after_413(page: AppTest, stand_in_api: StandInApi) -> None:
    stand_in_api.replies["POST /predict/batch"] = problem(413, "The limit is 200 bytes.")

    drop_all(page.run(), pictures(3))

    assert stand_in_api.count("POST /predict/batch") == 1
    assert stand_in_api.count("POST /predict") == 3
    assert "3 of 3 classified" in text(page)


def test_each_picture_above_the_limit_has_an_error(page: AppTest, stand_in_api: StandInApi) -> None:
    stand_in_api.predict = problem(413, "The limit is 20 bytes.")

    drop_all(page.run(), pictures(3))

    assert text(page).count("The limit is 20 bytes.") == 3


def test_batch_stops_at_a_failure_and_can_be_retried(
    page: AppTest, stand_in_api: StandInApi
) -> None:
    stand_in_api.replies["POST /predict/batch"] = problem(500, "Internal error.")
    drop_all(page.run(), pictures(CHUNK_PICTURES + 1))
    assert stand_in_api.count("POST /predict/batch") == 1
    assert "The service failed" in text(page)

    del stand_in_api.replies["POST /predict/batch"]
    click(page, "Try again")

    assert f"{CHUNK_PICTURES + 1} of {CHUNK_PICTURES + 1} classified" in text(page)


def test_added_picture_does_not_send_the_others_again(
    page: AppTest, stand_in_api: StandInApi
) -> None:
    drop_all(page.run(), pictures(2))
    drop_all(page, pictures(3))

    assert stand_in_api.received[-1].body.count(b'name="file"') == 1
    assert "3 of 3 classified" in text(page)


def test_duplicate_picture_is_sent_once(page: AppTest, stand_in_api: StandInApi) -> None:
    ((_, data),) = pictures(1)

    drop_all(page.run(), [("a.png", data), ("b.png", data)])

    assert "2 of 2 classified" in text(page)
    assert stand_in_api.received[-1].body.count(b'name="file"') == 1


def test_file_names_are_escaped(page: AppTest) -> None:
    name = "<img src=x onerror=alert(1)>.png"
    drop_all(page.run(), [(name, pictures(1)[0][1]), *pictures(2)[1:]])

    assert name not in text(page)
    assert "&lt;img src=x" in text(page)


@pytest.mark.parametrize("label", ["CSV", "JSON"])
def test_downloads_are_offered_as_csv_and_json(page: AppTest, label: str) -> None:
    drop_all(page.run(), pictures(2))

    (button,) = (one for one in page.get("download_button") if one.proto.label == label)
    assert button.proto.url.endswith(f".{label.lower()}")
