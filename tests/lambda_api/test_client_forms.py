"""Requests as common clients write them: forms, JSON, HEAD, slashes, and what errors advise."""

import base64
import gzip
import io
import json

import pytest
from fastapi.testclient import TestClient
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from PIL import Image

from lambda_api.app import create_app
from lambda_api.loaded_model import LoadedModel
from lambda_api.settings import Settings
from lambda_api.web.forms import read_form
from tests.lambda_api.pictures import china, encode


def _encoded(name: str) -> bytes:
    file = io.BytesIO()
    Image.radial_gradient("L").resize((64, 48)).convert("RGB").save(file, name)
    return file.getvalue()


JPEG, PNG, WEBP = _encoded("JPEG"), _encoded("PNG"), _encoded("WEBP")
FILE = 'form-data; name="file"; filename="a.jpg"'
FORM = "multipart/form-data; boundary=XX"
JSON = {"Content-Type": "application/json"}
B64 = base64.b64encode(JPEG).decode()


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


FORMS = {
    "filename* alone": form("form-data; name=\"file\"; filename*=utf-8''f%C3%B6rest.jpg"),
    "filename* in Latin-1": form("form-data; name=\"file\"; filename*=iso-8859-1'de'f%F6rest.jpg"),
    "filename in pieces": form('form-data; name="file"; filename*0="for"; filename*1="est.jpg"'),
    "name*": form("form-data; name*=utf-8''file; filename=\"a.jpg\""),
    "unquoted": form("form-data; name=file; filename=a.jpg"),
    "upper case": form('FORM-DATA; NAME="file"; FILENAME="a.jpg"'),
    "other order": form('form-data; filename="a.jpg"; name="file"'),
    "no filename": form('form-data; name="file"'),
    "no filename, no type": form('form-data; name="file"', headers=""),
    "folded header": form('form-data;\r\n name="file"; filename="a.jpg"'),
    "raw Latin-1 name": form().replace(b"a.jpg", b"f\xf6rest.jpg"),
    "LF": form(end=b"\n"),
    "preamble": form(before=b"This is a multi-part message in MIME format.\r\n"),
    "blanks": form(blanks=b"  "),
    "tab and LF": form(blanks=b"\t", end=b"\n"),
    "base64": form(headers="Content-Transfer-Encoding: base64\r\n", data=base64.encodebytes(JPEG)),
    "base64, filename*": form(
        "form-data; name=\"file\"; filename*=utf-8''a.jpg",
        headers="Content-Transfer-Encoding: base64\r\n",
        data=base64.b64encode(JPEG),
    ),
    "text/plain, no filename": form(
        'form-data; name="file"', headers="Content-Type: text/plain\r\n"
    ),
    "empty input before": b'--XX\r\nContent-Disposition: form-data; name="file"; filename=""\r\n'
    b"Content-Type: application/octet-stream\r\n\r\n\r\n" + form(),
    "epilogue": form() + b"epilogue\r\n",
    "quotes in names": form(r'form-data; name="file"; filename="a\"b\\c.jpg"'),
    "both names": form("form-data; name=file; filename=a.jpg; filename*=utf-8''%C3%B6.jpg"),
    "damaged filename*": form("form-data; name=\"file\"; filename*=klingon''f%ZZ.jpg"),
    "nine part headers": form(headers="".join(f"X-{i}: 1\r\n" for i in range(9))),
}


@pytest.mark.parametrize("kind", FORMS)
@pytest.mark.parametrize("path", ["/predict", "/predict/batch"])
def test_form_of_another_client_is_read(client: TestClient, path: str, kind: str) -> None:
    expected = client.post("/predict", content=JPEG).json()["confidence"]

    answer = client.post(path, content=FORMS[kind], headers={"Content-Type": FORM})

    assert answer.status_code == 200
    document = answer.json()
    prediction = document["results"][-1]["prediction"] if "results" in document else document
    assert prediction["confidence"] == expected


@pytest.mark.parametrize(
    ("kind", "filename"),
    [
        ("filename* alone", "förest.jpg"),
        ("filename* in Latin-1", "förest.jpg"),
        ("filename in pieces", "forest.jpg"),
        ("no filename", ""),
        ("LF", "a.jpg"),
    ],
)
def test_file_name_is_decoded(client: TestClient, kind: str, filename: str) -> None:
    answer = client.post("/predict/batch", content=FORMS[kind], headers={"Content-Type": FORM})

    assert answer.json()["results"][0]["filename"] == filename


