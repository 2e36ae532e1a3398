"""`ApiClient.health` and `predict` against a stand-in for the API, over real HTTP."""

import re
import socket
from collections.abc import Iterator
from email import message_from_bytes
from traceback import format_exception

import pytest

from frontend.api import client as api_client
from frontend.api import errors as api_errors
from frontend.api.client import ApiClient
from tests.frontend.stand_in_api import (
    CLASSES,
    HANG_UP,
    LOW_CONFIDENCE,
    PASSWORD,
    USERNAME,
    Reply,
    StandInApi,
    problem,
)


@pytest.fixture
def client(stand_in_api: StandInApi) -> Iterator[ApiClient]:
    with ApiClient(stand_in_api.url, USERNAME, PASSWORD, backoff_s=0.01) as client:
        yield client


def unused_address() -> str:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{free.getsockname()[1]}"


def test_health_is_parsed(client: ApiClient) -> None:
    health = client.health()

    assert health.model.name == "intel-scenes"
    assert health.classes == CLASSES
    assert health.load_ms == 21.4
    assert health.cold_start is False


def test_prediction_is_parsed_with_its_round_trip_time(
    stand_in_api: StandInApi, client: ApiClient, photo: bytes
) -> None:
    stand_in_api.predict = Reply(200, LOW_CONFIDENCE, delay_s=0.05)

    prediction = client.predict(photo, "china.jpg")

    assert prediction.label == "mountain"
    assert prediction.confident is False
    assert [one.label for one in prediction.predictions][:2] == ["mountain", "glacier"]
    assert prediction.timings_ms.inference == 1.62
    assert 50 <= prediction.round_trip_ms < 5000


def test_picture_is_sent_unchanged_as_a_multipart_file(
    stand_in_api: StandInApi, client: ApiClient, photo: bytes
) -> None:
    client.predict(photo, "höhle.jpg", top_k=3)

    received = stand_in_api.received[0]
    boundary = received.body.splitlines()[0].removeprefix(b"--")
    header = b'Content-Type: multipart/form-data; boundary="' + boundary + b'"\r\n\r\n'
    (part,) = message_from_bytes(header + received.body).get_payload()
    assert part.get_param("name", header="content-disposition") == "file"
    assert photo in received.body
    assert received.query == {"top_k": ["3"]}


def test_credentials_are_sent_without_a_challenge(
    stand_in_api: StandInApi, client: ApiClient, photo: bytes
) -> None:
    client.predict(photo, "china.jpg")

    assert stand_in_api.count("POST /predict") == 1
    assert stand_in_api.received[0].authorization.startswith("Basic ")


def test_calls_share_one_connection(
    stand_in_api: StandInApi, client: ApiClient, photo: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    accepted: list[object] = []
    accept = stand_in_api.get_request
    monkeypatch.setattr(stand_in_api, "get_request", lambda: accepted.append(1) or accept())

    for _ in range(3):
        client.predict(photo, "china.jpg")

    assert len(accepted) == 1


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (400, api_errors.NotAPicture),
        (401, api_errors.WrongCredentials),
        (404, api_errors.UnexpectedResponse),
        (413, api_errors.TooLarge),
        (415, api_errors.NotAPicture),
        (422, api_errors.NotAPicture),
        (429, api_errors.RateLimited),
        (500, api_errors.ServerFault),
        (502, api_errors.ServerFault),
        (503, api_errors.NotReady),
        (504, api_errors.ServerFault),
    ],
)
def test_each_status_raises_its_own_error(
    stand_in_api: StandInApi,
    client: ApiClient,
    photo: bytes,
    status: int,
    error: type[api_errors.ApiError],
) -> None:
    stand_in_api.predict = problem(status, "The reason.")

    with pytest.raises(error, match=r"^The reason\.$") as caught:
        client.predict(photo, "china.jpg")

    assert type(caught.value) is error
    assert caught.value.status == status
    assert caught.value.request_id == "5f0c6f0e-stand-in"


def test_wrong_password_raises_wrong_credentials(stand_in_api: StandInApi, photo: bytes) -> None:
    with (
        ApiClient(stand_in_api.url, USERNAME, "wrong", backoff_s=0) as client,
        pytest.raises(api_errors.WrongCredentials),
    ):
        client.predict(photo, "china.jpg")


@pytest.mark.parametrize("status", [429, 502, 503, 504])
def test_temporary_failure_is_retried(
    stand_in_api: StandInApi, client: ApiClient, photo: bytes, status: int
) -> None:
    stand_in_api.predict_first.extend([problem(status, "Not now.")] * 3)

    assert client.predict(photo, "china.jpg").label == "buildings"
    assert stand_in_api.count("POST /predict") == 4
    assert len({request.body for request in stand_in_api.received}) == 1


def test_connection_closed_without_a_response_is_reopened(
    stand_in_api: StandInApi, client: ApiClient, photo: bytes
) -> None:
    stand_in_api.predict_first.append(HANG_UP)

    assert client.predict(photo, "china.jpg").label == "buildings"
    assert stand_in_api.count("POST /predict") == 2


