"""Objects that the tabs and views of the page share."""

from dataclasses import dataclass

from frontend.api.client import ApiClient
from frontend.api.errors import WrongCredentials
from frontend.api.manifest import Manifest
from frontend.api.predictions import Health, Prediction
from frontend.api.watches import HealthResult, HealthWatch, ModelResult, ModelWatch
from frontend.class_cards import ClassCards


@dataclass(frozen=True, slots=True)
class PageContext:
    """Access to the API and the texts of the classes, for one run of the page's script.

    Attributes:
        client: client of the API, for this visit.
        watch: health watch of the API, for all visits.
        models: watch of the model's manifest, for all visits with the same credentials.
        health: the API's health when this run started; None if not known yet.
        model: the manifest when this run started, or why there is none; None if not known yet.
        cards: icons and descriptions of the classes.
        api_url: address of the API in code examples.
        api_auth: how requests are authenticated, as in the settings.
    """

    client: ApiClient
    watch: HealthWatch
    models: ModelWatch
    health: HealthResult | None
    model: ModelResult | None
    cards: ClassCards
    api_url: str
    api_auth: str

    @property
    def classes(self) -> tuple[str, ...]:
        """Labels of the model; empty if they are not known."""
        if isinstance(self.health, Health):
            return self.health.classes
        return self.model.classes if isinstance(self.model, Manifest) else ()

    @property
    def rejected(self) -> WrongCredentials | None:
        """The error if the API does not accept the credentials."""
        return self.model if isinstance(self.model, WrongCredentials) else None

    @property
    def stores_feedback(self) -> bool:
        """Whether the API stores corrections."""
        return isinstance(self.health, Health) and self.health.collect != "off"

    def threshold(self, prediction: Prediction) -> float | None:
        """Return the confidence threshold of the prediction's model; None if not known."""
        if isinstance(self.model, Manifest) and self.model.version == prediction.model_version:
            return self.model.confidence_threshold
        return None

    def check_again(self) -> None:
        """Request health and model again in the next run."""
        self.watch.expire()
        self.models.expire()
