"""Which version of a model is promoted: the small object `<registry>/<name>/current`."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from lambda_api.manifest import BundleError, Version

CURRENT = "current"  # the key's last part
MAX_BYTES = 10_000


class PromotedVersion(BaseModel):
    """The version that serves, and those that did before, the last one first."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    version: Version
    previous: Annotated[tuple[Version, ...], Field(max_length=100)] = ()

    def promoted(self, version: str) -> "PromotedVersion":
        """With another version in front. What served longest ago is forgotten."""
        return PromotedVersion(version=version, previous=(self.version, *self.previous)[:20])

    def rolled_back(self) -> "PromotedVersion":
        """With the previous version again. Raises `IndexError` where there is none."""
        return PromotedVersion(version=self.previous[0], previous=self.previous[1:])


def read_promoted_version(document: bytes) -> PromotedVersion:
    """The pointer as it was stored. Raises `BundleError` where it is none."""
    try:
        return PromotedVersion.model_validate_json(document)
    except ValidationError as error:
        raise BundleError(f"{CURRENT!r} does not name a version.") from error