def test_connection_that_closes_while_the_client_waits_is_reopened(
    stand_in_api: StandInApi, client: ApiClient, photo: bytes
) -> None:
    stand_in_api.predict_first.extend([problem(429, "Too many requests.")] * 3)
    stand_in_api.predict_first.append(HANG_UP)

    assert client.predict(photo, "china.jpg").label == "buildings"


def test_server_that_always_hangs_up_is_unreachable(
    stand_in_api: StandInApi, client: ApiClient, photo: bytes
) -> None:
    stand_in_api.health = stand_in_api.predict = HANG_UP

    for call in (client.health, lambda: client.predict(photo, "china.jpg")):
        with pytest.raises(api_errors.Unreachable):
            call()
    assert stand_in_api.count("GET /health") == 2


def test_number_of_retries_is_limited(
    stand_in_api: StandInApi, client: ApiClient, photo: bytes
) -> None:
    stand_in_api.predict = problem(503, "The model is loading.")

    with pytest.raises(api_errors.NotReady):
        client.predict(photo, "china.jpg")

    assert stand_in_api.count("POST /predict") == 4


@pytest.mark.parametrize("status", [400, 401, 413, 415, 422, 500])
def test_permanent_failure_is_not_retried(
    stand_in_api: StandInApi, client: ApiClient, photo: bytes, status: int
) -> None:
    stand_in_api.predict = problem(status, "No.")

    with pytest.raises(api_errors.ApiError):
        client.predict(photo, "china.jpg")

    assert stand_in_api.count("POST /predict") == 1


def test_retry_after_is_honored_up_to_its_cap(
    stand_in_api: StandInApi, photo: bytes, slept: list[float]
) -> None:
    stand_in_api.predict_first.append(problem(503, "Loading.", Retry_After="2"))
    stand_in_api.predict_first.append(problem(503, "Loading.", Retry_After="3600"))

    with ApiClient(stand_in_api.url, USERNAME, PASSWORD) as client:
        client.predict(photo, "china.jpg")

    assert slept == [2, api_client.RETRY_AFTER_MAX_S]


def test_health_is_not_retried_and_returns_the_reason(
    stand_in_api: StandInApi, client: ApiClient
) -> None:
    stand_in_api.health = problem(503, "There is no manifest.json.", Retry_After="7")

    with pytest.raises(api_errors.NotReady, match=r"^There is no manifest\.json\.$") as caught:
        client.health()

    assert caught.value.retry_after_s == 7
    assert stand_in_api.count("GET /health") == 1


def test_address_without_a_server_is_unreachable(photo: bytes) -> None:
    address = unused_address()
    with ApiClient(address, USERNAME, PASSWORD, backoff_s=0.01) as client:
        for call in (client.health, lambda: client.predict(photo, "china.jpg")):
            with pytest.raises(api_errors.Unreachable, match=re.escape(address)):
                call()


def test_timeout_is_raised_without_a_retry(
    stand_in_api: StandInApi, client: ApiClient, photo: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(api_client, "RESPONSE_TIMEOUT_S", 0.1)
    stand_in_api.predict = Reply(200, LOW_CONFIDENCE, delay_s=0.4)

    with pytest.raises(api_errors.TimedOut):
        client.predict(photo, "china.jpg")

    assert stand_in_api.count("POST /predict") == 1


@pytest.mark.parametrize("body", [b"<html>Welcome</html>", {"status": "ok"}, [1, 2]])
def test_another_server_raises_unexpected_response(
    stand_in_api: StandInApi, client: ApiClient, photo: bytes, body: object
) -> None:
    stand_in_api.health = stand_in_api.predict = Reply(200, body)

    for call in (client.health, lambda: client.predict(photo, "china.jpg")):
        with pytest.raises(api_errors.UnexpectedResponse):
            call()


def test_error_without_a_problem_body_has_a_message(
    stand_in_api: StandInApi, client: ApiClient, photo: bytes
) -> None:
    stand_in_api.predict = Reply(413, b"<html>", {"X_Request_ID": "from-the-gateway"})

    with pytest.raises(api_errors.TooLarge, match=r"^The API returned status 413\.$") as caught:
        client.predict(photo, "china.jpg")

    assert caught.value.request_id == "from-the-gateway"


def test_redirect_is_not_followed(
    stand_in_api: StandInApi, client: ApiClient, photo: bytes
) -> None:
    stand_in_api.predict = Reply(302, b"", {"Location": f"{stand_in_api.url}/health"})

    with pytest.raises(api_errors.UnexpectedResponse):
        client.predict(photo, "china.jpg")

    assert stand_in_api.count("GET /health") == 0


@pytest.mark.parametrize("status", [401, 422, 500, None])
def test_errors_do_not_contain_credentials(
    stand_in_api: StandInApi, client: ApiClient, photo: bytes, status: int | None
) -> None:
    if status is None:
        client = ApiClient(unused_address(), USERNAME, PASSWORD, backoff_s=0)
    else:
        stand_in_api.predict = problem(status, "No.")

    with pytest.raises(api_errors.ApiError) as caught:
        client.predict(photo, "china.jpg")

    text = "".join(format_exception(caught.value)) + repr(caught.value) + repr(client)
    assert PASSWORD not in text
    assert USERNAME not in text
    assert "Basic " not in text
