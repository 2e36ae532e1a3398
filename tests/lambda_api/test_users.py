"""Users from settings, with hashes, and from a rotated secret."""

import asyncio
import hashlib
import json
from collections.abc import Callable
from typing import Any

import pytest
from fastapi.testclient import TestClient

from lambda_api.app import create_app
from lambda_api.auth import users
from lambda_api.auth.passwords import hash_password
from lambda_api.auth.users import SecretUsers, Users, UsersError
from lambda_api.loaded_model import LoadedModel
from lambda_api.log import configured_logger
from lambda_api.settings import Settings
from lambda_api.workers import inline

ANNA, BERT = "kX8-w2m.Pq41", "wO5/z7n,Lr23"


def verifies(authenticator: Users | SecretUsers, credentials: str) -> bool:
    return asyncio.run(authenticator.verify(credentials.encode(), inline))


@pytest.fixture(scope="module")
def hashed() -> str:
    return str(hash_password(BERT))


def test_each_user_has_a_password_of_their_own(hashed: str) -> None:
    authenticator = Users({"anna": ANNA, "bert": hashed})

    assert verifies(authenticator, f"anna:{ANNA}")
    assert verifies(authenticator, f"bert:{BERT}")
    for wrong in (f"anna:{BERT}", f"bert:{ANNA}", f"bert:{hashed}", f"carl:{BERT}", f":{BERT}", ""):
        assert not verifies(authenticator, wrong)


def counted(monkeypatch: pytest.MonkeyPatch) -> list[bytes]:
    """Record the passwords that are hashed from now on."""
    found: list[bytes] = []
    real = hashlib.scrypt

    def scrypt(password: bytes, **options: Any) -> bytes:
        found.append(password)
        return real(password, **options)

    monkeypatch.setattr(hashlib, "scrypt", scrypt)
    return found


def test_verified_credentials_are_not_hashed_again(
    hashed: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    authenticator = Users({"bert": hashed})

    computed = counted(monkeypatch)

    assert not authenticator.is_known(f"bert:{BERT}".encode())
    for _ in range(5):
        assert verifies(authenticator, f"bert:{BERT}")
    assert authenticator.is_known(f"bert:{BERT}".encode())
    assert computed == [BERT.encode()]


def test_unknown_name_takes_as_long_as_a_wrong_password(
    hashed: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    authenticator = Users({"anna": ANNA, "bert": hashed})
    computed = counted(monkeypatch)

    for wrong in ("bert:x", "anna:x", "nobody:x"):
        assert not verifies(authenticator, wrong)

    assert computed == [b"x"] * 3


def test_all_users_are_compared(monkeypatch: pytest.MonkeyPatch) -> None:
    """Counts calls of `compare_digest` on bytes of one length, instead of measuring time."""
    authenticator = Users({"anna": ANNA, "bert": BERT, "carl": ANNA})
    seen: list[tuple[bytes, bytes]] = []

    def compare_digest(a: bytes, b: bytes) -> bool:
        seen.append((a, b))
        return a == b

    monkeypatch.setattr(users, "compare_digest", compare_digest)
    for given in (f"anna:{ANNA}", f"carl:{ANNA}", "nobody:x", "", "x" * 10_000):
        seen.clear()
        authenticator.is_known(given.encode())
        assert len(seen) == 3
        assert {len(side) for pair in seen for side in pair} == {32}


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        ({}, "No users"),
        ({"anna": "short"}, "'anna' needs at least 12"),
        ({"anna": "scrypt$16384$8$5$x$y"}, "'anna' is a damaged hash"),
        ({"an:na": ANNA}, "has a colon"),
        ({"": ANNA}, "is empty"),
    ],
)
def test_invalid_users_are_rejected(given: dict[str, str], reason: str) -> None:
    with pytest.raises(UsersError, match=reason) as caught:
        Users(given)
    assert ANNA not in str(caught.value)


def test_several_users_can_log_in_over_http(
    settings: Settings, loaded_model: LoadedModel, hashed: str, photo: bytes
) -> None:
    changed = settings.model_dump() | {"api_users": json.dumps({"bert": hashed})}
    client = TestClient(create_app(Settings(**changed), loaded_model=loaded_model))
    password = settings.api_password.get_secret_value()

    for auth in (("bert", BERT), ("demo", password)):
        assert client.get("/model", auth=auth).status_code == 200

    assert client.get("/model", auth=("bert", password)).status_code == 401


class Secret:
    """A secret in moto's Secrets Manager, and the clock that decides when it is read again."""

    def __init__(self, client: Any, monkeypatch: pytest.MonkeyPatch) -> None:
        self.client, self.now = client, 1000.0
        self.arn = client.create_secret(Name="users", SecretString="{}")["ARN"]
        monkeypatch.setattr(users, "monotonic", lambda: self.now)

    def put(self, document: Any) -> None:
        text = document if isinstance(document, str) else json.dumps(document)
        self.client.put_secret_value(SecretId=self.arn, SecretString=text)

    def authenticator(self) -> SecretUsers:
        return SecretUsers(self.arn, configured_logger(None))


