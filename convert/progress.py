"""How far a conversion is."""

import time


class Progress:
    """Says each step as it begins, with the seconds since the first."""

    def __init__(self) -> None:
        self._begin = time.monotonic()

    def __call__(self, step: str) -> None:
        print(f"{time.monotonic() - self._begin:5.0f} s  {step}", flush=True)
