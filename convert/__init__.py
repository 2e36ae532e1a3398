"""Conversion of a training run into a measured, gated bundle."""
