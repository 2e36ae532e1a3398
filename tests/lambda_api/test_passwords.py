"""Password rules and password hashes."""

import pytest

from lambda_api.auth.passwords import PasswordHash, check_password, hash_password, read_secret

PASSWORD = "kX8-w2m.Pq41"


def test_hash_matches_its_password_only() -> None:
    hashed = hash_password(PASSWORD)

    assert hashed.verify(PASSWORD.encode())
    for other in ("", PASSWORD[:-1], PASSWORD + " ", PASSWORD.lower()):
        assert not hashed.verify(other.encode())


def test_hash_can_be_written_and_read_back() -> None:
    hashed = hash_password("grüß-Gott-世界-7!")

    text = str(hashed)

    assert read_secret(text) == hashed
    assert read_secret(text).verify("grüß-Gott-世界-7!".encode())
    assert "Gott" not in text
    assert "\n" not in text


def test_hashes_of_one_password_differ() -> None:
    assert str(hash_password(PASSWORD)) != str(hash_password(PASSWORD))


def test_plain_password_is_returned_unchanged() -> None:
    assert read_secret(PASSWORD) == PASSWORD


@pytest.mark.parametrize(
    "spoil",
    [
        lambda text: text[:-1],
        lambda text: text + "=",
        lambda text: text.replace("$16384$", "$2$"),
        lambda text: text.replace("scrypt$", "scrypt$scrypt$"),
        lambda text: text.rpartition("$")[0] + "$",
    ],
    ids=["cut", "longer", "cheaper", "twice", "empty"],
)
def test_damaged_hash_is_rejected(spoil) -> None:
    with pytest.raises(ValueError, match="damaged hash"):
        read_secret(spoil(str(hash_password(PASSWORD))))


@pytest.mark.parametrize("check", [check_password, hash_password, read_secret])
@pytest.mark.parametrize(
    "password",
    ["", "kX8-w2m.Pq4", "aaaaaaaaaaaaaaaa", "abababababab", "Password-1234567", "changeme-kX8-w2m",
     "123456789012", "qwertyuiop12", "Admin-kX8-w2m.Pq41", "letmein-kX8-w2m.Pq41"],
)  # fmt: skip
def test_weak_passwords_are_rejected(check, password: str) -> None:
    with pytest.raises(
        ValueError, match=r"at least 12 characters|a common password or a pattern"
    ) as caught:
        check(password)
    assert not password or password not in str(caught.value)


def test_hash_uses_scrypt_with_owasp_parameters() -> None:
    """16 MiB and p=5: https://cheatsheetseries.owasp.org/cheatsheets/Password_Storage_Cheat_Sheet.html"""
    assert str(hash_password(PASSWORD)).startswith("scrypt$16384$8$5$")
    assert len(PasswordHash.__slots__) == 2
