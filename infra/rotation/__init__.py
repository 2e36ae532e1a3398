"""Rotation of the password on a schedule, enabled with `-c rotate_password_days=90`."""
