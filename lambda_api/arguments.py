"""Types of command line arguments."""

import argparse


def positive(text: str) -> int:
    """Return a whole number of 1 or more. Raises `argparse.ArgumentTypeError`."""
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number of 1 or more")
    return int(text)
