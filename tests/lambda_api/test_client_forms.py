"""Forms as common clients write them, and what is wrong with others."""

import base64
import io

import pytest
from fastapi.testclient import TestClient
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from PIL import Image

from lambda_api.web.forms import read_form
from tests.lambda_api.forms import B64, FORM, JPEG, PNG, WEBP, form

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
