"""`HEAD` requests, and addresses with additional slashes."""

import pytest
from fastapi.testclient import TestClient

from tests.lambda_api.forms import JPEG


@pytest.mark.parametrize("path", ["/", "/health", "/docs", "/openapi.json", "/model"])
def test_head_is_as_get_without_the_body(client: TestClient, path: str) -> None:
    head, get = client.head(path), client.get(path)

    assert head.status_code == get.status_code == 200
    assert head.headers["Content-Type"] == get.headers["Content-Type"]


@pytest.mark.parametrize(
    "path", ["/predict/", "//predict", "/predict//", "/predict/batch/", "/predict//batch"]
)
def test_additional_slashes_need_no_redirect(client: TestClient, path: str) -> None:
    url = f"http://testserver{path}"

    answer = client.post(url, files={"file": JPEG}, follow_redirects=False)

    assert answer.status_code == 200
