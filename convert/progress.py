"""How far a conversion is."""

import sys
import time
from typing import TextIO


class Progress:
    """Says each step as it begins, with the seconds since the first."""

    def __init__(self, stream: TextIO | None = None) -> None:
        self._begin, self._stream = time.monotonic(), stream or sys.stdout

    def __call__(self, step: str) -> None:
        print(f"{time.monotonic() - self._begin:5.0f} s  {step}", file=self._stream, flush=True)
