"""Base images of the container images."""

import re

from infra.settings import ROOT, Settings


def unpinned(settings: Settings) -> list[str]:
    """Dockerfiles of the deployment whose base image has no digest.

    CDK builds and deploys an image again if its files or build arguments change, not if a tag such
    as python:3.13 points to a newer base image.
    """
    files = ["Dockerfile.lambda", *(["Dockerfile-streamlit"] if settings.frontend else [])]
    return [
        file
        for file in files
        if not re.search(
            r"^ARG BASE=\S+@sha256:[0-9a-f]{64}$",
            (ROOT / file).read_text(encoding="utf-8"),
            re.MULTILINE,
        )
    ]
