"""Training report: figures and the HTML page."""
