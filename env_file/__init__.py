r"""Read `.env`, for the service and the page.

A value is read as written, or rejected with its name and line. Programs read `.env` differently:
shells, docker, python-dotenv. A value that they would read differently is rejected, because a
service with another password than the written one is hard to debug.

| in `.env` | read as |
|---|---|
| `NAME=value`, `export NAME=value` | the value without blanks around it |
| `NAME='value'`, `NAME="value"` | the value without quotes, with its blanks and `#` |
| `NAME=value # comment` | the value; rejected for a password or another secret |
| `$` | itself; `${...}` outside single quotes is rejected |
| backslash | itself; rejected in quotes, but for `\"` in double quotes |

The encoding is UTF-8 or UTF-16, with or without a byte order mark. Line ends are LF, CRLF or CR.
"""

import codecs
import os
import re
from collections.abc import Iterable
from io import StringIO
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dotenv.parser import Binding

ENV_FILE = Path(".env")

_BOMS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),  # before UTF-16, whose mark it begins with
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]*")
_SECRET = re.compile(r"PASSWORD|USERS|SECRET|TOKEN", re.IGNORECASE)
_TYPOGRAPHIC_QUOTES = "“”„‟‘’‚‛«»"
_QUOTE_REMEDY = "put the value in single quotes"


class EnvFileError(ValueError):
    """`.env` cannot be read as written. The message has names and lines, but no values."""


def unset_variables(names: Iterable[str], path: Path = ENV_FILE) -> dict[str, str]:
    """Return variables of the file that the environment does not set. Names match in any case.

    Args:
        names: names of the variables to read, in the case of the result.
        path: the file. A missing file has no variables.

    Raises:
        EnvFileError: the file cannot be read as written, or a variable of the environment was read
            from a file by a program that keeps quotes or carriage returns, as docker does.
    """
    names = list(names)
    environment = {name.lower(): value for name, value in os.environ.items() if value}
    for name in names:
        value = environment.get(name.lower(), "")
        if value.endswith("\r") or (len(value) > 1 and value[0] == value[-1] and value[0] in "'\""):
            raise EnvFileError(
                f"{name.upper()} has quotes around it or a carriage return behind it. A program "
                "such as docker --env-file keeps them: remove them."
            )
    from_file = {name.lower(): value for name, value in read_env_file(path).items() if value}
    return {
        name: from_file[name.lower()]
        for name in names
        if name.lower() in from_file and name.lower() not in environment
    }


def read_env_file(path: Path = ENV_FILE) -> dict[str, str]:
    """Return all variables of the file, none if there is no file. Raises `EnvFileError`."""
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise EnvFileError(f"{path} cannot be read: {error.strerror}.") from error
    from dotenv.parser import parse_stream  # Lambda has no .env and starts without it

    text, is_unicode = _decode(data)
    variables: dict[str, str] = {}
    problems = []
    for binding in parse_stream(StringIO(text, newline="")):
        if problem := _problem(binding, is_unicode):
            problems.append(f"line {_line(binding)}: {problem}")
        elif binding.key is not None:
            variables[binding.key] = binding.value or ""
    if problems:
        raise EnvFileError("\n  ".join([f"{path} cannot be read as written:", *problems]))
    return variables


def _decode(data: bytes) -> tuple[str, bool]:
    """Return the text, and False if its encoding is not known (only its ASCII is then right)."""
    mark, encoding = next((x for x in _BOMS if data.startswith(x[0])), (b"", "utf-8"))
    data = data.removeprefix(mark)
    if not mark and b"\0" in data[:2]:  # UTF-16 without a mark: ASCII is a byte and a zero
        encoding = "utf-16-be" if data.startswith(b"\0") else "utf-16-le"
    try:
        return data.decode(encoding), True
    except UnicodeDecodeError:
        return data.decode("latin-1"), False


def _line(binding: "Binding") -> int:
    """Return the line of the statement. The parser counts blank lines before it to it."""
    statement = binding.original.string
    before = statement[: len(statement) - len(statement.lstrip())]
    return binding.original.line + len(re.findall(r"\r\n|\r|\n", before))


def _problem(binding: "Binding", is_unicode: bool) -> str | None:
    """Return why a statement cannot be read as written, with its name and without its value."""
    name, value = binding.key, binding.value
    if binding.error:
        written = re.match(r"\s*(?:export\s+)?([A-Za-z_][\w.-]*)\s*=", binding.original.string)
        if written:
            return f"{written[1]} has a quote without its end, or text behind it"
        return "is not NAME=value"
    if name is None:
        return None
    if not _NAME.fullmatch(name):
        return "does not begin with a name and ="
    if value is None:
        return f"{name} has no ="
    if reason := _ambiguity(name, value, binding.original.string.partition("=")[2], is_unicode):
        return f"{name} {reason}"
    return None


def _ambiguity(name: str, value: str, written: str, is_unicode: bool) -> str | None:
    """Return why programs would read a value differently.

    Args:
        name: name of the variable.
        value: value as python-dotenv reads it.
        written: the rest of the statement after "=", with quotes and comment.
        is_unicode: whether the encoding of the file is known.
    """
    written = written.strip()
    quote = written[:1] if written[:1] in ("'", '"') else ""
    if "\0" in value or "\ufffd" in value:
        return "has characters that are not text: save the file as UTF-8"
    if not is_unicode and not value.isascii():
        return "is not in UTF-8: save the file as UTF-8"
    if not quote and value and value[0] in _TYPOGRAPHIC_QUOTES:
        return "has typographic quotes: use ' or \""
    if quote != "'" and "${" in written:
        return f"has ${{, which some programs replace: {_QUOTE_REMEDY}"
    if quote == "'" and re.search(r"\\[\\']", written):
        return "has a backslash before a backslash or quote in single quotes: remove the quotes"
    if quote == '"' and re.search(r"\\[^\"]", written.replace('\\"', "")):
        return f"has a backslash in double quotes: {_QUOTE_REMEDY}"
    if not quote and _SECRET.search(name) and re.search(r"\s#", written):
        return f"has a # after a blank: {_QUOTE_REMEDY}, or put the comment on a line of its own"
    return None
