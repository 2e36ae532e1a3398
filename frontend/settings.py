"""What the page has to know before it can start, and plain words for what is missing."""

import json
from collections.abc import Mapping
from typing import Annotated, Any
from urllib.parse import urlsplit

from pydantic import SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from frontend.class_cards import ClassCard

DEFAULT_TITLE = "Landscape Classifier"

_DESCRIPTIONS = (
    'must be a JSON object such as {"rose": {"icon": "local_florist", "description": "A rose."}}'
)
# What pydantic finds wrong with descriptions, by its names for it, in words of our own.
_IN_WORDS = {
    "dict_type": _DESCRIPTIONS,
    "model_type": "must be an object with an icon and a description",
    "string_type": "must be a text",
    "string_pattern_mismatch": "must be a name of Material Symbols such as local_florist",
    "string_too_long": "is too long",
    "extra_forbidden": "is neither icon nor description",
}


class NotConfigured(Exception):
    """Settings are missing or wrong.

    Attributes:
        problems: one sentence each, naming the setting and never its value.
    """

    def __init__(self, problems: tuple[str, ...]) -> None:
        super().__init__(" ".join(problems))
        self.problems = problems


class Settings(BaseSettings):
    """The page's settings, read from the environment and from `.env` in the working directory.

    Attributes:
        api_url: where the API answers, without a slash at the end.
        api_username: user name for the API's Basic authentication.
        api_password: its password; masked in every representation.
        page_title: heading of the page and title of the browser tab.
        class_descriptions: cards of classes that the page does not know by itself; a JSON object
            in the environment, a table in Streamlit's secrets.
    """

    model_config = SettingsConfigDict(
        env_file=".env",
        env_file_encoding="utf-8",
        env_ignore_empty=True,
        extra="ignore",  # the API keeps its own settings in the same .env
        frozen=True,
        hide_input_in_errors=True,
    )

    api_url: str = "http://127.0.0.1:8000"
    api_username: str
    api_password: SecretStr
    page_title: str = DEFAULT_TITLE
    class_descriptions: Annotated[dict[str, ClassCard], NoDecode] = {}

    @field_validator("api_url")
    @classmethod
    def _is_a_web_address(cls, value: str) -> str:
        address = urlsplit(value)
        if address.scheme not in ("http", "https") or not address.hostname:
            raise ValueError("must be a web address such as https://api.example.com")
        if "@" in address.netloc:  # the page shows the address; it must not show a password
            raise ValueError("must not hold a user name or password; set API_USERNAME and so on")
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
        secrets: Streamlit's secrets, upper-case names as in the environment. Streamlit itself lets
            them override the environment, so they come first here too.

    Raises:
        NotConfigured: something is missing or wrong.
    """
    given: dict[str, Any] = {
        # TOML may hold a password of digits as a number, and descriptions as tables.
        name: _plain(value) if isinstance(value, Mapping) else str(value)
        for name in Settings.model_fields
        if (value := secrets.get(name.upper(), "")) != ""
    }
    try:
        return Settings(**given)
    except ValidationError as error:
        problems = tuple(
            _problem(item["loc"], item["type"], item["msg"])
            for item in error.errors(include_input=False, include_context=False, include_url=False)
        )
    # Raised outside the handler: pydantic's error holds the values, and a traceback would chain it.
    raise NotConfigured(problems)


def _plain(table: Mapping[str, Any]) -> dict[str, Any]:
    """A table of Streamlit's secrets as dictionaries, which is what pydantic takes."""
    return {k: _plain(v) if isinstance(v, Mapping) else v for k, v in table.items()}


def _problem(where: tuple[int | str, ...], kind: str, message: str) -> str:
    name, *inside = (str(part) for part in where)
    if kind == "missing":
        return f"{name.upper()} is not set."
    said = _IN_WORDS.get(kind) or message.removeprefix("Value error, ")
    return f"{name.upper()}{': ' if inside else ''}{'.'.join(inside)} {said}."
