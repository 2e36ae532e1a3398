"""The commands `openapi` and `manifest-schema`, which print the documents in docs/."""

import argparse
import json
import secrets
from typing import Any


def add_commands(commands: Any) -> None:
    """Add `openapi` and `manifest-schema` to the subparsers of argparse."""
    openapi = commands.add_parser(
        "openapi", help="print the OpenAPI document", description="Print the OpenAPI document."
    )
    openapi.set_defaults(command=_print_openapi)
    schema = commands.add_parser(
        "manifest-schema",
        help="print the JSON Schema of a bundle's manifest",
        description="Print the JSON Schema of a bundle's manifest.",
    )
    schema.set_defaults(command=_print_manifest_schema)


def _print_openapi(_: argparse.Namespace) -> int:
    from pydantic import SecretStr

    from lambda_api.app import create_app
    from lambda_api.settings import Settings

    # An app needs at least one user. The document does not contain it.
    users = {"unused": SecretStr(secrets.token_hex())}
    _print(create_app(Settings(api_users=users)).openapi())
    return 0


def _print_manifest_schema(_: argparse.Namespace) -> int:
    from lambda_api.manifest import Manifest

    schema = {"$schema": "https://json-schema.org/draft/2020-12/schema"}
    _print(schema | Manifest.model_json_schema())
    return 0


def _print(document: dict[str, Any]) -> None:
    print(json.dumps(document, indent=2, ensure_ascii=False))
