"""CDK context outside the CDK command line: cdk.json, ~/.cdk.json and `-c key=value`."""

import argparse
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from infra.errors import InfraError
from infra.settings import ROOT


def read_context(arguments: Sequence[str], files: Sequence[Path] | None = None) -> dict[str, Any]:
    """Read the context as the CDK command line does.

    Args:
        arguments: arguments of `cdk`. All but `-c` and `--context` are ignored.
        files: files with a `context`, the most important last.

    Raises:
        InfraError: a file is not valid JSON, or an argument is not `key=value`.
    """
    if files is None:
        files = [Path.home() / ".cdk.json", ROOT / "cdk.json"]
    context: dict[str, Any] = {}
    for file in files:
        if file.is_file():
            try:
                context |= json.loads(file.read_text(encoding="utf-8")).get("context", {})
            except ValueError as error:
                raise InfraError(f"{file} is not valid JSON: {error}") from error
    parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    parser.add_argument("-c", "--context", action="append", default=[])
    for pair in parser.parse_known_args(arguments)[0].context:
        key, equals, value = pair.partition("=")
        if not equals:
            raise InfraError(f"-c {pair}: write -c key=value.")
        context[key] = value
    return context
