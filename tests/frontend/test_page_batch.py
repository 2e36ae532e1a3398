"""The page with several pictures, in Streamlit's test runner with a stand-in for the API."""

from io import BytesIO

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from streamlit.testing.v1 import AppTest

from frontend.images import MAX_UPLOAD_BYTES
from frontend.predictions import CHUNK_PICTURES
from tests.frontend.driver import click, drop_all, text
from tests.frontend.stand_in_api import (
    CONFIDENT,
    HEALTHY,
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


def table(page: AppTest) -> pd.DataFrame:
    return page.dataframe[0].value


def test_batch_is_a_table_with_the_least_sure_first(
    page: AppTest, stand_in_api: StandInApi
) -> None:
    unknown = {**CONFIDENT, "known": False}
    stand_in_api.replies["POST /predict/batch"] = Reply(
        200, batch(CONFIDENT, LOW_CONFIDENCE, unknown)
    )

    drop_all(page.run(), [*pictures(3), ("notes.jpg", b"hello")])

    shown = text(page)
    assert "3 of 4 classified · 1 with low confidence · 1 not a known scene · 1 failed" in shown
    rows = table(page)
    assert list(rows["File"]) == ["picture 2.png", "picture 1.png", "picture 0.png", "notes.jpg"]
    assert list(rows["Class"][:3]) == ["buildings", "mountain", "buildings"]
    assert list(rows["State"][:3]) == ["not a scene I know", "low confidence", "confident"]
    assert "or BMP format" in rows["State"][3]
    assert rows["Photo"][0].startswith("data:image/jpeg;base64,")
    assert rows["Confidence"][1] == pytest.approx(40.2)
    assert stand_in_api.count("POST /predict/batch") == 1
    assert "Not a scene I know</h2>" in shown  # the first one is open


def test_filter_shows_some_and_opens_the_first(page: AppTest, stand_in_api: StandInApi) -> None:
    stand_in_api.replies["POST /predict/batch"] = Reply(200, batch(CONFIDENT, LOW_CONFIDENCE))
    drop_all(page.run(), pictures(2))
    filters = next(one for one in page.get("button_group") if one.key == "lc-filter")
    names = [option.content for option in filters.proto.options]
    assert names == ["all (2)", "low confidence (1)", "buildings (1)", "mountain (1)"]

    page.session_state["lc-filter"] = "buildings"
    page.run()

    assert list(table(page)["File"]) == ["picture 0.png"]
    assert "buildings</h2>" in text(page)


def test_photo_of_a_batch_opens_with_all_details(page: AppTest, stand_in_api: StandInApi) -> None:
    stand_in_api.replies["POST /predict/batch"] = Reply(200, batch(CONFIDENT, LOW_CONFIDENCE))
    stand_in_api.replies["POST /explain"] = Reply(200, explained([[0.4, 0.0], [0.0, -0.1]]))
    drop_all(page.run(), [*pictures(2), ("notes.jpg", b"hello")])
    assert "<small>Perhaps </small>mountain</h2>" in text(page)

    click(page, "Next")
    click(page, "Explain this result")

    shown = text(page)
    assert "<h2>buildings</h2>" in shown
    assert "Round trip of 2 photos" in shown
    assert "request <code>a-batch</code>" in shown
    assert "The top left of the photo matters most" in shown
    assert "PNG · 40 × 30 pixels · 1 kB" in [caption.value for caption in page.caption]
    assert b"picture 0.png" in stand_in_api.received[-1].body


def test_review_corrects_and_goes_on(page: AppTest, stand_in_api: StandInApi) -> None:
    drop_all(page.run(), pictures(3))
    assert "picture 0.png</h2>" in text(page)

    click(page, "sea")
    assert "picture 1.png</h2>" in text(page)
    click(page, "Yes")
    click(page, "None of these")

    assert list(table(page)["Class"]) == ["sea", "buildings", "none"]
    assert "3 checked" in text(page)
    assert stand_in_api.count("POST /feedback") == 0  # this API stores none


def test_key_does_not_change_a_photo_that_is_no_longer_shown(
    page: AppTest, stand_in_api: StandInApi
) -> None:
    drop_all(page.run(), pictures(2))
    session = page.session_state["lc-visit"]
    session.opened = session.uploads.photos[1].id  # by an earlier key; the page is not drawn yet

    click(page, "sea")

    assert "picture 1.png</h2>" in text(page)
    assert session.corrections == {}


def test_corrections_are_stored_by_an_api_that_collects(
    page: AppTest, stand_in_api: StandInApi
) -> None:
    stand_in_api.health = Reply(200, {**HEALTHY, "collect": "feedback"})
    stand_in_api.replies["POST /feedback"] = problem(503, "The storage is full.")
    drop_all(page.run(), pictures(2))
    click(page, "sea")
    assert "1 label is not stored yet" in text(page)

    stand_in_api.replies["POST /feedback"] = Reply(201, {"status": "stored"})
    click(page, "Store again")

    assert "not stored yet" not in text(page)
    sent = stand_in_api.received[-1]
    assert sent.route == "POST /feedback"
    assert b'name="label"\r\n\r\nsea' in sent.body
    assert pictures(1)[0][1] in sent.body


def test_invalid_file_does_not_affect_the_others(page: AppTest, stand_in_api: StandInApi) -> None:
    drop_all(page.run(), [("notes.jpg", b"hello"), *pictures(2)])

    assert "2 of 3 classified · 1 failed" in text(page)
    assert "or BMP format" in table(page)["State"][2]
    assert b"hello" not in stand_in_api.received[-1].body


def test_refused_picture_does_not_affect_the_others(
    page: AppTest, stand_in_api: StandInApi
) -> None:
    refused = {"type": "x", "title": "No", "status": 422, "detail": "Under 8 pixels a side."}
    stand_in_api.replies["POST /predict/batch"] = Reply(200, batch(refused, CONFIDENT))

    drop_all(page.run(), pictures(2))

    assert "1 of 2 classified · 1 failed" in text(page)
    assert table(page)["State"][1] == "Under 8 pixels a side."


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

    assert list(table(page)["State"]) == ["The limit is 20 bytes."] * 3
    assert not page.get("download_button")


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
    drop_all(page, pictures(3)[2:])

    assert stand_in_api.received[-1].body.count(b'name="file"') == 1
    assert "3 of 3 classified" in text(page)
    assert "picture 2.png</h2>" in text(page)  # the new one is open


def test_duplicate_is_named_and_sent_once(page: AppTest, stand_in_api: StandInApi) -> None:
    ((_, data),) = pictures(1)

    drop_all(page.run(), [("a.png", data), ("b.png", data)])

    assert "2 of 2 classified · 1 duplicate" in text(page)
    assert table(page)["State"][1] == "confident, duplicate of a.png"
    assert stand_in_api.received[-1].body.count(b'name="file"') == 1


def test_file_names_are_escaped(page: AppTest) -> None:
    name = "<img src=x onerror=alert(1)>.png"
    drop_all(page.run(), [(name, pictures(1)[0][1]), *pictures(2)[1:]])

    assert name not in text(page)
    assert "&lt;img src=x" in text(page)


def test_downloads_are_offered(page: AppTest) -> None:
    drop_all(page.run(), pictures(2))

    labels = [one.proto.label for one in page.get("download_button")]
    assert labels == ["CSV", "JSON", "ZIP by class", "Report"]


def test_wrong_password_leaves_no_downloads(
    page: AppTest, stand_in_api: StandInApi, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("API_PASSWORD", "out of date")

    drop_all(page.run(), pictures(2))

    assert text(page).count("This page cannot sign in to the service") == 1
    assert not page.get("download_button")
    assert list(table(page)["State"]) == ["waiting", "waiting"]


def test_answers_of_a_batch_stay_when_the_api_goes_away(
    page: AppTest, stand_in_api: StandInApi
) -> None:
    drop_all(page.run(), pictures(2))
    stand_in_api.health = problem(503, "Gone.")
    click(page, "Check again")

    drop_all(page, pictures(3)[2:])

    assert "2 of 3 classified" in text(page)
    assert "Not classified yet" in text(page)
