"""Pictures for schemathesis, which would send random bytes instead."""

import schemathesis
from hypothesis import strategies as st

from tests.lambda_api.pictures import china, encode

for media_type, format_ in {
    "image/jpeg": "JPEG",
    "image/png": "PNG",
    "image/webp": "WEBP",
    "image/avif": "AVIF",
    "image/tiff": "TIFF",
    "image/gif": "GIF",
    "image/bmp": "BMP",
}.items():
    pictures = [encode(china(side, 64), format_) for side in (16, 64, 96)]
    cut = [picture[: len(picture) // 2] for picture in pictures]
    schemathesis.openapi.media_type(
        media_type, st.sampled_from(pictures + cut) | st.binary(max_size=200)
    )
