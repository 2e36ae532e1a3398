"""HTTP client of the API and its typed responses."""
