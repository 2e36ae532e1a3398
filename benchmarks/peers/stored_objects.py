"""A stand-in for S3: `python -m benchmarks.peers.stored_objects PORT DELAY_MS`.

Each object of the bucket `pictures` is the same JPEG of 150x150 pixels. Other objects do not exist.
A GET is answered after the delay. What is written is discarded.
"""

import sys
import time
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from benchmarks.service.child import picture

PICTURE = picture()
MISSING = b"<Error><Code>NoSuchKey</Code><Message>missing</Message></Error>"
delay_s = 0.0


class Objects(BaseHTTPRequestHandler):
    """The requests of a bulk worker."""

    protocol_version = "HTTP/1.1"  # connections are kept, as by S3
    disable_nagle_algorithm = True

    def do_GET(self) -> None:
        """Answer with the picture, or that there is none."""
        time.sleep(delay_s)
        found = self.path.startswith("/pictures/")
        self._answer(
            HTTPStatus.OK if found else HTTPStatus.NOT_FOUND, PICTURE if found else MISSING
        )

    def do_PUT(self) -> None:
        """Discard the body."""
        self.rfile.read(int(self.headers["Content-Length"]))
        self._answer(HTTPStatus.OK, b"")

    def _answer(self, status: HTTPStatus, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Write no log."""


if __name__ == "__main__":
    port, delay_s = int(sys.argv[1]), float(sys.argv[2]) / 1000
    ThreadingHTTPServer(("127.0.0.1", port), Objects).serve_forever()
