"""Objects that the tabs and views of the page share."""

from dataclasses import dataclass

from frontend.api.client import ApiClient
from frontend.api.health_watch import HealthResult, HealthWatch
from frontend.class_cards import ClassCards


@dataclass(frozen=True, slots=True)
class PageContext:
    """Access to the API and the texts of the classes, for one run of the page's script.

    Attributes:
        client: client of the API, for this visit.
        watch: health watch of the API, for all visits.
        health: the API's health when this run started; None if not known yet.
        cards: icons and descriptions of the classes.
    """

    client: ApiClient
    watch: HealthWatch
    health: HealthResult | None
    cards: ClassCards
