"""Settings of the page, and messages that name the missing or invalid ones."""

import json
from collections.abc import Mapping
from typing import Annotated, Any
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, ValidationError, field_validator, model_validator
from pydantic_settings import NoDecode, SettingsConfigDict

from env_file import EnvFileError, unset_variables
from frontend.class_cards import ClassCard
from frontend.login import LoginSettings, auth_problems

DEFAULT_TITLE = "Landscape Classifier"

_DESCRIPTIONS = (
    'must be a JSON object such as {"rose": {"icon": "local_florist", "description": "A rose."}}'
)
# Messages for invalid class descriptions, by pydantic's error type.
_MESSAGES = {
    "dict_type": _DESCRIPTIONS,
    "model_type": "must be an object with an icon and a description",
    "string_type": "must be a string",
    "string_pattern_mismatch": "must be a Material Symbols name such as local_florist",
    "string_too_long": "is too long",
    "extra_forbidden": "is not allowed; use icon and description",
}


class NotConfigured(Exception):
    """Settings are missing or invalid.

    Attributes:
        problems: one sentence for each setting, with its name and never its value.
    """

    def __init__(self, problems: tuple[str, ...]) -> None:
        super().__init__(" ".join(problems))
        self.problems = problems


class Settings(LoginSettings):
    """The page's settings. `load_settings` reads them.

    Attributes:
        api_url: the API's address, without a slash at the end.
        api_username: user name for HTTP Basic authentication; empty if `api_auth` is a token.
        api_password: its password; masked in every representation.
        page_title: heading of the page and title of the browser tab.
        class_descriptions: cards of further classes; a JSON object in the environment, a table in
            Streamlit's secrets.
    """

    model_config = SettingsConfigDict(
        env_ignore_empty=True,
        extra="ignore",
        frozen=True,
        hide_input_in_errors=True,
    )

    api_url: str = "http://127.0.0.1:8000"
    api_username: str
    api_password: SecretStr
    page_title: str = DEFAULT_TITLE
    class_descriptions: Annotated[dict[str, ClassCard], NoDecode] = Field({})

    @model_validator(mode="before")
    @classmethod
    def _token_replaces_the_password(cls, values: dict[str, Any]) -> dict[str, Any]:
        if values.get("api_auth", "basic") == "basic":
            return values
        return {"api_username": "", "api_password": "", **values}

    @field_validator("api_url")
    @classmethod
    def _is_a_web_address(cls, value: str) -> str:
        address = urlsplit(value)
        if address.scheme not in ("http", "https") or not address.hostname:
            raise ValueError("must be a web address such as https://api.example.com")
        if "@" in address.netloc:  # the page displays the address, and would display a password
            raise ValueError("must not contain credentials; set API_USERNAME and API_PASSWORD")
        return value.rstrip("/")

    @field_validator("class_descriptions", mode="before")
    @classmethod
    def _is_json(cls, value: Any) -> Any:
        try:
            return json.loads(value) if isinstance(value, str) else value
        except ValueError as error:
            raise ValueError(_DESCRIPTIONS) from error


def load_settings(secrets: Mapping[str, Any]) -> Settings:
    """Read the settings: `secrets` first, then the environment, then `.env`.

    Args:
        secrets: Streamlit's secrets, with upper-case names as in the environment. In Streamlit,
            secrets override the environment, so they take precedence here too.

    Raises:
        NotConfigured: a setting is missing or invalid.
    """
    from_secrets: dict[str, Any] = {
        # TOML reads a password of digits as a number, and descriptions as tables.
        name: _plain(value) if isinstance(value, Mapping) else _text(value)
        for name in Settings.model_fields
        if (value := secrets.get(name.upper(), "")) != ""
    }
    try:
        from_file = unset_variables(Settings.model_fields)
    except EnvFileError as error:
        raise NotConfigured((str(error),)) from None
    try:
        settings = Settings(**from_file | from_secrets)
    except ValidationError as error:
        problems = tuple(
            _problem(item["loc"], item["type"], item["msg"])
            for item in error.errors(include_input=False, include_context=False, include_url=False)
        )
    else:
        problems = tuple(auth_problems(settings, secrets.get("auth")))
        if not problems:
            return settings
    # Raised outside the handler: a chained traceback would contain the values, as pydantic's does.
    raise NotConfigured(problems)


def _text(value: object) -> str:
    return ",".join(map(str, value)) if isinstance(value, list) else str(value)


def _plain(table: Mapping[str, Any]) -> dict[str, Any]:
    """Convert a table of Streamlit's secrets to dictionaries, which pydantic requires."""
    return {k: _plain(v) if isinstance(v, Mapping) else v for k, v in table.items()}


def _problem(location: tuple[int | str, ...], error_type: str, message: str) -> str:
    name, *path = (str(part) for part in location)
    if error_type == "missing":
        return f"{name.upper()} is not set."
    text = _MESSAGES.get(error_type) or message.removeprefix("Value error, ")
    return f"{name.upper()}{': ' if path else ''}{'.'.join(path)} {text}."
