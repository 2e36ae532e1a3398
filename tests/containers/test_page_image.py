"""The page image: user, health check, and the page itself."""

import time

import pytest
import requests

from tests.containers.podman import Podman, PodmanError

pytestmark = pytest.mark.timeout(900)  # the first test builds the image and its base

DRAWN = """
from streamlit.testing.v1 import AppTest
from frontend.api.predictions import ClassConfidence, Trust
from frontend.views.charts import class_bars
class_bars([ClassConfidence(label="sea", confidence=1)], Trust.CONFIDENT).to_json()
page = AppTest.from_file("frontend/app.py", default_timeout=60).run()
assert not page.exception, page.exception
print(*(part.value for part in page.get("html")))
"""


def is_healthy(podman: Podman, container: str) -> bool:
    try:
        podman("healthcheck", "run", container)
    except PodmanError:
        return False
    return True


def test_page_becomes_healthy_without_privileges(podman: Podman, page_image: str) -> None:
    with podman.container(page_image, 8501) as container:
        deadline = time.monotonic() + 60
        while not is_healthy(podman, container) and time.monotonic() < deadline:
            time.sleep(0.5)

        assert is_healthy(podman, container), podman.logs(container)
        answer = requests.get(podman.address(container), timeout=10)
        assert "<title>" in answer.text
        assert "Uid:\t65534\t" in podman("exec", container, "cat", "/proc/1/status")


def test_container_without_a_server_is_unhealthy(podman: Podman, page_image: str) -> None:
    with podman.container(page_image, 8501, '--entrypoint=["sleep", "60"]') as container:
        assert not is_healthy(podman, container)


def test_page_runs_with_the_packages_in_the_image(podman: Podman, page_image: str) -> None:
    assert "API_PASSWORD is not set" in podman.python(page_image, DRAWN)
