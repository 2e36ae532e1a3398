"""A picture from an address on the web, fetched by the page's server.

Whoever can make a server fetch an address can have it look around in its own network: at a cloud's
metadata, at a router, at a database. So only public addresses are asked, on the web's own ports.
`requests_hardened` looks a host's address up, refuses it where it is not public and connects to the
very address that it looked at, for every redirect anew: a name that changes what it stands for in
between (DNS rebinding) gains nothing.
"""

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import PurePosixPath
from time import monotonic
from urllib.parse import unquote, urlsplit

import requests
from requests_hardened import Config, HTTPSession
from requests_hardened.ip_filter import InvalidIPAddress
from urllib3.exceptions import HTTPError, LocationParseError, ReadTimeoutError

MAX_FETCHED_BYTES = 25_000_000
MAX_REDIRECTS = 3
TIMEOUT_S = (5.0, 10.0)  # to connect, between two pieces of the answer
DEADLINE_S = 20.0  # for all of it: a server may send a byte now and then for ever
_PIECE_BYTES = 65_536


class NotFetched(Exception):
    """There is no picture to be had from the address; the text says why."""


@dataclass(frozen=True, slots=True)
class Web:
    """What may be asked.

    Attributes:
        ports: the ports.
        loopback: whether this machine itself may be asked; for tests alone.
    """

    ports: Collection[int] = (80, 443)
    loopback: bool = False


PUBLIC = Web()


def fetch(address: str, web: Web = PUBLIC) -> tuple[bytes, str]:
    """Fetch what is at an address.

    Returns:
        The bytes, whatever they are, and a name for them.

    Raises:
        NotFetched: the address is refused or leads nowhere, or there is too much.
    """
    config = Config(
        ip_filter_enable=True,
        ip_filter_allow_loopback_ips=web.loopback,
        never_redirect=True,  # `_follow` does, and looks at each one
        default_timeout=TIMEOUT_S,
        user_agent_override="landscape-classifier-page",
    )
    try:
        with HTTPSession(config) as session:
            session.trust_env = False  # a proxy would look names up by itself; no .netrc either
            return _follow(session, address.strip(), web)
    except InvalidIPAddress as error:
        raise NotFetched("This address is not on the public internet.") from error
    except (requests.Timeout, ReadTimeoutError, TimeoutError) as error:
        raise NotFetched("The server at this address takes too long.") from error
    except (requests.exceptions.InvalidURL, LocationParseError, ValueError) as error:
        raise NotFetched("This is not an address on the web.") from error
    except (requests.RequestException, HTTPError) as error:
        raise NotFetched("Nothing answers at this address.") from error


def _follow(session: requests.Session, address: str, web: Web) -> tuple[bytes, str]:
    request = _request(session, address, web)
    for _ in range(MAX_REDIRECTS + 1):
        with session.send(request, stream=True) as response:
            if response.next is None:
                return _read(response), _name(request.url or "")
            request = _request(session, response.next.url or "", web)
    raise NotFetched(f"The address is redirected more than {MAX_REDIRECTS} times.")


def _request(session: requests.Session, address: str, web: Web) -> requests.PreparedRequest:
    parts = urlsplit(address)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise NotFetched("An address starts with https:// or http:// and names a server.")
    if parts.username is not None or parts.password is not None:
        raise NotFetched("An address with a user name or password is not fetched.")
    if (parts.port or {"http": 80, "https": 443}[parts.scheme]) not in web.ports:
        raise NotFetched("Only the web's own ports are asked, 80 and 443.")
    # Not compressed: pictures are, and the limit shall count what arrives.
    request = requests.Request("GET", address, headers={"Accept-Encoding": "identity"})
    return session.prepare_request(request)


def _read(response: requests.Response) -> bytes:
    if response.status_code != requests.codes.ok:
        raise NotFetched(f"The server at this address answers {response.status_code}.")
    deadline = monotonic() + DEADLINE_S
    content = bytearray()
    for piece in response.raw.stream(_PIECE_BYTES, decode_content=False):
        content += piece
        if len(content) > MAX_FETCHED_BYTES:
            raise NotFetched(f"There is more than {MAX_FETCHED_BYTES / 1e6:.0f} MB at the address.")
        if monotonic() > deadline:
            raise TimeoutError
    return bytes(content)


def _name(address: str) -> str:
    return PurePosixPath(unquote(urlsplit(address).path)).name or "picture"
