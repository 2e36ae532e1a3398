"""Pictures in multipart forms."""

from dataclasses import dataclass

from fastapi import Request
from python_multipart.multipart import parse_options_header
from starlette.datastructures import UploadFile
from starlette.exceptions import HTTPException

from lambda_api.images import NoPicture
from lambda_api.problems import Problem
from lambda_api.web.forms import FormPart, decode_transfer, read_form
from lambda_api.web.received import recognized

_MAX_TEXT_FIELDS = 8
_MAX_NAMES = 5  # names of fields in an error message
_CHARSETS = {b"utf-8", b"utf8"}


@dataclass(frozen=True, slots=True)
class NamedPicture:
    """A picture with the file name from the form."""

    filename: str
    data: bytes


async def form_pictures(request: Request, most: int) -> list[NamedPicture]:
    """Return the files named `file` of a form, in their order.

    Raises:
        NoPicture: there is no such file.
        Problem: a malformed form, or too many parts.
    """
    body = await request.body()
    _, options = parse_options_header(request.headers["Content-Type"])
    boundary = options.get(b"boundary")
    if not boundary:
        raise Problem(
            400,
            "bad-request",
            "The Content-Type has no boundary. Do not set the header yourself: the HTTP library "
            "sets it with the boundary of the form.",
        )
    problem: Problem | None = None
    # A charset is about names. Starlette would decode them with any Python codec of that name.
    if options.get(b"charset", b"utf-8").lower() in _CHARSETS:
        try:
            if files := await _standard_files(request, most):
                return files
        except HTTPException as error:
            problem = _form_problem(error, most)
    parts = read_form(body, boundary)
    if files := _files_of_other_clients(parts, most):
        return files
    raise problem or NoPicture(_missing_file(parts, ended=body.rstrip().endswith(boundary + b"--")))


async def _standard_files(request: Request, most: int) -> list[NamedPicture]:
    async with request.form(max_files=most, max_fields=_MAX_TEXT_FIELDS) as form:
        files = [file for file in form.getlist("file") if isinstance(file, UploadFile)]
        return [
            NamedPicture(
                file.filename or "",
                decode_transfer(
                    await file.read(), file.headers.get("content-transfer-encoding", "")
                ),
            )
            for file in files
        ]


def _files_of_other_clients(parts: list[FormPart], most: int) -> list[NamedPicture]:
    """Return the files of a form that Starlette does not accept, none if it has too many parts."""
    files = [part for part in parts if part.name == "file" and part.is_file]
    # A browser sends an input without a file as an empty file without a name.
    files = [part for part in files if part.filename or part.data] or files
    if len(files) > most or len(parts) - len(files) > _MAX_TEXT_FIELDS:
        return []
    return [NamedPicture(part.filename or "", part.data) for part in files]


def _form_problem(error: HTTPException, most: int) -> Problem:
    detail = str(error.detail)
    if detail == "Invalid multipart data.":
        detail += (
            " The body does not begin with the boundary of the Content-Type, or a part is "
            "incomplete."
        )
    elif detail.startswith("Too many files") and most == 1:
        detail += " Send several pictures to POST /predict/batch."
    elif detail.startswith("Too many files"):
        detail += " Send the pictures in several requests."
    elif detail.startswith("Too many fields"):
        detail += " Send only the field 'file'."
    return Problem(400, "bad-request", detail)


def _missing_file(parts: list[FormPart], *, ended: bool) -> str:
    """Describe a form without a file named 'file'."""
    detail = "The form has no file field named 'file'"
    if not ended:
        return f"{detail}: it is incomplete, because it does not end with its boundary."
    if text := next((part for part in parts if part.name == "file"), None):
        hint = recognized(text.data) or "With curl, write -F file=@photo.jpg with an @."
        return f"{detail}: the field has text. {hint}"
    names = dict.fromkeys(part.name[:50] for part in parts)
    if names:
        listed = ", ".join(repr(name) for name in list(names)[:_MAX_NAMES])
        return f"{detail}. Received: {listed}."
    return f"{detail}."
