"""Conversion: a run folder in, a measured bundle out."""
