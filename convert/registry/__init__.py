"""Registry of published bundles in S3: `<registry>/<name>/<version>/`, and the promoted version."""
