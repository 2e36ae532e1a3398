"""Audit of a data set before training: contents, broken files and duplicates."""
