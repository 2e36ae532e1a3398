"""Measurements that anyone can repeat; their results lie in `results/` as JSON and Markdown."""
