"""What the registry did not do; every message says what to do."""


class RegistryError(RuntimeError):
    """S3 or what is in it stands in the way. What is promoted is as it was."""


class ConflictError(RegistryError):
    """Somebody else was faster."""