@hypothesis_settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    files=st.lists(st.sampled_from([JPEG, PNG, WEBP]), min_size=1, max_size=3),
    name=st.sampled_from(['name="file"', "name=file", "name*=utf-8''file", 'NAME = "file"']),
    filename=st.sampled_from(
        ["", '; filename="a.jpg"', "; filename*=UTF-8''%E2%82%AC.jpg", '; filename=""; x="y;z"']
    ),
    text=st.lists(st.text(st.characters(codec="utf-8"), max_size=20), max_size=2),
    end=st.sampled_from(["\r\n", "\n"]),
    blanks=st.sampled_from(["", " ", "\t "]),
    before=st.sampled_from(["", "preamble{end}", "{end}", "{end}{end}"]),
    boundary=st.text("abcXYZ019-_'()+,./:=?", min_size=1, max_size=70),
    charset=st.sampled_from(["", "; charset=ISO-8859-1", "; charset=utf8", '; charset="x-none"']),
)
def test_any_form_of_the_rfcs_is_read(
    client: TestClient, files: list[bytes], name: str, filename: str, text: list[str],
    end: str, blanks: str, before: str, boundary: str, charset: str,
) -> None:  # fmt: skip
    line = f"{end}--{boundary}{blanks}{end}".encode()
    comments = [
        f'Content-Disposition: form-data; name="comment"{end}{end}'.encode() + x.encode()
        for x in text
    ]
    pictures = [
        f"Content-Disposition: form-data; {name}{filename}{end}{end}".encode() + x for x in files
    ]
    parts = line.join([*comments, *pictures])
    start = before.format(end=end) + f"--{boundary}{blanks}{end}"
    body = start.encode() + parts + f"{end}--{boundary}--{blanks}{end}".encode()
    content_type = f'multipart/form-data; boundary="{boundary}"{charset}'

    answer = client.post("/predict/batch", content=body, headers={"Content-Type": content_type})

    assert answer.status_code == 200, answer.text
    formats = [item["prediction"]["image"]["format"] for item in answer.json()["results"]]
    assert formats == [Image.open(io.BytesIO(x)).format for x in files]


@given(body=st.binary(max_size=300), boundary=st.binary(min_size=1, max_size=5))
def test_any_bytes_are_split_without_an_error(body: bytes, boundary: bytes) -> None:
    start = b"--" + boundary + b"\r\nContent-Disposition: form-data; name=x; filename*0*="

    parts = read_form(start + body + b"\r\n--" + boundary + b"--", boundary)

    assert all(isinstance(part.name, str) for part in parts)


JSON_BODIES = {
    "base64": {"image": B64},
    "data URL": {"image": f"data:image/jpeg;base64,{B64}"},
    "data URL with a charset": {"image": f"DATA:image/jpeg;charset=utf-8;BASE64,{B64}"},
    "escaped data URL": {"image": "data:image/jpeg;base64," + B64.replace("+", "%2B")},
    "URL-safe": {"image": base64.urlsafe_b64encode(JPEG).decode().rstrip("=")},
    "no media type": {"image": f"data:;base64,{B64}"},
    "blanks in the prefix": {"image": f"data:image/jpeg; name=a.jpg; base64 , {B64}"},
    "prefix without data:": {"image": f"image/jpeg;base64,{B64}"},
    "base64 as prefix": {"image": f"base64,{B64}"},
    "CRLF and blanks": {"image": "\r\n ".join(B64[i : i + 76] for i in range(0, len(B64), 76))},
    "lines": {"image": base64.encodebytes(JPEG).decode()},
}


@pytest.mark.parametrize("kind", JSON_BODIES)
@pytest.mark.parametrize("path", ["/predict", "/explain?grid=2"])
def test_picture_in_json_is_classified(client: TestClient, path: str, kind: str) -> None:
    answer = client.post(path, json=JSON_BODIES[kind])

    assert answer.status_code == 200
    assert answer.json()["confidence"] == client.post("/predict", content=JPEG).json()["confidence"]


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_json_may_have_a_byte_order_mark(client: TestClient, encoding: str) -> None:
    body = json.dumps({"image": B64}).encode(encoding)

    assert client.post("/predict", content=body, headers=JSON).status_code == 200


