"""Progress of a conversion."""

import sys
import time
from typing import TextIO


class Progress:
    """Print each step when it begins, with the seconds since the first one."""

    def __init__(self, stream: TextIO | None = None) -> None:
        self._begin, self._stream = time.monotonic(), stream or sys.stdout

    def __call__(self, step: str) -> None:
        print(f"{time.monotonic() - self._begin:5.0f} s  {step}", file=self._stream, flush=True)
