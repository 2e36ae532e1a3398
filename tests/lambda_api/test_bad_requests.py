"""Status and problem document (RFC 9457) of bad requests."""

import gc
from http import HTTPStatus

import httpx2 as httpx
import pytest
from fastapi.testclient import TestClient

from lambda_api import images
from tests.lambda_api.forms import FILE
from tests.lambda_api.pictures import refused

BOUNDARY = "bd94a83c"
MULTIPART = f"multipart/form-data; boundary={BOUNDARY}"
ANSWERS = {
    images.NoPicture: (400, "no-picture"),
    images.TooManyPixels: (413, "too-many-pixels"),
    images.UnsupportedFormat: (415, "unsupported-format"),
    images.UndecodablePicture: (422, "undecodable-picture"),
}


def check(answer: httpx.Response, status: int, slug: str, detail: str = "") -> None:
    """Check that the response is the problem `slug`, with the request ID."""
    assert (answer.status_code, answer.headers["Content-Type"]) == (
        status,
        "application/problem+json",
    )
    document = answer.json()
    assert detail in document.pop("detail")
    assert document == {
        "type": f"urn:landscape-classifier:problem:{slug}",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "request_id": answer.headers["X-Request-ID"],
    }


@pytest.mark.parametrize("kind", refused())
def test_invalid_picture_in_a_form_is_rejected(client: TestClient, kind: str) -> None:
    data, error = refused()[kind]
    answer = client.post("/predict", files={"file": ("beach.jpg", data[:3_900_000], "image/jpeg")})
    check(answer, *ANSWERS[error])


@pytest.mark.parametrize("kind", refused())
def test_invalid_picture_as_a_body_is_rejected(client: TestClient, kind: str) -> None:
    data, error = refused()[kind]
    headers = {"Content-Type": "image/jpeg"}
    answer = client.post("/predict", content=data[:3_900_000], headers=headers)
    check(answer, *ANSWERS[error])


def test_empty_body_gets_400(client: TestClient) -> None:
    check(client.post("/predict"), 400, "no-picture", "0 bytes")


def part(disposition: str, content: str = "x") -> str:
    return f"--{BOUNDARY}\r\nContent-Disposition: {disposition}\r\n\r\n{content}\r\n"


END = f"--{BOUNDARY}--\r\n"


@pytest.mark.parametrize(
    ("body", "slug", "detail"),
    [
        (part(FILE, "") + END, "no-picture", "0 bytes"),
        (part('form-data; name="file"; filename=""', "") + END, "no-picture", "0 bytes"),
        (part('form-data; name="picture"; filename="a.jpg"') + END, "no-picture", "named 'file'"),
        (part('form-data; name="file"') + END, "no-picture", "named 'file'"),
        (part('form-data; name="comment"') + END, "no-picture", "named 'file'"),
        (END, "no-picture", "named 'file'"),
        (part("form-data") + END, "bad-request", "name"),
        (part(FILE) + part(FILE) + END, "bad-request", "Too many files"),
        ("".join(part(f'form-data; name="{i}"') for i in range(9)), "bad-request", "Too many"),
        (part('form-data; name="file"', "x" * 1_100_000) + END, "bad-request", "Part exceeded"),
        ("not multipart at all", "bad-request", ""),
        ("--another\r\n\r\nx\r\n--another--\r\n", "bad-request", ""),
    ],
    ids=[
        "empty file",
        "form sent without choosing a file",
        "file of another name",
        "file field is text",
        "only text",
        "no part",
        "part without a name",
        "two files",
        "nine fields",
        "text of a megabyte",
        "no multipart",
        "another boundary",
    ],
)
def test_form_without_a_file_gets_400(
    client: TestClient, body: str, slug: str, detail: str
) -> None:
    answer = client.post("/predict", content=body, headers={"Content-Type": MULTIPART})
    check(answer, 400, slug, detail)


@pytest.mark.parametrize(
    "content_type", ["multipart/form-data", "multipart/form-data; boundary=", "Multipart/Form-Data"]
)
def test_form_without_a_boundary_gets_400(client: TestClient, content_type: str) -> None:
    answer = client.post(
        "/predict", content=part(FILE) + END, headers={"Content-Type": content_type}
    )
    check(answer, 400, "bad-request", "")


