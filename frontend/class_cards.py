"""Icon and description of each class."""

import tomllib
from collections.abc import Mapping
from functools import cache
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field

_SHIPPED = Path(__file__).with_name("classes.toml")


class ClassCard(BaseModel):
    """Icon and description of a class; the defaults suit any class.

    Attributes:
        icon: a name of Google's Material Symbols, whose font Streamlit includes.
        description: a sentence, or empty.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    icon: str = Field(default="image", pattern=r"^[a-z0-9_]+$", max_length=40)
    description: str = Field(default="", max_length=300)


class ClassCards:
    """Cards of all classes: those of `classes.toml`, overridden by those of the settings."""

    def __init__(self, configured: Mapping[str, ClassCard]) -> None:
        self._cards = {**shipped_cards(), **configured}

    def __getitem__(self, label: str) -> ClassCard:
        """Return the card of a class; a neutral card if the class has none."""
        return self._cards.get(label, ClassCard())


@cache
def shipped_cards() -> dict[str, ClassCard]:
    """Read the cards of `classes.toml`, by label."""
    tables = tomllib.loads(_SHIPPED.read_text(encoding="utf-8"))
    return {label: ClassCard.model_validate(table) for label, table in tables.items()}
