"""`python -m lambda_api`: what the service does without a server.

`classify` says what pictures show, `hash-password` makes what a setting may hold in place of a
password, `openapi` and `manifest-schema` print what docs/ holds of them.
"""

import argparse
import getpass
import json
import os
import secrets
import sys
from collections.abc import Iterable, Iterator, Sequence
from io import TextIOWrapper
from pathlib import Path

from pydantic import SecretStr

from lambda_api import images
from lambda_api.auth.passwords import hash_password
from lambda_api.classifier import Answer, Classifier
from lambda_api.manifest import BundleError, Manifest
from lambda_api.settings import BUNDLED_MODEL


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; the exit code."""
    parsed = _parser().parse_args(arguments)
    code: int = parsed.command(parsed)
    return code


def _classify_files(parsed: argparse.Namespace) -> int:
    """Classify pictures, a line each.

    Returns:
        0 where every picture was classified, 1 where one was not, 2 for a bundle or an argument
        that cannot be used, 130 if interrupted.
    """
    try:
        classifier = Classifier(parsed.model)
    except BundleError as error:
        print(f"error: {parsed.model}: {error}", file=sys.stderr)
        return 2
    files = list(_pictures(parsed.paths))
    if not files:
        print("error: there are no pictures (JPEG, PNG or WebP) there.", file=sys.stderr)
        return 2
    if isinstance(sys.stdout, TextIOWrapper):  # a name need not be text, nor the terminal UTF-8
        sys.stdout.reconfigure(errors="backslashreplace")
    width = max(len(str(file)) for file in files)
    failures = 0
    try:
        for file in files:
            outcome = _classify(classifier, file)
            failures += isinstance(outcome, str)
            line = (
                _as_json(file, outcome, parsed.top_k)
                if parsed.json
                else _as_row(file, outcome, parsed.top_k, width)
            )
            print(line, flush=True)
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:  # the reader (`head`, say) has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    if failures:
        print(f"{failures} of {len(files)} files could not be classified.", file=sys.stderr)
    return 1 if failures else 0


def _hash_password(_: argparse.Namespace) -> int:
    password = getpass.getpass() if sys.stdin.isatty() else sys.stdin.readline().rstrip("\r\n")
    try:
        print(hash_password(password))
    except ValueError as error:
        print(f"error: the password {error}.", file=sys.stderr)
        return 2
    return 0


def _print_openapi(_: argparse.Namespace) -> int:
    # Here, since it takes half a second that the other commands do not need.
    from lambda_api.app import create_app
    from lambda_api.settings import Settings

    nobody = {"nobody": SecretStr(secrets.token_hex())}
    document = create_app(Settings(_env_file=None, api_users=nobody)).openapi()
    print(json.dumps(document, indent=2, ensure_ascii=False))
    return 0


def _print_manifest_schema(_: argparse.Namespace) -> int:
    schema = {"$schema": "https://json-schema.org/draft/2020-12/schema"}
    schema |= Manifest.model_json_schema()
    print(json.dumps(schema, indent=2, ensure_ascii=False))
    return 0


def _pictures(paths: Iterable[Path]) -> Iterator[Path]:
    """Files as they are named; of folders, whatever has a picture's suffix."""
    for path in paths:
        if path.is_dir():
            found = (p for p in path.rglob("*") if p.suffix.lower() in images.SUFFIXES)
            yield from sorted(p for p in found if p.is_file())
        else:
            yield path


def _classify(classifier: Classifier, file: Path) -> Answer | str:
    try:
        return classifier.classify(file.read_bytes())
    except OSError as error:
        return f"cannot be read: {error.strerror}"
    except images.PictureError as error:
        return str(error)


def _as_json(file: Path, outcome: Answer | str, top_k: int | None) -> str:
    if isinstance(outcome, str):
        return json.dumps({"file": str(file), "error": outcome}, ensure_ascii=False)
    return json.dumps(
        {
            "file": str(file),
            "label": outcome.label,
            "confidence": round(outcome.confidence, 6),
            "confident": outcome.confident,
            "predictions": [
                {"label": label, "confidence": round(confidence, 6)}
                for label, confidence in outcome.scores[:top_k]
            ],
        },
        ensure_ascii=False,
    )


def _as_row(file: Path, outcome: Answer | str, top_k: int | None, width: int) -> str:
    if isinstance(outcome, str):
        return f"{file!s:<{width}}  error: {outcome}"
    scores = "  ".join(f"{label} {score:6.1%}" for label, score in outcome.scores[: top_k or 1])
    return f"{file!s:<{width}}  {scores}{'' if outcome.confident else '  (not sure)'}"


def _positive(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number of 1 or more")
    return int(text)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m lambda_api")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    commands.add_parser(
        "hash-password",
        help="make a password's hash for the settings",
        description="Ask for a password, or read it from the first line of stdin, and print its "
        "scrypt hash: what API_PASSWORD, API_USERS or the secret may hold in its place.",
    ).set_defaults(command=_hash_password)
    commands.add_parser(
        "openapi", help="print the OpenAPI document", description="Print the OpenAPI document."
    ).set_defaults(command=_print_openapi)
    commands.add_parser(
        "manifest-schema",
        help="print the JSON Schema of a bundle's manifest",
        description="Print the JSON Schema of a bundle's manifest.",
    ).set_defaults(command=_print_manifest_schema)
    classify = commands.add_parser(
        "classify",
        help="say what pictures show",
        description="Say what pictures show, with no server. Exit code 1 if one could not be read.",
    )
    classify.set_defaults(command=_classify_files)
    classify.add_argument("paths", nargs="+", type=Path, metavar="PATH", help="file or folder")
    classify.add_argument("--json", action="store_true", help="one JSON object a line")
    classify.add_argument("--top-k", type=_positive, metavar="N", help="only the best N classes")
    classify.add_argument(
        "--model", type=Path, default=BUNDLED_MODEL, metavar="BUNDLE", help="a bundle's folder"
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
