"""Where bundles are published: `<registry>/<name>/<version>/…` in S3, and what is promoted."""
