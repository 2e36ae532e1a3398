"""Training report: figures and one HTML page."""
