"""Download of a picture from a URL by the page's server, safe against SSRF.

A visitor who makes the server fetch any URL could reach its private network: cloud metadata, a
router, a database. Only public addresses on ports 80 and 443 are therefore allowed.
`requests_hardened` resolves the host, rejects an address that is not public, and connects to the
resolved address; it repeats this for each redirect. A host name that resolves to another address on
the second lookup (DNS rebinding) has no effect.
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
TIMEOUT_S = (5.0, 10.0)  # for connecting, and between two chunks of the response
DEADLINE_S = 20.0  # for the whole download: a server may send single bytes forever
CHUNK_BYTES = 65_536


class NotFetched(Exception):
    """The download failed; the text gives the reason for the visitor."""


@dataclass(frozen=True, slots=True)
class AllowedTargets:
    """Servers that may be contacted.

    Attributes:
        ports: allowed ports.
        loopback: whether the loopback interface is allowed; for tests only.
    """

    ports: Collection[int] = (80, 443)
    loopback: bool = False


PUBLIC_WEB = AllowedTargets()


def fetch(url: str, allowed: AllowedTargets = PUBLIC_WEB) -> tuple[bytes, str]:
    """Download a file.

    Args:
        url: an `http` or `https` URL without credentials.
        allowed: servers that may be contacted.

    Returns:
        The content, of any type, and a file name.

    Raises:
        NotFetched: the URL is not allowed, the server did not deliver it, or the file is larger
            than `MAX_FETCHED_BYTES`.
    """
    config = Config(
        ip_filter_enable=True,
        ip_filter_allow_loopback_ips=allowed.loopback,
        never_redirect=True,  # `_follow` follows redirects and checks each target
        default_timeout=TIMEOUT_S,
        user_agent_override="landscape-classifier-page",
    )
    try:
        with HTTPSession(config) as session:
            session.trust_env = False  # a proxy would resolve names itself; no .netrc either
            return _follow(session, url.strip(), allowed)
    except InvalidIPAddress as error:
        raise NotFetched("This address is not on the public internet.") from error
    except (requests.Timeout, ReadTimeoutError, TimeoutError) as error:
        raise NotFetched("The server took too long.") from error
    except (requests.exceptions.InvalidURL, LocationParseError, ValueError) as error:
        raise NotFetched("This is not a web address.") from error
    except (requests.RequestException, HTTPError) as error:
        raise NotFetched("The server did not respond. Check the address.") from error


def _follow(session: requests.Session, url: str, allowed: AllowedTargets) -> tuple[bytes, str]:
    request = _request(session, url, allowed)
    for _ in range(MAX_REDIRECTS + 1):
        with session.send(request, stream=True) as response:
            if response.next is None:
                return _read(response), _file_name(request.url or "")
            request = _request(session, response.next.url or "", allowed)
    raise NotFetched(f"This address redirects more than {MAX_REDIRECTS} times.")


def _request(
    session: requests.Session, url: str, allowed: AllowedTargets
) -> requests.PreparedRequest:
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise NotFetched(
            "A web address starts with https:// or http://, followed by a server name."
        )
    if parts.username is not None or parts.password is not None:
        raise NotFetched("Addresses with a user name or password are not allowed.")
    if (parts.port or {"http": 80, "https": 443}[parts.scheme]) not in allowed.ports:
        raise NotFetched("Only standard web ports (80, 443) are allowed.")
    # No compression: pictures are compressed already, and the limit counts received bytes.
    request = requests.Request("GET", url, headers={"Accept-Encoding": "identity"})
    return session.prepare_request(request)


def _read(response: requests.Response) -> bytes:
    if response.status_code != requests.codes.ok:
        raise NotFetched(f"The server returned status {response.status_code}.")
    deadline = monotonic() + DEADLINE_S
    content = bytearray()
    for chunk in response.raw.stream(CHUNK_BYTES, decode_content=False):
        content += chunk
        if len(content) > MAX_FETCHED_BYTES:
            raise NotFetched(f"The file is larger than {MAX_FETCHED_BYTES / 1e6:.0f} MB.")
        if monotonic() > deadline:
            raise TimeoutError
    return bytes(content)


def _file_name(url: str) -> str:
    return PurePosixPath(unquote(urlsplit(url).path)).name or "picture"