@pytest.mark.parametrize("picture", [JPEG, PNG, WEBP], ids=["JPEG", "PNG", "WebP"])
def test_picture_labeled_as_json_is_classified(client: TestClient, picture: bytes) -> None:
    assert client.post("/predict", content=picture, headers=JSON).status_code == 200


def test_large_picture_in_json_is_limited_as_a_body(client: TestClient) -> None:
    padded = base64.b64encode(JPEG + bytes(2_900_000)).decode()

    assert client.post("/predict", json={"image": padded}).status_code == 200
    assert client.post("/predict", json={"image": padded * 2}).status_code == 413


@pytest.mark.parametrize(
    ("document", "detail"),
    [
        ({"image": "not base64!"}, "image: is not base64"),
        ({"image": 5}, 'image: Input should be a valid string. Send {"image": "<base64>"}'),
        ({"image": {"data": B64}}, 'valid string. Send {"image": "<base64>"}'),
        ({"image": None}, 'valid string. Send {"image": "<base64>"}'),
        ({"image": list(JPEG)}, 'valid string. Send {"image": "<base64>"}'),
        ({"image": "https://example.com/a.jpg"}, "image: is not base64"),
        ({"image": f"image/jpeg,{B64}"}, "image: is not base64"),
        ({"image": B64, "top_k": 2}, "top_k: Extra inputs"),
        ({"file": "x"}, 'Send {"image": "<base64>"}'),
        ({"data": "x" * 5000}, 'no field "image"'),
        ([B64[:100]], 'Send {"image": "<base64>"}'),
    ],
)
def test_other_json_is_rejected_with_what_to_send(
    client: TestClient, document: object, detail: str
) -> None:
    answer = client.post("/predict", json=document)

    assert answer.status_code == 422
    assert detail in answer.json()["detail"]
    assert "/uploads" not in answer.json()["detail"]  # this service has none


@pytest.mark.parametrize("path", ["/", "/health", "/docs", "/openapi.json", "/model"])
def test_head_is_as_get_without_the_body(client: TestClient, path: str) -> None:
    head, get = client.head(path), client.get(path)

    assert head.status_code == get.status_code == 200
    assert head.headers["Content-Type"] == get.headers["Content-Type"]


@pytest.mark.parametrize(
    "path", ["/predict/", "//predict", "/predict//", "/predict/batch/", "/predict//batch"]
)
def test_additional_slashes_need_no_redirect(client: TestClient, path: str) -> None:
    url = f"http://testserver{path}"

    answer = client.post(url, files={"file": JPEG}, follow_redirects=False)

    assert answer.status_code == 200


@pytest.mark.parametrize("uploads", [True, False])
def test_413_advises_only_what_works(
    settings: Settings, loaded_model: LoadedModel, credentials: tuple[str, str], *, uploads: bool
) -> None:
    changed = {"upload_bucket": "pictures" if uploads else None}
    app = create_app(settings.model_copy(update=changed), loaded_model=loaded_model)
    client = TestClient(app)
    client.auth = credentials

    one, several = (
        client.post(path, content=bytes(4_000_001)).json()["detail"]
        for path in ("/predict", "/predict/batch")
    )

    assert ("/uploads" in one) is uploads
    assert "/uploads" not in several  # a batch takes no keys
    assert "fewer" in several


