"""Errors of the commands."""


class InfraError(ValueError):
    """An error that the user can fix. The message says what is wrong and what to do."""
