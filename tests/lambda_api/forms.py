"""Small pictures, and the forms that contain them."""

import base64
import io

from PIL import Image


def _encoded(name: str) -> bytes:
    file = io.BytesIO()
    Image.radial_gradient("L").resize((64, 48)).convert("RGB").save(file, name)
    return file.getvalue()


JPEG, PNG, WEBP = _encoded("JPEG"), _encoded("PNG"), _encoded("WEBP")
B64 = base64.b64encode(JPEG).decode()
FILE = 'form-data; name="file"; filename="a.jpg"'
FORM = "multipart/form-data; boundary=XX"


def form(
    disposition: str = FILE,
    *,
    headers: str = "Content-Type: image/jpeg\r\n",
    data: bytes = JPEG,
    before: bytes = b"",
    blanks: bytes = b"",
    end: bytes = b"\r\n",
) -> bytes:
    head = f"Content-Disposition: {disposition}\r\n{headers}\r\n".encode()
    head = head.replace(b"\r\n", end)
    return before + b"--XX" + blanks + end + head + data + end + b"--XX--" + blanks + end
