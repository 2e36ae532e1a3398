"""Reading `.env` in the encodings and dialects that editors and shells write."""

import codecs
import string
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given
from hypothesis import strategies as st

from env_file import EnvFileError, read_env_file, unset_variables

PASSWORD = "kX8-w2m.Pq41"
ENCODINGS = ("utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32")
PRINTABLE = st.characters(codec="utf-8", exclude_categories=["C", "Z"]) | st.just(" ")
SINGLE_QUOTED = st.text(PRINTABLE.filter(lambda x: x not in "'\\"))
DOUBLE_QUOTED = st.text(PRINTABLE.filter(lambda x: x not in '"\\$'))
UNQUOTED = st.text(
    st.sampled_from(string.ascii_letters + string.digits + "!%&()*+,-./:;<=>?@[]^_|~$\\")
)


def read(content: bytes) -> dict[str, str]:
    with TemporaryDirectory() as folder:
        path = Path(folder) / ".env"
        path.write_bytes(content)
        return read_env_file(path)


@given(
    values=st.lists(
        SINGLE_QUOTED.map(lambda x: (f"'{x}'", x))
        | DOUBLE_QUOTED.map(lambda x: (f'"{x}"', x))
        | UNQUOTED.map(lambda x: (x, x)),
        min_size=1,
        max_size=4,
    ),
    export=st.sampled_from(["", "export "]),
    end=st.sampled_from(["\n", "\r\n", "\r"]),
    encoding=st.sampled_from(ENCODINGS),
)
def test_values_are_read_as_written(
    values: list[tuple[str, str]], export: str, end: str, encoding: str
) -> None:
    lines = [f"{export}NAME_{i}={written}{end}" for i, (written, _) in enumerate(values)]

    read_values = read(f"# über uns{end}{end}{''.join(lines)}".encode(encoding))

    assert read_values == {f"NAME_{i}": value for i, (_, value) in enumerate(values)}


@given(content=st.binary(max_size=200) | st.text(max_size=200).map(str.encode))
def test_any_file_is_read_or_rejected(content: bytes) -> None:
    try:
        variables = read(content)
    except EnvFileError:
        return

    assert all(variables)  # no empty name


@given(value=st.text(st.sampled_from("ab '\"$#{}\\\r\n=\u00fc\u201c"), max_size=12))
def test_single_quoted_value_is_never_another_one(value: str) -> None:
    try:
        variables = read(f"NAME='{value}'\n".encode())
    except EnvFileError:
        return
    if set(variables) == {"NAME"} and not set("'\r\n#") & set(value):
        assert variables["NAME"] == value


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("API_PASSWORD=${HOME}kX8-w2m.Pq41", r"API_PASSWORD has \${"),
        ('API_PASSWORD="kX8-w2m${z}.Pq41"', r"API_PASSWORD has \${"),
        ("API_PASSWORD=kX8-w2m #Pq41zz", "API_PASSWORD has a # after a blank"),
        (r'API_PASSWORD="kX8\tw2m.Pq41"', "API_PASSWORD has a backslash in double quotes"),
        (r"API_PASSWORD='kX8\\w2m.Pq41'", "API_PASSWORD has a backslash before"),
        ("API_PASSWORD='kX8-w2m.Pq41", "API_PASSWORD has a quote without its end"),
        ("API_PASSWORD='kX8'w2m.Pq41", "API_PASSWORD has a quote without its end"),
        ("API_PASSWORD=“kX8-w2m.Pq41”", "API_PASSWORD has typographic quotes"),
        ("$env:API_PASSWORD = 'kX8-w2m.Pq41'", "does not begin with a name"),
        ("set API_PASSWORD=kX8-w2m.Pq41", "is not NAME=value"),
        ("API_PASSWORD: kX8-w2m.Pq41", "is not NAME=value"),
        ("API_PASSWORD", "API_PASSWORD has no ="),
    ],
)
def test_ambiguous_line_is_rejected_by_name_without_its_value(line: str, reason: str) -> None:
    content = f"# first\n\nAPI_USERNAME=anna\n{line}\n"

    with pytest.raises(EnvFileError, match=f"line 4: {reason}") as caught:
        read(content.encode())

    assert "w2m" not in str(caught.value)


@pytest.mark.parametrize("written", ["'“a” b'", '"“a” b"'])
def test_typographic_quote_in_straight_quotes_is_part_of_the_value(written: str) -> None:
    assert read(f"NAME={written}\n".encode()) == {"NAME": "“a” b"}


def test_other_encoding_is_accepted_in_comments_only() -> None:
    assert read("# für uns\nNAME=x\n".encode("latin-1")) == {"NAME": "x"}
    with pytest.raises(EnvFileError, match="line 2: NAME is not in UTF-8"):
        read("# für uns\nNAME=für\n".encode("latin-1"))


def test_truncated_utf_16_is_rejected() -> None:
    with pytest.raises(EnvFileError, match="line 1: "):
        read(codecs.BOM_UTF16_LE + "NAME=x\n".encode("utf-16-le")[:-1])


def test_comment_after_another_setting_is_left_out() -> None:
    assert read(b"API_PORT=8001 # the other\nX=  y  \nZ=#z\n") == {
        "API_PORT": "8001",
        "X": "y",
        "Z": "#z",
    }


def test_environment_overrides_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / ".env"
    file.write_text("a_b=1\nC_D=2\nE_F=3\nG_H=\n")
    monkeypatch.setenv("A_B", "set")
    monkeypatch.setenv("C_D", "")

    assert unset_variables(["a_b", "c_d", "E_F", "g_h"], file) == {"c_d": "2", "E_F": "3"}
    assert unset_variables(["a_b"], tmp_path / "none") == {}


@pytest.mark.parametrize("value", [f"'{PASSWORD}'", f'"{PASSWORD}"', f"{PASSWORD}\r"])
def test_variable_with_quotes_of_an_env_file_is_rejected(
    monkeypatch: pytest.MonkeyPatch, value: str
) -> None:
    """`docker run --env-file` keeps quotes and carriage returns."""
    monkeypatch.setenv("API_PASSWORD", value)

    with pytest.raises(EnvFileError, match="API_PASSWORD has quotes around it") as caught:
        unset_variables(["api_password"], Path("none"))

    assert PASSWORD not in str(caught.value)


def test_folder_in_place_of_the_file_is_rejected(tmp_path: Path) -> None:
    with pytest.raises(EnvFileError, match="cannot be read: Is a directory"):
        read_env_file(tmp_path)
