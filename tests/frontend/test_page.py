"""The page's states, through Streamlit's own test runner and a stand-in for the API."""

import subprocess
import sys
from collections.abc import Callable
from io import BytesIO
from pathlib import Path

import pytest
from PIL import Image
from streamlit.testing.v1 import AppTest

from tests.frontend.stand_in_api import (
    HEALTHY,
    PASSWORD,
    SURE,
    UNSURE,
    USERNAME,
    Reply,
    StandInApi,
    problem,
)

APP = Path(__file__).parents[2] / "frontend" / "app.py"


@pytest.fixture
def page(stand_in_api: StandInApi, monkeypatch: pytest.MonkeyPatch, slept: list[float]) -> AppTest:
    """A page that is configured for the stand-in; it waits for nothing between retries."""
    monkeypatch.setenv("API_URL", stand_in_api.url)
    monkeypatch.setenv("API_USERNAME", USERNAME)
    monkeypatch.setenv("API_PASSWORD", PASSWORD)
    return AppTest.from_file(APP, default_timeout=30)


def drop(page: AppTest, data: bytes, name: str = "china.jpg") -> AppTest:
    page.file_uploader[0].set_value((name, data, "image/jpeg"))
    return page.run()


def text(page: AppTest) -> str:
    """Everything that the page says."""
    assert not page.exception
    bodies = [element.proto.body for element in page.get("html")]
    return " ".join(body for body in bodies if not body.startswith("<style>"))


def test_the_page_finds_its_package_wherever_it_is_started(tmp_path: Path) -> None:
    """`streamlit run frontend/app.py` puts only `frontend/` on the path; here nothing is on it."""
    start = (
        "from streamlit.testing.v1 import AppTest\n"
        f"page = AppTest.from_file({str(APP)!r}, default_timeout=30).run()\n"
        "print(*(element.proto.body for element in page.get('html')))"
    )
    ran = subprocess.run(
        [sys.executable, "-P", "-c", start], cwd=tmp_path, capture_output=True, text=True
    )

    assert "The page is not configured yet" in ran.stdout, ran.stderr


def test_without_credentials_the_page_says_what_to_set() -> None:
    page = AppTest.from_file(APP, default_timeout=30).run()

    assert "The page is not configured yet" in text(page)
    assert "API_USERNAME is not set." in text(page)
    assert "API_PASSWORD is not set." in text(page)
    assert not page.file_uploader


def test_streamlit_secrets_configure_the_page(stand_in_api: StandInApi) -> None:
    page = AppTest.from_file(APP, default_timeout=30)
    page.secrets = {
        "API_URL": stand_in_api.url,
        "API_USERNAME": USERNAME,
        "API_PASSWORD": PASSWORD,
        "PAGE_TITLE": "Leaves & <Trees>",
    }

    page.run()

    assert "<h1>Leaves &amp; &lt;Trees&gt;</h1>" in text(page)
    assert "lc-ready" in text(page)


def test_before_a_picture_the_page_shows_health_and_model(page: AppTest) -> None:
    page.run()

    assert "<strong>Ready</strong><span>Up for 12 min.</span>" in text(page)
    for shown in ("intel-scenes", "1a2b3c4d5e6f", "21 ms"):
        assert shown in text(page)
    assert "its answer appears here" in text(page)
    assert page.file_uploader[0].allowed_type == [".jpg", ".jpeg", ".png", ".webp"]


@pytest.mark.parametrize(
    ("seconds", "words"), [(3, "Just started."), (754, "Up for 12 min."), (9000, "Up for 2 h.")]
)
def test_uptime_in_words(
    page: AppTest, stand_in_api: StandInApi, seconds: float, words: str
) -> None:
    stand_in_api.health = Reply(200, {**HEALTHY, "uptime_s": seconds})

    assert words in text(page.run())


def test_a_confident_answer(page: AppTest, photo: bytes) -> None:
    drop(page.run(), photo)

    shown = text(page)
    assert "Confident" in shown
    assert "Not sure" not in shown
    assert "buildings</h2>" in shown
    assert "<strong>87.4%</strong> confidence" in shown
    assert "2.3 <small>ms" in shown
    assert "1.6 <small>ms" in shown
    assert "Round trip" in shown
    assert "<code>5f0c6f0e-stand-in</code>" in shown
    assert page.caption[0].value == "JPEG · 640 × 427 pixels · 197 kB"
    assert len(page.get("plotly_chart")) == 1
    assert len(page.get("image")) == 1


def test_an_answer_below_the_threshold_is_not_sure(
    page: AppTest, stand_in_api: StandInApi, photo: bytes
) -> None:
    stand_in_api.predict = Reply(200, UNSURE)

    drop(page.run(), photo)

    assert "Not sure" in text(page)
    assert "<small>Perhaps </small>mountain</h2>" in text(page)
    assert "Take this for a guess" in text(page)


def test_a_label_is_text_and_not_markup(
    page: AppTest, stand_in_api: StandInApi, photo: bytes
) -> None:
    label = "<img src=x onerror=alert(1)>"
    stand_in_api.predict = Reply(200, {**SURE, "label": label})
    stand_in_api.health = Reply(200, {**HEALTHY, "classes": [label]})

    drop(page.run(), photo)

    assert label not in text(page)
    assert "&lt;img src=x" in text(page)


