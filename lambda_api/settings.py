"""Settings of the service, from environment variables or `.env`."""

import json
import os
from pathlib import Path
from typing import Annotated, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    SecretStr,
    ValidationError,
    model_validator,
)

from env_file import EnvFileError, unset_variables
from lambda_api.auth.passwords import read_secret
from lambda_api.collection.policy import Collect
from lambda_api.images import MAX_DECODED_BYTES

BUNDLED_MODEL = Path(__file__).parents[1] / "models" / "intel-scenes"


class SettingsError(ValueError):
    """Invalid settings. The message names each of them with the reason."""


def _checked(password: SecretStr) -> SecretStr:
    read_secret(password.get_secret_value())
    return password


def _from_json(value: object) -> object:
    return json.loads(value) if isinstance(value, str) else value


def _split(value: object) -> object:
    return value.split() if isinstance(value, str) else value


def _checked_store(place: str | None) -> str | None:
    if place is not None:
        from lambda_api.collection.store import open_store

        open_store(place)
    return place


Password = Annotated[SecretStr, AfterValidator(_checked)]
Username = Annotated[str, Field(min_length=1, pattern=r"^[^:]*$")]
Origin = Annotated[str, Field(pattern=r"^https?://[^/*\s]+$")]


class Settings(BaseModel):
    """Settings. The field `x` is the environment variable `X`, in any case.

    Attributes:
        api_username: user name for HTTP Basic authentication, without a colon (RFC 7617).
        api_password: password of that user, at least 12 characters, or its hash.
        api_users: more users, as a JSON object of passwords or hashes by name.
        auth_secret_arn: secret in Secrets Manager with all users. Replaces the three above.
        jwt_issuer: issuer of tokens that API Gateway checks. Replaces all users; only on Lambda.
        failed_logins_per_minute: failed logins per minute and address before rate limiting.
        model_uri: bundle to serve: a folder, s3://bucket/prefix, or s3://bucket/.../current for
            the promoted version.
        fallback_model: folder of the bundle to serve if S3 has no usable bundle.
        upload_bucket: S3 bucket for uploads. Without it, `/uploads` returns 404.
        upload_prefix: prefix of the keys of uploads.
        max_upload_bytes: maximum size of an upload.
        max_decoded_bytes: maximum memory to decode one picture.
        max_body_bytes: maximum size of a request body. Lambda's own limit is 6 MB after base64.
        request_timeout_s: timeout of a request in seconds. API Gateway's is 30.
        cors_origins: origins allowed to call the API from a browser, separated by spaces.
        log_dir: folder for log files `YYYY-MM-DD.log`, in addition to stdout.
        powertools_metrics_namespace: CloudWatch namespace. Without it, no metrics are written.
        collect: which pictures are stored: "off", "feedback", "unsure" or "all".
        collect_to: where they are stored: s3://bucket/prefix or a folder.
    """

    model_config = ConfigDict(extra="ignore", frozen=True)

    api_username: Username | None = None
    api_password: Password | None = None
    api_users: Annotated[dict[Username, Password], BeforeValidator(_from_json)] = {}
    auth_secret_arn: str | None = None
    jwt_issuer: str | None = Field(None, pattern=r"^https://\S+$")
    failed_logins_per_minute: int = Field(10, gt=0)
    model_uri: str = str(BUNDLED_MODEL)
    fallback_model: Path = BUNDLED_MODEL
    upload_bucket: str | None = None
    upload_prefix: str = Field("uploads/", pattern=r"^[\w.-]+(/[\w.-]+)*/$")
    max_upload_bytes: int = Field(25_000_000, gt=0)
    max_decoded_bytes: int = Field(MAX_DECODED_BYTES, gt=0)
    max_body_bytes: int = Field(4_000_000, gt=0)
    request_timeout_s: float = Field(25, gt=0)
    cors_origins: Annotated[tuple[Origin, ...], BeforeValidator(_split)] = ()
    log_dir: Path | None = None
    powertools_metrics_namespace: str | None = None
    collect: Collect = "off"
    collect_to: Annotated[str | None, AfterValidator(_checked_store)] = None

    @model_validator(mode="after")
    def _has_users(self) -> Self:
        pair = {"API_USERNAME": self.api_username, "API_PASSWORD": self.api_password}
        missing = [name for name, value in pair.items() if value is None]
        if self.jwt_issuer:
            if self.auth_secret_arn or self.api_users or len(missing) < len(pair):
                raise ValueError(
                    "JWT_ISSUER: replaces API_USERNAME, API_PASSWORD, API_USERS and "
                    "AUTH_SECRET_ARN; unset them"
                )
            return self
        if self.auth_secret_arn and (self.api_users or len(missing) < len(pair)):
            raise ValueError(
                "AUTH_SECRET_ARN: replaces API_USERNAME, API_PASSWORD and API_USERS; unset them"
            )
        if missing and not (len(missing) == len(pair) and (self.auth_secret_arn or self.api_users)):
            raise ValueError("\n  ".join(f"{name}: Field required" for name in missing))
        return self

    @model_validator(mode="after")
    def _can_collect(self) -> Self:
        if self.collect != "off":
            if self.collect_to is None:
                raise ValueError(
                    "COLLECT_TO: is required with COLLECT. Set s3://bucket/prefix or a folder"
                )
            from lambda_api.collection.store import check_writable, open_store

            try:
                check_writable(open_store(self.collect_to))
            except ValueError as error:
                raise ValueError(f"COLLECT_TO: {error}") from error
        return self

    def passwords(self) -> dict[str, str]:
        """Return passwords or hashes by user name, without those of AUTH_SECRET_ARN."""
        users = dict(self.api_users)
        if self.api_username and self.api_password:
            users[self.api_username] = self.api_password
        return {name: password.get_secret_value() for name, password in users.items()}


def _path(location: tuple[int | str, ...]) -> list[str]:
    """Return the path of a setting: its environment variable, then keys inside its value."""
    return [str(part) if i else str(part).upper() for i, part in enumerate(location)]


def load_settings() -> Settings:
    """Read the settings from the environment, then from `.env` in the working directory.

    An empty variable counts as missing. pydantic-settings would do the same, but its import
    lengthens each cold start.

    Raises:
        SettingsError: settings are missing or invalid. The message contains no values.
    """
    names = Settings.model_fields
    variables = {name.lower(): value for name, value in os.environ.items() if value}
    try:
        values = unset_variables(names) | {x: variables[x] for x in names if x in variables}
    except EnvFileError as error:
        raise SettingsError(str(error)) from None
    try:
        return Settings.model_validate(values)
    except ValidationError as error:
        errors = error.errors(include_input=False, include_url=False)
        problems = [": ".join([*_path(e["loc"]), e["msg"]]) for e in errors]
        listed = "\n  ".join(problems).replace("Value error, ", "")
        raise SettingsError(f"Missing or invalid settings:\n  {listed}") from None
