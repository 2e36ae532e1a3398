"""Stand-in for calls of AWS that moto does not have: Lambda's quotas and calls, CodeDeploy."""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any


@dataclass(frozen=True)
class Answer:
    """Response to a call.

    Attributes:
        body: JSON of the response.
        status: HTTP status.
        headers: more headers, such as the name of an error.
    """

    body: Any
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)

    @classmethod
    def error(cls, code: str, status: int = 400) -> "Answer":
        return cls({"message": code}, status, {"x-amzn-ErrorType": code})


Call = Callable[[Any], Answer]


@contextmanager
def serving(calls: dict[str, Call]) -> Iterator[dict[str, str]]:
    """Answer calls until the end of the block.

    Args:
        calls: function from the JSON of a request to its response, by the end of the URL's path or
            of the header X-Amz-Target. Other calls are errors.

    Yields:
        Environment variables that direct boto3 to the stand-in.
    """

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            target = self.headers.get("X-Amz-Target") or self.path
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            answer = next(
                (
                    call(json.loads(body or b"{}"))
                    for end, call in calls.items()
                    if target.endswith(end)
                ),
                Answer.error(f"NoSuchCall: {target}"),
            )
            text = json.dumps(answer.body).encode()
            self.send_response(answer.status)
            for name, value in {**answer.headers, "Content-Length": str(len(text))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(text)

        do_GET = do_POST  # noqa: N815 - names of http.server

        def log_message(self, *_: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield {
                "AWS_ENDPOINT_URL": f"http://127.0.0.1:{server.server_port}",
                "AWS_ACCESS_KEY_ID": "for-a-stand-in",
                "AWS_SECRET_ACCESS_KEY": "for-a-stand-in",
                "AWS_REGION": "eu-central-1",
                "AWS_DEFAULT_REGION": "eu-central-1",
            }
        finally:
            server.shutdown()
            thread.join()
