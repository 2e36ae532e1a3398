"""Credentials in the encodings, Unicode forms and base64 variants that clients send."""

import asyncio
import base64
from collections.abc import Callable
from typing import Any
from unicodedata import normalize

import pytest
from fastapi.testclient import TestClient
from hypothesis import assume, given
from hypothesis import strategies as st

from lambda_api.app import create_app
from lambda_api.auth.passwords import hash_password
from lambda_api.auth.users import Users
from lambda_api.base64_text import decode_base64
from lambda_api.loaded_model import LoadedModel
from lambda_api.settings import Settings

NAME, PASSWORD = "zoë", "grüß-Gott-Welt-7"
ENCODINGS = ("utf-8", "latin-1", "cp1252")
LETTERS = st.text(
    st.characters(codec="cp1252", exclude_categories=["Cc"], exclude_characters=":"),
    min_size=12,
    max_size=20,
).filter(lambda text: len(set(text)) >= 4)


async def inline(function: Callable[..., Any], *arguments: Any) -> Any:
    return function(*arguments)


@pytest.fixture(scope="module")
def anyone(settings: Settings, loaded_model: LoadedModel) -> TestClient:
    """A client without credentials, for the user `NAME`."""
    changed = {"api_username": NAME, "api_password": PASSWORD}
    changed_settings = Settings(**settings.model_dump() | changed)
    return TestClient(create_app(changed_settings, loaded_model=loaded_model))


def status(client: TestClient, header: bytes) -> int:
    return client.get("/model", headers={b"Authorization": header}).status_code


@pytest.mark.parametrize("form", ["NFC", "NFD"])
@pytest.mark.parametrize("encoding", ENCODINGS)
def test_password_outside_ascii_works_in_every_encoding(
    anyone: TestClient, encoding: str, form: str
) -> None:
    text = f"{NAME}:{PASSWORD}"
    if encoding == "utf-8":
        text = normalize(form, text)

    assert status(anyone, b"Basic " + base64.b64encode(text.encode(encoding))) == 200


@pytest.mark.parametrize(
    "change",
    [
        lambda x: x.rstrip(b"="),
        lambda x: x.translate(bytes.maketrans(b"+/", b"-_")),
        lambda x: b"  " + x + b" ",
        lambda x: x[:20] + b" " + x[20:],
        lambda x: x + b"==",
    ],
    ids=["no padding", "URL-safe", "blanks around", "wrapped", "more padding"],
)
@pytest.mark.parametrize("scheme", [b"Basic ", b"basic "])
def test_base64_variants_are_accepted(anyone: TestClient, change, scheme: bytes) -> None:
    encoded = base64.b64encode(f"{NAME}:{PASSWORD}".encode())

    assert status(anyone, scheme + change(encoded)) == 200


def test_one_request_counts_at_most_one_failure(
    settings: Settings, loaded_model: LoadedModel
) -> None:
    users = {NAME: PASSWORD, "bert": str(hash_password(PASSWORD))}
    changed = settings.model_dump() | {"api_users": users, "failed_logins_per_minute": 3}
    client = TestClient(create_app(Settings(**changed), loaded_model=loaded_model))
    guess = b"Basic " + base64.b64encode(f"bert:{PASSWORD[::-1]}".encode("latin-1")).rstrip(b"=")

    assert [status(client, guess) for _ in range(4)] == [401, 401, 401, 429]


@given(data=st.data(), password=LETTERS, form=st.sampled_from(["NFC", "NFD"]))
def test_any_encoding_of_a_password_matches_and_no_other_password(
    data: st.DataObject, password: str, form: str
) -> None:
    assume(not password.lower().startswith(("admin", "change", "default", "pass", "secret")))
    encoding = data.draw(st.sampled_from(ENCODINGS))
    sent = normalize("NFC", password) if encoding != "utf-8" else normalize(form, password)
    try:
        encoded = f"{NAME}:{sent}".encode(encoding)
    except UnicodeEncodeError:
        return
    users = Users({NAME: normalize(data.draw(st.sampled_from(["NFC", "NFD"])), password)})

    assert users.is_known(encoded)
    assert not users.is_known(encoded + b"x")
    assert not users.is_known(encoded[:-1])


@pytest.fixture(scope="module", params=["NFC", "NFD"])
def typed(request: pytest.FixtureRequest) -> dict[str, str]:
    """The user in a Unicode form, with the hash of the password, which takes long to compute."""
    form = request.param
    return {normalize(form, NAME): str(hash_password(normalize(form, PASSWORD)))}


@pytest.mark.parametrize("sent", ["NFC", "NFD"])
@pytest.mark.parametrize("encoding", ENCODINGS)
def test_hash_matches_in_every_encoding(typed: dict[str, str], sent: str, encoding: str) -> None:
    users = Users(typed)
    text = normalize(sent if encoding == "utf-8" else "NFC", f"{NAME}:{PASSWORD}")

    assert asyncio.run(users.verify(text.encode(encoding), inline))
    assert users.is_known(text.encode(encoding))
    assert not asyncio.run(users.verify(text.encode(encoding) + b"x", inline))


@given(data=st.binary(), padded=st.booleans(), url_safe=st.booleans(), width=st.integers(1, 80))
def test_base64_in_any_form_is_decoded(
    data: bytes, padded: bool, url_safe: bool, width: int
) -> None:
    text = (base64.urlsafe_b64encode if url_safe else base64.b64encode)(data)
    text = text if padded else text.rstrip(b"=")
    lines = [text[start : start + width] for start in range(0, len(text), width)]

    assert decode_base64(b"\r\n".join(lines)) == data


@pytest.mark.parametrize("text", [b"?", b"abc?", b"a", b"abcde", b"ab=cd", b"\xff\xff"])
def test_other_text_is_not_base64(text: bytes) -> None:
    with pytest.raises(ValueError, match=r".*"):
        decode_base64(text)
