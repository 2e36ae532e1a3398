"""The service's settings: from the environment, or from `.env` on a machine of one's own."""

import json
from pathlib import Path
from typing import Annotated, Self

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    SecretStr,
    ValidationError,
    model_validator,
)
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from lambda_api.auth.passwords import read_secret

BUNDLED_MODEL = Path(__file__).parents[1] / "models" / "intel-scenes"


class SettingsError(ValueError):
    """The settings are not usable; the message names each that is not and why."""


def _checked(password: SecretStr) -> SecretStr:
    read_secret(password.get_secret_value())
    return password


def _from_json(value: object) -> object:
    return json.loads(value) if isinstance(value, str) else value


def _split(value: object) -> object:
    return value.split() if isinstance(value, str) else value


Password = Annotated[SecretStr, AfterValidator(_checked)]
Username = Annotated[str, Field(min_length=1, pattern=r"^[^:]*$")]
Origin = Annotated[str, Field(pattern=r"^https?://[^/*\s]+$")]


class Settings(BaseSettings):
    """Typed settings; field `x` is the environment variable `X`.

    Attributes:
        api_username: a user of HTTP Basic auth; no colon (RFC 7617).
        api_password: that user's password, at least 12 characters, or its hash.
        api_users: more users, a JSON object of names and passwords or hashes.
        auth_secret_arn: a secret in Secrets Manager that has the users, in place of these three.
        failed_logins_per_minute: how often a source address may fail before it is slowed down.
        model_uri: bundle to serve: a folder, s3://bucket/prefix, or s3://bucket/…/current for the
            version that is promoted there.
        fallback_model: folder of the bundle to serve where S3 does not give the other.
        upload_bucket: of pictures too large for a request; without it there is no `/uploads`.
        upload_prefix: what the keys of uploads start with.
        max_upload_bytes: largest upload.
        max_body_bytes: largest request body; Lambda's own limit is 6 MB after base64.
        request_timeout_s: seconds that a request may take; API Gateway gives up after 30.
        cors_origins: web pages that may ask from a browser, split by spaces; none if empty.
        log_dir: where to write the log as `YYYY-MM-DD.log` too; nowhere else than stdout if unset.
        powertools_metrics_namespace: of metrics for CloudWatch on stdout; no metrics if unset.
    """

    model_config = SettingsConfigDict(
        env_file=".env", env_ignore_empty=True, extra="ignore", frozen=True
    )

    api_username: Username | None = None
    api_password: Password | None = None
    api_users: Annotated[dict[Username, Password], NoDecode, BeforeValidator(_from_json)] = {}
    auth_secret_arn: str | None = None
    failed_logins_per_minute: int = Field(10, gt=0)
    model_uri: str = str(BUNDLED_MODEL)
    fallback_model: Path = BUNDLED_MODEL
    upload_bucket: str | None = None
    upload_prefix: str = Field("uploads/", pattern=r"^[\w.-]+(/[\w.-]+)*/$")
    max_upload_bytes: int = Field(25_000_000, gt=0)
    max_body_bytes: int = Field(4_000_000, gt=0)
    request_timeout_s: float = Field(25, gt=0)
    cors_origins: Annotated[tuple[Origin, ...], NoDecode, BeforeValidator(_split)] = ()
    log_dir: Path | None = None
    powertools_metrics_namespace: str | None = None

    @model_validator(mode="after")
    def _has_users(self) -> Self:
        one = {"API_USERNAME": self.api_username, "API_PASSWORD": self.api_password}
        missing = [name for name, value in one.items() if value is None]
        if self.auth_secret_arn and (self.api_users or len(missing) < len(one)):
            raise ValueError("AUTH_SECRET_ARN: has all users; leave the other API_ variables out")
        if missing and not (len(missing) == len(one) and (self.auth_secret_arn or self.api_users)):
            raise ValueError("\n  ".join(f"{name}: Field required" for name in missing))
        return self

    def passwords(self) -> dict[str, str]:
        """Users of the environment, with their passwords or hashes."""
        users = dict(self.api_users)
        if self.api_username and self.api_password:
            users[self.api_username] = self.api_password
        return {name: password.get_secret_value() for name, password in users.items()}


def _named(location: tuple[int | str, ...]) -> list[str]:
    """A setting as its variable, then what is in it; nothing for all settings together."""
    return [str(part) if i else str(part).upper() for i, part in enumerate(location)]


def load_settings() -> Settings:
    """Read the settings.

    Raises:
        SettingsError: one is missing or refused. The message never holds a value.
    """
    try:
        return Settings()
    except ValidationError as error:
        found = error.errors(include_input=False, include_url=False)
        problems = [": ".join([*_named(e["loc"]), e["msg"]]) for e in found]
        listed = "\n  ".join(problems).replace("Value error, ", "")
        raise SettingsError(f"Settings are missing or refused:\n  {listed}") from None
