"""What the client asks besides single pictures, against a stand-in for the API."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from frontend.api import errors as api_errors
from frontend.api.client import ApiClient
from frontend.api.predictions import Prediction
from tests.frontend.stand_in_api import (
    PASSWORD,
    SURE,
    UNSURE,
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


def test_each_picture_of_several_has_its_answer_or_its_error(
    stand_in_api: StandInApi, client: ApiClient, photo: bytes
) -> None:
    damaged = {"type": "x", "title": "No", "status": 422, "detail": "It is damaged."}
    stand_in_api.answers["POST /predict/batch"] = Reply(
        200, batch(SURE, damaged, UNSURE), {"X_Cold_Start": "true"}, delay_s=0.06
    )

    first, second, third = client.predict_batch([("a.jpg", photo), ("b", b"no"), ("c", photo)])

    assert isinstance(first, Prediction)
    assert (first.label, first.request_id, first.cold_start) == ("buildings", "a-batch", True)
    assert 20 <= first.round_trip_ms < 2000  # its share of 60 ms and more
    assert type(second) is api_errors.NotAPicture
    assert (str(second), second.status, second.request_id) == ("It is damaged.", 422, "a-batch")
    assert isinstance(third, Prediction)
    assert third.confident is False
    assert stand_in_api.received[0].body.count(b'name="file"') == 3


def test_several_pictures_that_are_refused_together_raise(
    stand_in_api: StandInApi, client: ApiClient, photo: bytes
) -> None:
    stand_in_api.answers["POST /predict/batch"] = problem(413, "The limit is 4,000,000 bytes.")

    with pytest.raises(api_errors.TooLarge):
        client.predict_batch([("a.jpg", photo)])


def test_an_occlusion_map_is_read(
    stand_in_api: StandInApi, client: ApiClient, photo: bytes
) -> None:
    stand_in_api.answers["POST /explain"] = Reply(200, explained([[0.5, -0.1], [0.0, 0.2]]))

    found = client.explain(photo, "a.jpg", grid=2).explanation

    assert found.drops == ((0.5, -0.1), (0.0, 0.2))
    assert (found.grid, found.label) == (2, "buildings")
    assert stand_in_api.received[0].query == {"grid": ["2"]}


def test_the_manifest_of_the_shipped_bundle_is_read(
    stand_in_api: StandInApi, client: ApiClient
) -> None:
    document = json.loads(MANIFEST.read_text())
    stand_in_api.answers["GET /model"] = Reply(200, document)

    manifest = client.model()

    assert manifest.version == document["version"]
    assert manifest.evaluation.bundle.per_class.keys() == set(manifest.classes)
    rows = [sum(row) for row in manifest.evaluation.bundle.confusion]
    assert sum(rows) == manifest.evaluation.count


@pytest.mark.parametrize(
    ("headers", "cold"),
    [({"X_Cold_Start": "true"}, True), ({"X_Cold_Start": "false"}, False), ({}, None)],
)
def test_whether_a_process_was_started_for_the_answer_is_read(
    stand_in_api: StandInApi,
    client: ApiClient,
    photo: bytes,
    headers: dict[str, str],
    cold: bool | None,
) -> None:
    stand_in_api.predict = Reply(200, SURE, headers)

    assert client.predict(photo, "a.jpg").cold_start is cold


def test_the_client_s_own_example_runs(
    stand_in_api: StandInApi,
    tmp_path: Path,
    photo: bytes,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The one in the module's docstring, with the stand-in's address and credentials."""
    from frontend import api_client

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

    exec(code, {"Path": Path})  # noqa: S102 - our own docstring

    assert capsys.readouterr().out == "buildings 0.874\n"
