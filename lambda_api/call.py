"""The command `call`: call the API with the credentials of the settings."""

import argparse
import os
import sys
from base64 import b64encode
from http import HTTPStatus
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

_TIMEOUT_S = 60
_VARIABLES = ("API_URL", "API_USERNAME", "API_PASSWORD", "API_TOKEN")
_DEFAULT_URL = "http://127.0.0.1:8000"


def add_commands(commands: Any) -> None:
    """Add `call` to the subparsers of argparse."""
    parser = commands.add_parser(
        "call",
        help="call the running API with the user of the settings",
        description="Send a picture to the API, or get a route, and print the response. User and "
        "password are API_USERNAME and API_PASSWORD of the environment or of .env. API_TOKEN, a "
        "bearer token, replaces both.",
    )
    parser.add_argument("target", help="a picture file, or a route such as /health")
    parser.add_argument(
        "--route", default="/predict", help="route for a picture (default: %(default)s)"
    )
    parser.add_argument(
        "--url",
        help=f"address of the API (default: API_URL of the environment or .env, or {_DEFAULT_URL})",
    )
    parser.set_defaults(command=_call)


def _call(arguments: argparse.Namespace) -> int:
    """Return the exit code: 0 success, 1 an error response, 2 invalid settings or arguments."""
    from env_file import EnvFileError, unset_variables

    try:
        variables = unset_variables(_VARIABLES)
    except EnvFileError as error:
        return _fail(str(error))
    variables |= {name: value for name in _VARIABLES if (value := os.environ.get(name))}
    if variables.get("API_PASSWORD", "").startswith("scrypt$"):
        return _fail("API_PASSWORD is a hash. Set the password itself in the environment.")
    address = (arguments.url or variables.get("API_URL") or _DEFAULT_URL).rstrip("/")
    if not address.startswith(("http://", "https://")):
        return _fail(f"{address!r} is not an address. Use one such as {_DEFAULT_URL}.")
    is_route = arguments.target.startswith("/") and not Path(arguments.target).is_file()
    route = arguments.target if is_route else arguments.route
    try:
        picture = None if is_route else Path(arguments.target).read_bytes()
    except OSError as error:
        return _fail(f"{arguments.target} cannot be read: {error.strerror}.")
    request = Request(  # noqa: S310 - the scheme is checked above
        f"{address}/{route.lstrip('/')}", picture, _headers(variables)
    )
    try:
        with urlopen(request, timeout=_TIMEOUT_S) as response:  # noqa: S310 - as above
            status, body = response.status, response.read()
    except HTTPError as error:
        status, body = error.code, error.read()
    except OSError as error:
        return _fail(f"{address} does not respond ({error}). Start the API, or set --url.")
    print(body.decode(errors="replace"))
    if status == HTTPStatus.UNAUTHORIZED:
        print("Set API_USERNAME and API_PASSWORD, or API_TOKEN, here or in .env.", file=sys.stderr)
    return 0 if status < HTTPStatus.BAD_REQUEST else 1


def _headers(variables: dict[str, str]) -> dict[str, str]:
    headers = {"Content-Type": "application/octet-stream"}
    if token := variables.get("API_TOKEN"):
        headers["Authorization"] = f"Bearer {token}"
    elif variables.get("API_USERNAME") and variables.get("API_PASSWORD"):
        credentials = f"{variables['API_USERNAME']}:{variables['API_PASSWORD']}"
        headers["Authorization"] = f"Basic {b64encode(credentials.encode()).decode()}"
    return headers


def _fail(message: str) -> int:
    print(f"error: {message}", file=sys.stderr)
    return 2
