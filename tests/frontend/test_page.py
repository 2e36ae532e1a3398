"""The page with one picture, in Streamlit's test runner with a stand-in for the API."""

import subprocess
import sys
from io import BytesIO
from pathlib import Path

import pytest
from PIL import Image
from streamlit.testing.v1 import AppTest

from frontend.class_cards import shipped_cards
from tests.frontend.driver import APP, click, drop, text
from tests.frontend.stand_in_api import (
    CONFIDENT,
    HEALTHY,
    LOW_CONFIDENCE,
    PASSWORD,
    USERNAME,
    Reply,
    StandInApi,
)


def test_page_finds_its_package_from_any_folder(tmp_path: Path) -> None:
    """`streamlit run frontend/app.py` adds only `frontend/` to the path; here it is empty."""
    start = (
        "from streamlit.testing.v1 import AppTest\n"
        f"page = AppTest.from_file({str(APP)!r}, default_timeout=30).run()\n"
        "print(*(element.proto.body for element in page.get('html')))"
    )
    ran = subprocess.run(
        [sys.executable, "-P", "-c", start], cwd=tmp_path, capture_output=True, text=True
    )

    assert "This page is not configured" in ran.stdout, ran.stderr


def test_page_without_credentials_names_the_missing_settings() -> None:
    page = AppTest.from_file(APP, default_timeout=30).run()

    assert "This page is not configured" in text(page)
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


def test_unreadable_secrets_are_reported_with_their_line(tmp_path: Path) -> None:
    folder = tmp_path / ".streamlit"
    folder.mkdir()
    (folder / "secrets.toml").write_text('API_USERNAME = "me"\nAPI_PASSWORD = "no-end\n')

    page = AppTest.from_file(APP, default_timeout=30).run()

    assert "secrets.toml" in text(page)
    assert "at line 2" in text(page)
    assert "is not set" not in text(page)
    assert "no-end" not in text(page)


def test_page_without_a_picture_shows_health_and_model(page: AppTest) -> None:
    page.run()

    assert "<strong>Ready</strong><span>Model intel-scenes, 6 classes.</span>" in text(page)
    for shown in ("intel-scenes", "1a2b3c4d5e6f", "21 ms"):
        assert shown in text(page)
    assert "Your result will appear here" in text(page)
    assert text(page).count("<li>") == 6  # the classes
    assert page.get("plotly_chart")[0].proto.alt == "Example of a result"


@pytest.mark.parametrize(("seconds", "uptime"), [(3, "0 min"), (754, "12 min"), (9000, "2 h")])
def test_uptime_is_shown(
    page: AppTest, stand_in_api: StandInApi, seconds: float, uptime: str
) -> None:
    stand_in_api.health = Reply(200, {**HEALTHY, "uptime_s": seconds})

    page.run()

    assert f"<dt>Running for</dt><dd>{uptime}</dd>" in text(page)


def test_confident_prediction_is_shown(page: AppTest, photo: bytes) -> None:
    drop(page.run(), photo)

    shown = text(page)
    assert "Confident" in shown
    assert "Low confidence" not in shown
    assert "buildings</h2>" in shown
    assert "<strong>87.4%</strong> confidence" in shown
    assert "2.3 <small>ms" in shown
    assert "1.6 <small>ms" in shown
    assert "Round trip" in shown
    assert "<code>5f0c6f0e-stand-in</code>" in shown
    assert page.caption[0].value == "JPEG · 640 × 427 pixels · 197 kB"
    assert len(page.get("plotly_chart")) == 1
    assert len(page.get("image")) == 1


def test_prediction_below_the_threshold_has_low_confidence(
    page: AppTest, stand_in_api: StandInApi, photo: bytes
) -> None:
    stand_in_api.predict = Reply(200, LOW_CONFIDENCE)

    drop(page.run(), photo)

    assert "Low confidence" in text(page)
    assert "<small>Perhaps </small>mountain</h2>" in text(page)
    assert "Treat this as a guess" in text(page)
    assert shipped_cards()["mountain"].description in text(page)


def test_label_is_escaped(page: AppTest, stand_in_api: StandInApi, photo: bytes) -> None:
    label = "<img src=x onerror=alert(1)>"
    stand_in_api.predict = Reply(200, {**CONFIDENT, "label": label})
    stand_in_api.health = Reply(200, {**HEALTHY, "classes": [label]})

    drop(page.run(), photo)

    assert label not in text(page)
    assert "&lt;img src=x" in text(page)


@pytest.mark.parametrize("data", [b"hello", b""])
def test_invalid_file_is_not_sent(page: AppTest, stand_in_api: StandInApi, data: bytes) -> None:
    drop(page.run(), data)

    assert "This photo cannot be used" in text(page)
    assert stand_in_api.count("POST /predict") == 0


def test_picture_is_sent_once_for_all_runs(
    page: AppTest, stand_in_api: StandInApi, photo: bytes, photos: Path
) -> None:
    drop(page.run(), photo)
    page.run()
    click(page, "Remove this photo")
    drop(page, (photos / "flower.jpg").read_bytes(), "flower.jpg")
    click(page, "Remove this photo")
    drop(page, photo, "the same with another name.jpg")

    assert "buildings</h2>" in text(page)
    assert stand_in_api.count("POST /predict") == 2


def test_large_photo_is_resized_with_a_note(
    page: AppTest, stand_in_api: StandInApi, photos: Path
) -> None:
    buffer = BytesIO()
    with Image.open(photos / "china.jpg") as image:
        image.resize((8000, 5300), Image.Resampling.BOX).save(buffer, "JPEG")

    drop(page.run(), buffer.getvalue())

    assert page.info[0].value.startswith("Resized from 8000 × 5300")
    assert all(len(request.body) <= 4_000_000 for request in stand_in_api.received)
    assert "buildings</h2>" in text(page)