@pytest.mark.parametrize(
    ("reply", "title", "can_retry"),
    [
        (problem(401, "Wrong password."), "The API does not accept the credentials", False),
        (problem(413, "5 MB; the limit is 4."), "The picture is too large", False),
        (problem(415, "No JPEG."), "This picture cannot be used", False),
        (problem(422, "It is damaged."), "This picture cannot be used", False),
        (problem(429, "Slow down."), "The API asks to wait", True),
        (problem(503, "There is no bundle."), "The model is not ready", True),
        (problem(500, "Internal error."), "Something went wrong in the API", True),
        (problem(404, "Not found."), "This does not look like the API", False),
    ],
)
def test_an_error_is_told_in_plain_words(
    page: AppTest,
    stand_in_api: StandInApi,
    photo: bytes,
    reply: Reply,
    title: str,
    can_retry: bool,
) -> None:
    stand_in_api.predict = reply

    drop(page.run(), photo)

    assert title in text(page)
    assert PASSWORD not in text(page)
    assert any(button.label == "Try again" for button in page.button) is can_retry
    assert not page.get("plotly_chart")


def test_an_api_that_is_down_is_told_in_the_side_bar_and_for_the_picture(
    page: AppTest, photo: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("API_URL", "http://127.0.0.1:9")  # "discard": nothing answers there

    drop(page.run(), photo)

    assert text(page).count("The API cannot be reached") == 2
    assert "lc-down" in text(page)
    assert len(page.get("image")) == 1


def test_an_api_that_hangs_is_told(
    page: AppTest, stand_in_api: StandInApi, photo: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("frontend.api_client.ANSWER_TIMEOUT_S", 0.1)
    stand_in_api.predict = Reply(200, SURE, delay_s=0.5)

    drop(page.run(), photo)

    assert "The API takes too long" in text(page)


def test_a_model_that_is_not_ready_is_told_with_its_reason(
    page: AppTest, stand_in_api: StandInApi
) -> None:
    stand_in_api.health = problem(503, "There is no manifest.json.")

    page.run()

    assert "lc-waiting" in text(page)
    assert "There is no manifest.json." in text(page)


def test_no_picture_is_sent_to_a_model_that_is_not_ready(
    page: AppTest, stand_in_api: StandInApi, photo: bytes
) -> None:
    stand_in_api.health = problem(503, "The model is loading.", Retry_After="60")
    drop(page.run(), photo)
    assert (
        "The model is loading. This page looks again by itself; the API asks to wait 60 s."
        in text(page)
    )
    assert stand_in_api.count("POST /predict") == 0

    stand_in_api.health = Reply(200, HEALTHY)
    click(page, "Try again")

    assert "buildings</h2>" in text(page)


@pytest.mark.parametrize("data", [b"hello", b""])
def test_what_is_not_a_picture_is_not_sent(
    page: AppTest, stand_in_api: StandInApi, data: bytes
) -> None:
    drop(page.run(), data)

    assert "This picture cannot be used" in text(page)
    assert stand_in_api.count("POST /predict") == 0


def test_a_rerun_does_not_send_the_picture_again(
    page: AppTest, stand_in_api: StandInApi, photo: bytes, photos: Path
) -> None:
    drop(page.run(), photo)
    page.run()
    drop(page, (photos / "flower.jpg").read_bytes(), "flower.jpg")
    drop(page, photo, "the same under another name.jpg")

    assert "buildings</h2>" in text(page)
    assert stand_in_api.count("POST /predict") == 2


def test_a_refusal_is_remembered_but_a_passing_failure_is_tried_again(
    page: AppTest, stand_in_api: StandInApi, photo: bytes, photos: Path
) -> None:
    stand_in_api.predict = problem(422, "It is damaged.")
    drop(page.run(), photo)
    page.run()
    assert stand_in_api.count("POST /predict") == 1

    stand_in_api.predict = problem(500, "Internal error.")
    drop(page, (photos / "flower.jpg").read_bytes())
    stand_in_api.predict = Reply(200, SURE)
    click(page, "Try again")

    assert "buildings</h2>" in text(page)


def test_health_is_asked_once_for_several_reruns_and_again_on_demand(
    page: AppTest, stand_in_api: StandInApi
) -> None:
    page.run()
    page.run()
    assert stand_in_api.count("GET /health") == 1

    stand_in_api.health = problem(503, "The model is loading.")
    click(page, "Check again")

    assert stand_in_api.count("GET /health") == 2
    assert "The model is loading." in text(page)


def test_new_credentials_are_used_without_a_restart(
    page: AppTest, photo: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("API_PASSWORD", "out of date")
    drop(page.run(), photo)
    assert "The API does not accept the credentials" in text(page)

    monkeypatch.setenv("API_PASSWORD", PASSWORD)
    page.run()

    assert "buildings</h2>" in text(page)


def test_a_large_photo_is_reduced_and_the_page_says_so(
    page: AppTest, stand_in_api: StandInApi, photos: Path
) -> None:
    buffer = BytesIO()
    with Image.open(photos / "china.jpg") as image:
        image.resize((8000, 5300)).save(buffer, "JPEG")

    drop(page.run(), buffer.getvalue())

    assert page.info[0].value.startswith("Reduced from 8000 × 5300")
    assert all(len(request.body) <= 4_000_000 for request in stand_in_api.received)
    assert "buildings</h2>" in text(page)


def click(page: AppTest, label: str) -> None:
    press: dict[str, Callable[[], object]] = {b.label: b.click for b in page.button}
    press[label]()
    page.run()
