"""A function that gives the secret a new password on a schedule: `-c rotate_password_days=90`."""