LARGE_JPEG = encode(china(), "JPEG")
WITHOUT_LINES = bytes.maketrans(b"", b""), b"\0\r\n"  # what curl -d removes
RECEIVED = {
    "curl -d of a JPEG": (LARGE_JPEG.translate(*WITHOUT_LINES), "--data-binary"),
    "curl -d of a PNG": (PNG.translate(*WITHOUT_LINES), "--data-binary"),
    "URL-encoded form": (b"file=@photo.jpg", "curl -F file=@photo.jpg"),
    "URL-encoded base64": (b"image=" + B64.encode(), "URL-encoded form"),
    "mixed parts": (b"--XX\r\nContent-Type: image/jpeg\r\n\r\n" + JPEG, "multipart/form-data"),
    "JPEG XL": (b"\xff\x0a" + bytes(20), "JPEG XL"),
    "JPEG 2000": (b"\0\0\0\x0cjP  \r\n\x87\n", "JPEG 2000"),
    "Photoshop": (b"8BPS\0\1", "Photoshop"),
    "icon": (encode(china(), "ICO"), "icon"),
    "raw photo": (b"\0\0\0\x18ftypcrx \0\0\0\1", "raw photo"),
    "video": (b"\0\0\0\x18ftypisom\0\0\2\0isomavc1", "video"),
    "byte order mark": (b"\xef\xbb\xbf" + JPEG, "byte order mark"),
    "Git LFS": (b"version https://git-lfs.github.com/spec/v1\noid sha256:1\n", "git lfs pull"),
    "replaced": (JPEG.decode("utf-8", "replace").encode(), "binary media types"),
    "replaced PNG": (PNG.decode("utf-8", "replace").encode(), "binary media types"),
    "replaced WebP": (WEBP.decode("utf-8", "replace").encode(), "binary media types"),
    "Latin-1 as UTF-8": (JPEG.decode("latin-1").encode(), "binary media types"),
    "question marks": (JPEG.decode("ascii", "replace").replace("\ufffd", "?").encode(), "binary"),
    "base64": (B64.encode(), 'Send {"image"'),
    "data URL": (f"data:image/png;base64,{B64}".encode(), 'Send {"image"'),
    "JSON": (json.dumps({"image": B64}).encode(), "application/json"),
    "form": (form(), "multipart/form-data"),
    "HTML": (b"<!DOCTYPE html><html></html>", "HTML page"),
    "SVG": (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "SVG"),
    "PDF": (b"%PDF-1.7\n", "PDF"),
    "gzip": (gzip.compress(JPEG), "gzip"),
    "ZIP": (b"PK\x03\x04" + bytes(40), "ZIP"),
    "file name": (b"@photos/beach.jpg", "file name"),
}


@pytest.mark.parametrize("kind", RECEIVED)
def test_error_names_what_was_received(client: TestClient, kind: str) -> None:
    data, detail = RECEIVED[kind]
    answers = [
        client.post("/predict", content=data, headers={"Content-Type": "image/jpeg"}),
        client.post("/explain", content=data, headers={"Content-Type": "image/jpeg"}),
    ]
    in_batch = client.post("/predict/batch", files={"file": ("a.jpg", data)}).json()

    assert {answer.status_code for answer in answers} <= {415, 422}
    assert all(detail in answer.json()["detail"] for answer in answers)
    assert detail in in_batch["results"][0]["error"]["detail"]


def test_advice_of_an_error_works(client: TestClient) -> None:
    """Sent as the error says, the same data gets an answer."""
    assert client.post("/predict", content=B64).status_code == 415
    assert client.post("/predict", json={"image": B64}).status_code == 200


@pytest.mark.parametrize(
    ("body", "content_type", "detail"),
    [
        (form('form-data; name="image"; filename="a.jpg"'), FORM, "Received: 'image'"),
        (form('form-data; name="file[]"; filename="a.jpg"'), FORM, "Received: 'file[]'"),
        (form('form-data; name="file"', headers="", data=b"a.jpg"), FORM, "file=@photo.jpg"),
        (form('form-data; name="file"', headers="", data=b"text"), FORM, "file=@photo.jpg"),
        (form('form-data; name="file"', headers="", data=B64.encode()), FORM, 'Send {"image"'),
        (form(before=form()[:-8]), FORM, "Send several pictures to POST /predict/batch"),
        (
            form(before=b'--XX\r\nContent-Disposition: form-data; name="x"\r\n\r\nx\r\n' * 9),
            FORM,
            "Send only the field 'file'",
        ),
        (form(), "multipart/form-data", "The Content-Type has no boundary"),
        (form(), "multipart/form-data; boundary=YY", "does not begin with the boundary"),
    ],
)
def test_form_error_names_what_was_received(
    client: TestClient, body: bytes, content_type: str, detail: str
) -> None:
    answer = client.post("/predict", content=body, headers={"Content-Type": content_type})

    assert answer.status_code == 400
    assert detail in answer.json()["detail"]


def test_batch_that_is_no_form_names_its_type(client: TestClient) -> None:
    answer = client.post("/predict/batch", content=JPEG, headers={"Content-Type": "image/jpeg"})

    assert answer.status_code == 415
    assert answer.json()["detail"].startswith("Received image/jpeg.")


def test_unsupported_method_names_the_right_one(client: TestClient) -> None:
    answer = client.get("/predict")

    assert answer.json()["detail"] == "This route does not support GET. Use POST."
