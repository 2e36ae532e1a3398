"""Rate limiting of failed logins."""

import asyncio
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from lambda_api.app import create_app
from lambda_api.auth import failed_logins
from lambda_api.auth.failed_logins import FailedLogins
from lambda_api.auth.passwords import hash_password
from lambda_api.loaded_model import LoadedModel
from lambda_api.settings import Settings
from tests.lambda_api.asgi import Exchange, basic


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(failed_logins, "monotonic", clock)
    return clock


@pytest.fixture
def app(settings: Settings, loaded_model: LoadedModel, clock: Clock) -> FastAPI:
    return create_app(
        settings.model_copy(update={"failed_logins_per_minute": 5}), loaded_model=loaded_model
    )


def log_in(app: FastAPI, password: str, source: str = "203.0.113.24") -> int:
    exchange = Exchange(app, "GET", "/model", authorization=basic(f"demo:{password}"))
    exchange.scope["client"] = (source, 50_000)
    return exchange.run([]).status


def test_failed_logins_limit_right_credentials_too(
    app: FastAPI, clock: Clock, credentials: tuple[str, str]
) -> None:
    right = credentials[1]
    assert [log_in(app, f"wrong-{i}") for i in range(5)] == [401] * 5
    assert log_in(app, "wrong") == log_in(app, right) == 429
    assert log_in(app, right, source="198.51.100.7") == 200
    clock.now += 11
    assert log_in(app, "wrong") == 429
    clock.now += 1  # 12 s per attempt
    assert log_in(app, right) == 200


def test_response_has_the_time_to_wait(app: FastAPI) -> None:
    client = TestClient(app)
    answers = [client.get("/model", auth=("demo", "wrong")) for _ in range(6)]

    answer = answers[-1]

    assert answer.status_code == 429
    assert answer.headers["Retry-After"] == "12"
    assert answer.json()["type"].endswith(":too-many-failed-logins")
    assert "12 s" in answer.json()["detail"]


def test_right_and_missing_credentials_are_not_counted(
    app: FastAPI, credentials: tuple[str, str]
) -> None:
    for _ in range(20):
        assert log_in(app, credentials[1]) == 200
        assert Exchange(app, "GET", "/model").run([]).status == 401
        assert Exchange(app, "GET", "/model", authorization="Bearer x").run([]).status == 401


def test_successful_login_does_not_reset_the_limit(
    app: FastAPI, credentials: tuple[str, str]
) -> None:
    """Otherwise, a user could guess the passwords of others without limit."""
    statuses = []

    for _ in range(6):
        statuses += [log_in(app, "wrong"), log_in(app, credentials[1])]

    assert statuses[:10] == [401, 200] * 4 + [401, 429]
    assert statuses[10:] == [429, 429]


def test_the_routes_without_credentials_stay_open(app: FastAPI) -> None:
    for _ in range(6):
        log_in(app, "wrong")
    for path in ("/", "/health", "/docs"):
        exchange = Exchange(app, "GET", path, authorization=basic("demo:wrong"))
        exchange.scope["client"] = ("203.0.113.24", 50_000)
        assert exchange.run([]).status == 200


def test_concurrent_guesses_are_limited(
    settings: Settings, loaded_model: LoadedModel, clock: Clock
) -> None:
    """Hashing is slow: without a lock, all would pass the limit before the first has failed."""
    changed = {"api_users": {"anna": str(hash_password("kX8-w2m.Pq41"))}}
    app = create_app(Settings(failed_logins_per_minute=3, **changed), loaded_model=loaded_model)

    async def spray() -> list[int]:
        async def one(i: int) -> int:
            exchange = Exchange(app, "GET", "/model", authorization=basic(f"anna:{i}"))
            await exchange.exchange([])
            return exchange.status

        return await asyncio.gather(*(one(i) for i in range(12)))

    assert sorted(asyncio.run(spray())) == [401] * 3 + [429] * 9


def test_log_has_failed_and_rate_limited_logins(
    app: FastAPI, log_lines: list[dict[str, Any]]
) -> None:
    for _ in range(6):
        log_in(app, "wrong")
    assert [line["login"] for line in log_lines] == ["failed"] * 5 + ["slowed"]


def test_ipv6_network_of_64_bits_is_one_source(clock: Clock) -> None:
    failures = FailedLogins(2)

    for host in ("2001:db8:7:1::1", "2001:db8:7:1:ffff::2"):
        failures.add(host)

    assert failures.wait_s("2001:db8:7:1::3") > 0
    assert failures.wait_s("2001:db8:7:2::1") == 0


def test_ipv4_mapped_addresses_are_separate_sources(clock: Clock) -> None:
    failures = FailedLogins(1)

    failures.add("::ffff:203.0.113.7")

    assert failures.wait_s("::ffff:203.0.113.8") == 0
    assert failures.wait_s("203.0.113.7") > 0


def test_number_of_sources_is_limited(clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(failed_logins, "MAX_SOURCES", 3)
    failures = FailedLogins(1)
    for source in "abc":
        failures.add(source)
    failures.add("a")

    failures.add("d")

    assert [bool(failures.wait_s(source)) for source in "abcd"] == [True, False, True, True]
