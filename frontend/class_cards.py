"""What the page says of a class besides its name: an icon and a sentence."""

import tomllib
from collections.abc import Mapping
from functools import cache
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field

_SHIPPED = Path(__file__).with_name("classes.toml")


class ClassCard(BaseModel):
    """How to show a class; as it is without arguments, any class will do.

    Attributes:
        icon: a name of Google's Material Symbols, which Streamlit brings along.
        description: a sentence; empty if there is nothing to say.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    icon: str = Field(default="image", pattern=r"^[a-z0-9_]+$", max_length=40)
    description: str = Field(default="", max_length=300)


class ClassCards:
    """The cards of all classes: those that come with the page, and above them those given."""

    def __init__(self, given: Mapping[str, ClassCard]) -> None:
        self._cards = {**shipped_cards(), **given}

    def __getitem__(self, label: str) -> ClassCard:
        """The class's card; a neutral one where nothing is known of it."""
        return self._cards.get(label, ClassCard())


@cache
def shipped_cards() -> dict[str, ClassCard]:
    """The cards of `classes.toml`, by label."""
    tables = tomllib.loads(_SHIPPED.read_text(encoding="utf-8"))
    return {label: ClassCard.model_validate(table) for label, table in tables.items()}
