"""Drift: predictions of the running service, compared with those for the validation pictures."""
