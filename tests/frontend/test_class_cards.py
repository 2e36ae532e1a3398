import json
from pathlib import Path

from frontend.class_cards import ClassCard, ClassCards, shipped_cards

MANIFEST = Path(__file__).parents[2] / "models" / "intel-scenes" / "manifest.json"


def test_each_class_of_the_shipped_bundle_has_a_card() -> None:
    classes = json.loads(MANIFEST.read_text())["classes"]

    assert set(shipped_cards()) == set(classes)
    assert all(card.description for card in shipped_cards().values())
    assert len({card.icon for card in shipped_cards().values()}) == len(classes)


def test_class_without_an_entry_has_a_neutral_card() -> None:
    assert ClassCards({})["rose"] == ClassCard(icon="image", description="")


def test_configured_cards_take_precedence() -> None:
    cards = ClassCards({"sea": ClassCard(icon="sailing"), "rose": ClassCard(description="A rose.")})

    assert cards["sea"].icon == "sailing"
    assert cards["rose"].description == "A rose."
    assert cards["forest"].icon == "forest"