@pytest.mark.parametrize(
    "charset", ["ISO-8859-1", "utf8", "idna", "utf-7", "undefined", "unicode_escape", "base64", "?"]
)
def test_charset_of_a_form_does_not_matter(client: TestClient, photo: bytes, charset: str) -> None:
    """Some Python codecs would cause a 500 and log the file name."""
    start, _, end = (
        part('form-data; name="file"; filename="xn--a-.jpg"', "\0").encode().partition(b"\0")
    )
    body = start + photo + end + END.encode()
    content_type = {"Content-Type": f'{MULTIPART}; Charset="{charset}"'}

    one = client.post("/predict", content=body, headers=content_type)
    several = client.post("/predict/batch", content=body, headers=content_type)

    assert one.status_code == several.status_code == 200
    assert several.json()["results"][0]["filename"] == "xn--a-.jpg"


def test_form_may_declare_utf_8(client: TestClient, photo: bytes) -> None:
    body = part('form-data; name="file"; filename="Küste.jpg"', "\0").encode().partition(b"\0")

    answer = client.post(
        "/predict/batch",
        content=body[0] + photo + body[2] + END.encode(),
        headers={"Content-Type": f"{MULTIPART}; charset=UTF-8"},
    )

    assert [item["filename"] for item in answer.json()["results"]] == ["Küste.jpg"]


@pytest.mark.parametrize("path", ["/predict", "/uploads"])
def test_large_json_document_is_rejected(client: TestClient, path: str) -> None:
    document = {str(number): 1 for number in range(1000)}
    check(client.post(path, json=document), 422, "invalid-request", "larger than 4,096 bytes")


def test_first_errors_are_described(client: TestClient) -> None:
    answer = client.post("/predict", json={str(number): 1 for number in range(100)})

    check(answer, 422, "invalid-request", "key: Field required; 0: ")

    assert answer.json()["detail"].count(";") == 4


@pytest.mark.filterwarnings("ignore::ResourceWarning")  # Starlette leaves the part's file open
def test_truncated_form_gets_400(client: TestClient) -> None:
    answer = client.post("/predict", content=part(FILE), headers={"Content-Type": MULTIPART})
    check(answer, 400, "no-picture", "named 'file': it is incomplete, because")
    gc.collect()


@pytest.mark.parametrize("top_k", ["0", "-1", "1.5", "all", ""])
def test_invalid_top_k_gets_422(client: TestClient, photo: bytes, top_k: str) -> None:
    answer = client.post(f"/predict?top_k={top_k}", content=photo)
    check(answer, 422, "invalid-request", "query.top_k: ")


@pytest.mark.parametrize("path", ["/nothing", "/predict/more", "/../etc/passwd", "/%00"])
def test_unknown_path_gets_404(client: TestClient, path: str) -> None:
    check(client.get(path), 404, "not-found")


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [("GET", "/predict", "POST"), ("PUT", "/predict", "POST"), ("POST", "/health", "GET, HEAD")],
)
def test_wrong_method_gets_405(client: TestClient, method: str, path: str, allowed: str) -> None:
    answer = client.request(method, path)

    check(answer, 405, "method-not-allowed")

    assert answer.headers["Allow"] == allowed


def test_declared_body_over_the_limit_gets_413(client: TestClient) -> None:
    answer = client.post("/predict", content=bytes(4_000_001))
    check(answer, 413, "too-many-bytes", "4,000,000 bytes")


@pytest.mark.parametrize("content_type", ["image/jpeg", MULTIPART])
def test_undeclared_body_over_the_limit_gets_413(client: TestClient, content_type: str) -> None:
    start = (part(FILE).removesuffix("\r\n").encode(),) if content_type == MULTIPART else ()
    answer = client.post(
        "/predict",
        content=iter([*start, *[bytes(1_000_000)] * 5]),
        headers={"Content-Type": content_type},
    )
    check(answer, 413, "too-many-bytes", "4,000,000 bytes")


@pytest.mark.parametrize(("length", "status"), [("9" * 5000, 413), ("0" * 5000 + "7", 400)])
def test_content_length_may_have_many_digits(client: TestClient, length: str, status: int) -> None:
    """Python's int() rejects so many digits."""
    headers = {"Content-Length": length}
    assert client.post("/predict", content=b"", headers=headers).status_code == status


def test_body_at_the_limit_is_accepted(client: TestClient, photo: bytes) -> None:
    padded = photo + bytes(4_000_000 - len(photo))
    assert client.post("/predict", content=padded).status_code == 200