@pytest.fixture
def secret(aws_client: Callable[[str], Any], monkeypatch: pytest.MonkeyPatch) -> Secret:
    return Secret(aws_client("secretsmanager"), monkeypatch)


@pytest.mark.parametrize(
    "document",
    [{"username": "anna", "password": ANNA}, {"users": {"anna": ANNA, "bert": BERT}}],
    ids=["one", "several"],
)
def test_users_come_from_a_secret(secret: Secret, document: dict[str, Any]) -> None:
    secret.put(document)

    authenticator = secret.authenticator()

    assert verifies(authenticator, f"anna:{ANNA}")
    assert verifies(authenticator, f"bert:{BERT}") == ("users" in document)


def test_secret_may_contain_a_hash(secret: Secret, hashed: str) -> None:
    secret.put({"username": "bert", "password": hashed})
    assert verifies(secret.authenticator(), f"bert:{BERT}")


def test_rotated_password_replaces_the_old_one(secret: Secret) -> None:
    secret.put({"username": "anna", "password": ANNA})
    authenticator = secret.authenticator()
    assert verifies(authenticator, f"anna:{ANNA}")

    secret.put({"username": "anna", "password": BERT})
    assert not verifies(
        authenticator, f"anna:{BERT}"
    )  # just read: guesses must not cause many calls to AWS
    secret.now += users.REREAD_AFTER_FAILURE_S
    assert verifies(authenticator, f"anna:{BERT}")
    assert not verifies(authenticator, f"anna:{ANNA}")


def test_interrupted_reload_is_repeated(secret: Secret) -> None:
    secret.put({"username": "anna", "password": ANNA})
    authenticator = secret.authenticator()
    secret.put({"username": "anna", "password": BERT})
    secret.now += users.REREAD_S

    async def read_and_out_of_time(work: Callable[[], Any]) -> Any:
        work()
        raise TimeoutError

    with pytest.raises(TimeoutError):
        asyncio.run(authenticator.verify(f"anna:{BERT}".encode(), read_and_out_of_time))

    secret.now += users.REREAD_S

    assert verifies(authenticator, f"anna:{BERT}")
    assert not verifies(authenticator, f"anna:{ANNA}")


def test_old_password_expires_without_failed_logins(secret: Secret) -> None:
    secret.put({"username": "anna", "password": ANNA})
    authenticator = secret.authenticator()
    secret.put({"username": "anna", "password": BERT})
    secret.now += users.REREAD_S - 1
    assert authenticator.is_known(f"anna:{ANNA}".encode())
    secret.now += 1
    assert not authenticator.is_known(f"anna:{ANNA}".encode())
    assert not verifies(authenticator, f"anna:{ANNA}")


def test_unchanged_secret_keeps_verified_credentials(
    secret: Secret, hashed: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    secret.put({"username": "bert", "password": hashed})
    authenticator = secret.authenticator()
    assert verifies(authenticator, f"bert:{BERT}")
    computed = counted(monkeypatch)
    secret.now += users.REREAD_S
    assert verifies(authenticator, f"bert:{BERT}")
    assert computed == []


@pytest.mark.parametrize(
    "document",
    ["", "no json", "[]", "{}", {"username": "anna"}, {"users": {"anna": 7}},
     {"users": {"anna": "short"}}, {"users": {"\ud800": ANNA}}],
)  # fmt: skip
def test_invalid_secret_is_rejected_at_start_and_logged_later(
    secret: Secret, document: Any, log_lines: list[dict[str, Any]]
) -> None:
    secret.put({"username": "anna", "password": ANNA})
    authenticator = secret.authenticator()
    secret.put(document or " ")
    with pytest.raises(UsersError):
        secret.authenticator()

    secret.now += users.REREAD_S

    assert verifies(authenticator, f"anna:{ANNA}")
    assert [(line["level"], line["message"]) for line in log_lines] == [
        ("ERROR", "users not re-read")
    ]


def test_users_stay_if_the_secret_is_deleted(
    secret: Secret, monkeypatch: pytest.MonkeyPatch, log_lines: list[dict[str, Any]]
) -> None:
    secret.put({"username": "anna", "password": ANNA})
    authenticator = secret.authenticator()
    secret.client.delete_secret(SecretId=secret.arn, ForceDeleteWithoutRecovery=True)

    secret.now += users.REREAD_S

    assert verifies(authenticator, f"anna:{ANNA}")
    assert "ResourceNotFoundException" in log_lines[0]["reason"]


def test_secret_replaces_other_users(
    settings: Settings, loaded_model: LoadedModel, secret: Secret
) -> None:
    secret.put({"username": "anna", "password": ANNA})

    client = TestClient(create_app(Settings(auth_secret_arn=secret.arn), loaded_model=loaded_model))

    assert client.get("/model", auth=("anna", ANNA)).status_code == 200
    assert client.get("/model", auth=("anna", BERT)).status_code == 401


def test_unreadable_secret_stops_the_start(secret: Secret, loaded_model: LoadedModel) -> None:
    missing = Settings(auth_secret_arn=f"{secret.arn}-missing")
    with pytest.raises(UsersError, match="Cannot read the secret"):
        create_app(missing, loaded_model=loaded_model)
