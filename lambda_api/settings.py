"""The service's settings: from the environment, or from `.env` on a machine of one's own."""

from pathlib import Path

from pydantic import Field, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

BUNDLED_MODEL = Path(__file__).parents[1] / "models" / "intel-scenes"
MIN_PASSWORD_LENGTH = 12


class SettingsError(ValueError):
    """The settings are not usable; the message names each that is not and why."""


class Settings(BaseSettings):
    """Typed settings; field `x` is the environment variable `X`.

    Attributes:
        api_username: of HTTP Basic auth; no colon (RFC 7617).
        api_password: at least 12 characters.
        model_uri: folder of the bundle to serve.
        log_dir: where to write the log as `YYYY-MM-DD.log` too; nowhere else than stdout if unset.
        max_body_bytes: largest request body; Lambda's own limit is 6 MB after base64.
    """

    model_config = SettingsConfigDict(
        env_file=".env", env_ignore_empty=True, extra="ignore", frozen=True
    )

    api_username: str = Field(min_length=1, pattern=r"^[^:]*$")
    api_password: SecretStr
    model_uri: Path = BUNDLED_MODEL
    log_dir: Path | None = None
    max_body_bytes: int = Field(4_000_000, gt=0)

    @field_validator("api_password")
    @classmethod
    def _password_is_strong(cls, password: SecretStr) -> SecretStr:
        value = password.get_secret_value()
        if len(value) < MIN_PASSWORD_LENGTH:
            raise ValueError(f"needs at least {MIN_PASSWORD_LENGTH} characters")
        if len(set(value)) < 4 or value.lower().startswith(("changeme", "change-me", "password")):
            raise ValueError("is a default or a pattern; generate one")
        return password


def load_settings() -> Settings:
    """Read the settings.

    Raises:
        SettingsError: one is missing or refused. The message never holds a value.
    """
    try:
        return Settings()
    except ValidationError as error:
        problems = [
            f"{'.'.join(map(str, e['loc'])).upper()}: {e['msg']}"
            for e in error.errors(include_input=False, include_url=False)
        ]
        raise SettingsError(
            "Settings are missing or refused:\n  " + "\n  ".join(problems)
        ) from None
