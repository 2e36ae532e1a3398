"""HTTP Basic authentication: users, passwords and failed logins."""
