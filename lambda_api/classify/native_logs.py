"""Messages of LiteRT's native code."""

import os
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def native_logs_discarded() -> Iterator[None]:
    """Discard the messages that LiteRT's native code writes to stderr while it loads a model."""
    stderr = os.dup(2)
    sink = os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(sink, 2)
        yield
    finally:
        os.dup2(stderr, 2)
        os.close(stderr)
        os.close(sink)
