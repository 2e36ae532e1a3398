"""The other calls of `ApiClient`, against a stand-in for the API."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from frontend.api import ApiClient
from frontend.api import client as api_client
from frontend.api import errors as api_errors
from frontend.api.predictions import Prediction
from tests.frontend.stand_in_api import (
    CONFIDENT,
    LOW_CONFIDENCE,
    PASSWORD,
    USERNAME,
    Reply,
    StandInApi,
    batch,
    explained,
    problem,
)

MANIFEST = Path(__file__).parents[2] / "models" / "intel-scenes" / "manifest.json"


@pytest.fixture
def client(stand_in_api: StandInApi) -> Iterator[ApiClient]:
    with ApiClient(stand_in_api.url, USERNAME, PASSWORD, backoff_s=0.01) as client:
        yield client


def test_batch_returns_a_prediction_or_an_error_for_each_picture(
    stand_in_api: StandInApi, client: ApiClient, photo: bytes
) -> None:
    damaged = {"type": "x", "title": "No", "status": 422, "detail": "It is damaged."}
    stand_in_api.replies["POST /predict/batch"] = Reply(
        200, batch(CONFIDENT, damaged, LOW_CONFIDENCE), {"X_Cold_Start": "true"}, delay_s=0.06
    )

    first, second, third = client.predict_batch([("a.jpg", photo), ("b", b"no"), ("c", photo)])

    assert isinstance(first, Prediction)
    assert (first.label, first.request_id, first.cold_start) == ("buildings", "a-batch", True)
    assert 20 <= first.round_trip_ms < 2000  # a third of at least 60 ms
    assert type(second) is api_errors.NotAPicture
    assert (str(second), second.status, second.request_id) == ("It is damaged.", 422, "a-batch")
    assert isinstance(third, Prediction)
    assert third.confident is False
    assert stand_in_api.received[0].body.count(b'name="file"') == 3


def test_refused_batch_raises(stand_in_api: StandInApi, client: ApiClient, photo: bytes) -> None:
    stand_in_api.replies["POST /predict/batch"] = problem(413, "The limit is 4,000,000 bytes.")

    with pytest.raises(api_errors.TooLarge):
        client.predict_batch([("a.jpg", photo)])


def test_occlusion_map_is_parsed(stand_in_api: StandInApi, client: ApiClient, photo: bytes) -> None:
    stand_in_api.replies["POST /explain"] = Reply(200, explained([[0.5, -0.1], [0.0, 0.2]]))

    explanation = client.explain(photo, "a.jpg", grid=2).explanation

    assert explanation.drops == ((0.5, -0.1), (0.0, 0.2))
    assert (explanation.grid, explanation.label) == (2, "buildings")
    assert stand_in_api.received[0].query == {"grid": ["2"]}


def test_manifest_of_the_shipped_bundle_is_parsed(
    stand_in_api: StandInApi, client: ApiClient
) -> None:
    document = json.loads(MANIFEST.read_text())
    stand_in_api.replies["GET /model"] = Reply(200, document)

    manifest = client.model()

    assert manifest.version == document["version"]
    assert manifest.evaluation.bundle.per_class.keys() == set(manifest.classes)
    rows = [sum(row) for row in manifest.evaluation.bundle.confusion]
    assert sum(rows) == manifest.evaluation.count


@pytest.mark.parametrize(
    ("headers", "cold"),
    [({"X_Cold_Start": "true"}, True), ({"X_Cold_Start": "false"}, False), ({}, None)],
)
def test_cold_start_header_is_parsed(
    stand_in_api: StandInApi,
    client: ApiClient,
    photo: bytes,
    headers: dict[str, str],
    cold: bool | None,
) -> None:
    stand_in_api.predict = Reply(200, CONFIDENT, headers)

    assert client.predict(photo, "a.jpg").cold_start is cold


def test_docstring_example_runs(
    stand_in_api: StandInApi,
    tmp_path: Path,
    photo: bytes,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The example in the module's docstring, with the stand-in's address and credentials."""
    (tmp_path / "beach.jpg").write_bytes(photo)
    lines = str(api_client.__doc__).splitlines()
    code = "\n".join(line[4:] for line in lines if line.startswith("    "))
    for shown, real in (
        ("https://api.example.com", stand_in_api.url),
        ('"me"', repr(USERNAME)),
        ('"my password"', repr(PASSWORD)),
    ):
        assert shown in code
        code = code.replace(shown, real)

    exec(code, {"Path": Path})  # noqa: S102 - the docstring is trusted

    assert capsys.readouterr().out == "buildings 0.874\n"
