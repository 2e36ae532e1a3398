"""Code examples: run as they are shown, against a stand-in for the API."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from frontend.snippets import LANGUAGES
from tests.conftest import skip_or_fail
from tests.frontend.stand_in_api import PASSWORD, USERNAME, StandInApi

NAME = 'it\'s "a, b"; ü.jpg'


@pytest.mark.parametrize("language", LANGUAGES)
def test_example_gets_the_prediction(
    stand_in_api: StandInApi, tmp_path: Path, photo: bytes, language: str
) -> None:
    program = {"curl": "curl", "Python": sys.executable, "JavaScript": "node"}[language]
    if shutil.which(program) is None:
        skip_or_fail(f"{program} not found")
    (tmp_path / NAME).write_bytes(photo)
    code = LANGUAGES[language][0](stand_in_api.url, NAME, "basic")
    arguments = {
        "curl": ["sh", "-ec", code],
        "Python": [sys.executable, "-c", code],
        "JavaScript": ["node", "--input-type=module", "-e", code],
    }[language]

    ran = subprocess.run(
        arguments,
        cwd=tmp_path,
        env={**os.environ, "API_USERNAME": USERNAME, "API_PASSWORD": PASSWORD},
        capture_output=True,
        text=True,
    )

    assert ran.returncode == 0, ran.stderr
    assert "buildings" in ran.stdout
    assert "0.874" in ran.stdout
    (received,) = stand_in_api.received
    assert photo in received.body


@pytest.mark.parametrize("language", LANGUAGES)
def test_example_with_a_token_names_its_variable(language: str) -> None:
    code = LANGUAGES[language][0]("https://api.example.com", "a.jpg", "id-token")

    assert "API_TOKEN" in code
    assert "Bearer" in code
    assert "API_PASSWORD" not in code
