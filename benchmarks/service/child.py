"""Start the measured processes with settings, a picture and an event."""

import base64
import json
import os
import subprocess
import sys
from importlib.resources import files
from io import BytesIO
from typing import Any

from PIL import Image

USERNAME, PASSWORD = "bench", "of-the-benchmark-7c1e"
AUTHORIZATION = "Basic " + base64.b64encode(f"{USERNAME}:{PASSWORD}".encode()).decode()
ENVIRONMENT = {
    "API_USERNAME": USERNAME,
    "API_PASSWORD": PASSWORD,
    "POWERTOOLS_METRICS_NAMESPACE": "Bench",  # as in the image: writing metrics takes time too
}
BOUNDARY = "b0a4c1f2"
_PART = (
    f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="%s"; filename="a.jpg"\r\n'
    "Content-Type: image/jpeg\r\n\r\n"
)


def picture() -> bytes:
    """Return a JPEG of 150x150 pixels, the input size of the network, about 8 kB."""
    buffer = BytesIO()
    file = files("sklearn") / "datasets" / "images" / "china.jpg"
    with file.open("rb") as opened, Image.open(opened) as photo:
        photo.resize((150, 150)).save(buffer, "JPEG", quality=85)
    return buffer.getvalue()


def form(data: bytes, field: str = "file") -> bytes:
    """Return the body of a form with a picture in a field."""
    return (_PART % field).encode() + data + f"\r\n--{BOUNDARY}--\r\n".encode()


def event(data: bytes, *, as_form: bool) -> dict[str, Any]:
    """Return the event of an HTTP API for a picture in a form, or as the body."""
    body = form(data) if as_form else data
    kind = f"multipart/form-data; boundary={BOUNDARY}" if as_form else "image/jpeg"
    return {
        "version": "2.0",
        "rawPath": "/predict",
        "rawQueryString": "",
        "headers": {
            "authorization": AUTHORIZATION,
            "content-length": str(len(body)),
            "content-type": kind,
            "host": "api.example",
            "user-agent": "bench",
            "x-forwarded-for": "203.0.113.24",
            "x-forwarded-port": "443",
            "x-forwarded-proto": "https",
        },
        "requestContext": {
            "http": {"method": "POST", "path": "/predict", "sourceIp": "203.0.113.24"},
            "requestId": "UkZ0dgqPFiAEPzQ=",
            "stage": "$default",
        },
        "body": base64.b64encode(body).decode(),
        "isBase64Encoded": True,
    }


def run(program: str, *options: str) -> subprocess.CompletedProcess[str]:
    """Run a Python program with the settings in its environment and an event on stdin."""
    return subprocess.run(  # noqa: S603 - our own command
        [sys.executable, *options, "-c", program],
        env={**os.environ, **ENVIRONMENT},
        input=json.dumps(event(picture(), as_form=True)),
        capture_output=True,
        text=True,
        check=True,
    )


def percentile(values: list[float], share: float) -> float:
    """Return the value below which `share` (0..1) of the values lie, rounded to 3 decimals."""
    return round(sorted(values)[min(int(len(values) * share), len(values) - 1)], 3)
