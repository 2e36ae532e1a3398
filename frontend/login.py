"""Log-in with OpenID Connect: its settings, and who may use the page.

Streamlit does the log-in itself (`st.login`). It reads its configuration from the table `[auth]` of
its secrets. `auth_table` builds this table from environment variables for hosts without secrets.
"""

import re
from collections.abc import Mapping, Sequence
from enum import Enum
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field
from pydantic_settings import BaseSettings, NoDecode

CALLBACK = "/oauth2callback"  # fixed by Streamlit
MIN_COOKIE_SECRET = 32  # characters; who guesses it can forge a log-in
# Environment variables by key of the table `[auth]`.
VARIABLES = {
    "redirect_uri": "PAGE_URL",
    "cookie_secret": "PAGE_OIDC_COOKIE_SECRET",
    "client_id": "PAGE_OIDC_CLIENT_ID",
    "client_secret": "PAGE_OIDC_CLIENT_SECRET",
    "server_metadata_url": "PAGE_OIDC_METADATA_URL",
}
SCOPES = "PAGE_OIDC_SCOPES"
# Streamlit's name of the token by value of API_AUTH.
TOKENS = {"id-token": "id", "access-token": "access"}


def _parts(separators: str) -> BeforeValidator:
    def split(value: object) -> object:
        if not isinstance(value, str):
            return value
        return [part.strip() for part in re.split(separators, value) if part.strip()]

    return BeforeValidator(split)


Emails = Annotated[
    tuple[Annotated[str, Field(pattern=r"^[^@\s]+@[^@\s]+$")], ...], NoDecode, _parts(r"[,\s]")
]
Domains = Annotated[
    tuple[Annotated[str, Field(pattern=r"^[^@\s]+\.[^@\s.]+$")], ...], NoDecode, _parts(r"[,\s]")
]
Groups = Annotated[
    tuple[Annotated[str, Field(pattern=r"^[^=\s]+=.+$")], ...], NoDecode, _parts(",")
]


class LoginSettings(BaseSettings):
    """Settings of the log-in.

    Without emails, domains and groups, every user of the identity provider may use the page.

    Attributes:
        page_login: visitors must log in.
        page_login_emails: addresses that may use the page.
        page_login_domains: email domains whose users may use the page.
        page_login_groups: groups that may use the page, as "claim=value".
        page_login_hours: hours after which a visitor must log in again.
        api_auth: how the page authenticates to the API: "basic" with its own user and password, or
            with a token of the visitor.
    """

    page_login: bool = False
    page_login_emails: Emails = ()
    page_login_domains: Domains = ()
    page_login_groups: Groups = ()
    page_login_hours: float = Field(12, gt=0, le=720)  # Streamlit's cookie lasts 30 days
    api_auth: Literal["basic", "id-token", "access-token"] = "basic"


class Access(Enum):
    """Whether a visitor who has logged in may use the page."""

    ADMITTED = "admitted"
    REFUSED = "refused"  # not in the lists of the settings
    EXPIRED = "expired"  # must log in again


def access(settings: LoginSettings, user: Mapping[str, Any], now: float) -> Access:
    """Decide whether a visitor may use the page.

    Args:
        settings: the lists.
        user: claims of the visitor's ID token.
        now: seconds since 1970, UTC.
    """
    issued, expires = user.get("iat"), user.get("exp")
    if not isinstance(issued, (int, float)) or now > issued + settings.page_login_hours * 3600:
        return Access.EXPIRED
    # The API rejects an expired token.
    if settings.api_auth != "basic" and not (isinstance(expires, (int, float)) and now < expires):
        return Access.EXPIRED
    lists = settings.page_login_emails, settings.page_login_domains, settings.page_login_groups
    if not any(lists) or _is_listed(settings, user):
        return Access.ADMITTED
    return Access.REFUSED


def _is_listed(settings: LoginSettings, user: Mapping[str, Any]) -> bool:
    email = str(user.get("email", "")).casefold()
    # Some providers let users enter an address that is not theirs, and mark it.
    if str(user.get("email_verified", True)).casefold() == "false":
        email = ""
    domain = email.rpartition("@")[2]
    return (
        email in (listed.casefold() for listed in settings.page_login_emails)
        or domain in (listed.casefold() for listed in settings.page_login_domains)
        or any(_has(user, group) for group in settings.page_login_groups)
    )


def _has(user: Mapping[str, Any], group: str) -> bool:
    """Return True if a claim is a value, or a list that contains it. `group` is "claim=value"."""
    claim, _, value = group.partition("=")
    found = user.get(claim)
    return value in found if isinstance(found, list) else found == value


def auth_table(variables: Mapping[str, str]) -> dict[str, Any] | None:
    """Build Streamlit's table `[auth]` from environment variables.

    Returns:
        The table, without the keys whose variables are not set; None if only PAGE_URL is set.
    """
    table: dict[str, Any] = {
        key: variables[name] for key, name in VARIABLES.items() if variables.get(name)
    }
    if not table.keys() - {"redirect_uri"}:
        return None
    if "redirect_uri" in table:
        table["redirect_uri"] = table["redirect_uri"].rstrip("/") + CALLBACK
    if scopes := variables.get(SCOPES):
        table["client_kwargs"] = {"scope": scopes}
    if token := TOKENS.get(variables.get("API_AUTH", "")):
        table["expose_tokens"] = [token]
    return table


def auth_problems(settings: LoginSettings, auth: object) -> list[str]:
    """Return what is missing or wrong in the table `[auth]`, one sentence each, without values."""
    table = auth if isinstance(auth, Mapping) else {}
    if not settings.page_login:
        problems = []
        if table:
            problems.append("PAGE_LOGIN is not true, but the log-in is configured.")
        if settings.api_auth != "basic":
            problems.append("API_AUTH needs PAGE_LOGIN, because the token is the visitor's.")
        return problems
    problems = [
        f"{name} is not set, and neither is {key} in the table [auth] of the secrets."
        for key, name in VARIABLES.items()
        if not table.get(key)
    ]
    if (address := str(table.get("redirect_uri") or "")) and not (
        re.match(r"https?://[^/]+/", address) and address.endswith(CALLBACK)
    ):
        problems.append(
            f"redirect_uri in [auth] must be the address of this page, followed by {CALLBACK}."
        )
    if 0 < len(str(table.get("cookie_secret") or "")) < MIN_COOKIE_SECRET:
        problems.append(
            f"PAGE_OIDC_COOKIE_SECRET, or cookie_secret in [auth], must be random and have at "
            f"least {MIN_COOKIE_SECRET} characters."
        )
    token = TOKENS.get(settings.api_auth)
    if token and token not in _words(table.get("expose_tokens")):
        problems.append(f'expose_tokens in [auth] must contain "{token}", for API_AUTH.')
    return problems


def _words(value: object) -> Sequence[object]:
    return [value] if isinstance(value, str) else value if isinstance(value, list) else []
