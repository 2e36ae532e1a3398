"""Texts of a form, with an error message that shows a valid text."""

import re

from pydantic import AfterValidator


def like(example: str, pattern: str) -> AfterValidator:
    """Accept a text that matches `pattern` as a whole. The error message shows `example`."""
    if not re.fullmatch(pattern, example):
        raise ValueError(f"{example!r} does not match {pattern!r}")

    def check(text: str) -> str:
        if not re.fullmatch(pattern, text):
            raise ValueError(f"{text!r} is not valid. Write it like {example!r}")
        return text

    return AfterValidator(check)
