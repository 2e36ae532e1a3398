"""Repeatable measurements. Results are stored in `results/` as JSON and Markdown."""
