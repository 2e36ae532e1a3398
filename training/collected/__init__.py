"""Corrections that the service collected, as training pictures."""
