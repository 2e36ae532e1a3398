"""HTTP client of the API and its typed responses."""

from frontend.api.client import ApiClient

__all__ = ["ApiClient"]
