"""Errors of the registry. Every message says what to do."""


class RegistryError(RuntimeError):
    """A request to S3 failed, or its content is unusable. The promoted version is unchanged."""


class ConflictError(RegistryError):
    """Another client changed the registry at the same time."""
