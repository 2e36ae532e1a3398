"""The promotion pointer of a model: the object `<registry>/<name>/current`."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from lambda_api.manifest import BundleError, Version

CURRENT = "current"  # last part of the object's key
MAX_BYTES = 10_000
_MAX_PREVIOUS = 20


class PromotedVersion(BaseModel):
    """The promoted version, and the versions promoted before it, newest first."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    version: Version
    previous: Annotated[tuple[Version, ...], Field(max_length=100)] = ()

    def promoted(self, version: str) -> "PromotedVersion":
        """Return a pointer to `version`. The oldest entries of the history are dropped."""
        history = (self.version, *self.previous)[:_MAX_PREVIOUS]
        return PromotedVersion(version=version, previous=history)

    def rolled_back(self) -> "PromotedVersion":
        """Return a pointer to the previous version. Raises `IndexError` if there is none."""
        return PromotedVersion(version=self.previous[0], previous=self.previous[1:])


def read_promoted_version(document: bytes) -> PromotedVersion:
    """Parse the stored pointer. Raises `BundleError` if it is invalid."""
    try:
        return PromotedVersion.model_validate_json(document)
    except ValidationError as error:
        raise BundleError(f"The pointer {CURRENT!r} is not valid.") from error
