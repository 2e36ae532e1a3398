"""What stops a command."""


class InfraError(ValueError):
    """Something that the user can mend; the message says what and how."""
