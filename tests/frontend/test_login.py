"""Settings of the log-in, who may use the page, and tokens for the API."""

from typing import Any

import pytest

from frontend.api import ApiClient
from frontend.api import errors as api_errors
from frontend.login import Access, LoginSettings, access, auth_table
from frontend.settings import NotConfigured, load_settings
from tests.frontend.stand_in_api import Reply, StandInApi, problem

NOW = 1_800_000_000.0
AUTH = {
    "redirect_uri": "https://scenes.example.com/oauth2callback",
    "cookie_secret": "x" * 32,
    "client_id": "page",
    "client_secret": "s",
    "server_metadata_url": "https://id.example.com/.well-known/openid-configuration",
}
SECRETS: dict[str, Any] = {"API_USERNAME": "me", "API_PASSWORD": "p", "PAGE_LOGIN": True}


def user(**claims: object) -> dict[str, Any]:
    return {"iat": NOW - 60, "exp": NOW + 60, "sub": "1", **claims}


@pytest.mark.parametrize(
    ("settings", "claims", "expected"),
    [
        ({}, {}, Access.ADMITTED),
        ({"page_login_emails": "a@x.org, b@x.org"}, {"email": "B@X.org"}, Access.ADMITTED),
        ({"page_login_emails": "a@x.org"}, {"email": "c@x.org"}, Access.REFUSED),
        ({"page_login_emails": "a@x.org"}, {}, Access.REFUSED),
        ({"page_login_domains": "x.org"}, {"email": "c@x.org"}, Access.ADMITTED),
        ({"page_login_domains": "x.org"}, {"email": "c@evil-x.org"}, Access.REFUSED),
        ({"page_login_domains": "x.org"}, {"email": "c@x.org.evil.org"}, Access.REFUSED),
        (
            {"page_login_domains": "x.org"},
            {"email": "c@x.org", "email_verified": False},
            Access.REFUSED,
        ),
        (
            {"page_login_domains": "x.org"},
            {"email": "c@x.org", "email_verified": "false"},
            Access.REFUSED,
        ),
        ({"page_login_groups": "groups=a b, roles=x"}, {"groups": ["a b"]}, Access.ADMITTED),
        ({"page_login_groups": "cognito:groups=a"}, {"cognito:groups": ["b"]}, Access.REFUSED),
        ({"page_login_groups": "roles=x"}, {"roles": "x"}, Access.ADMITTED),
        ({"page_login_groups": "roles=x"}, {"roles": "xy"}, Access.REFUSED),
        ({"page_login_hours": 1}, {"iat": NOW - 3601}, Access.EXPIRED),
        ({}, {"iat": None}, Access.EXPIRED),
        ({}, {"exp": NOW - 1}, Access.ADMITTED),
        ({"api_auth": "id-token"}, {"exp": NOW - 1}, Access.EXPIRED),
    ],
)
def test_lists_and_age_decide_access(
    settings: dict[str, Any], claims: dict[str, Any], expected: Access
) -> None:
    assert access(LoginSettings(**settings), user(**claims), NOW) is expected


@pytest.mark.parametrize("key", AUTH)
def test_missing_key_of_the_login_is_named(key: str) -> None:
    incomplete = {name: value for name, value in AUTH.items() if name != key}

    with pytest.raises(NotConfigured, match=f"neither is {key} in the table"):
        load_settings(SECRETS | {"auth": incomplete})


@pytest.mark.parametrize(
    ("secrets", "message"),
    [
        ({"PAGE_LOGIN": False, "auth": AUTH}, "PAGE_LOGIN is not true, but the log-in"),
        ({"auth": AUTH | {"cookie_secret": "short"}}, "at least 32 characters"),
        ({"auth": AUTH | {"redirect_uri": "https://x.org/"}}, "redirect_uri in .auth. must be"),
        ({"auth": AUTH | {"redirect_uri": "x/oauth2callback"}}, "redirect_uri in .auth. must be"),
        ({"auth": AUTH, "API_AUTH": "id-token"}, 'expose_tokens in .auth. must contain "id"'),
        ({"PAGE_LOGIN": False, "API_AUTH": "id-token"}, "API_AUTH needs PAGE_LOGIN"),
        ({"auth": AUTH, "PAGE_LOGIN_EMAILS": "anna"}, "PAGE_LOGIN_EMAILS: 0 "),
        ({"auth": AUTH, "PAGE_LOGIN_GROUPS": "staff"}, "PAGE_LOGIN_GROUPS: 0 "),
        ({"auth": AUTH, "PAGE_LOGIN_HOURS": 0}, "PAGE_LOGIN_HOURS "),
        ({"auth": AUTH, "API_AUTH": "jwt"}, "API_AUTH "),
    ],
)
def test_wrong_or_contradictory_login_is_refused(secrets: dict[str, Any], message: str) -> None:
    with pytest.raises(NotConfigured, match=message):
        load_settings(SECRETS | secrets)


def test_complete_login_is_read_from_secrets() -> None:
    settings = load_settings(
        {
            "PAGE_LOGIN": True,
            "PAGE_LOGIN_EMAILS": ["a@x.org", "b@x.org"],
            "API_AUTH": "access-token",
            "auth": AUTH | {"expose_tokens": ["access"]},
        }
    )

    assert settings.page_login
    assert settings.page_login_emails == ("a@x.org", "b@x.org")
    assert settings.api_username == ""


def test_environment_becomes_the_auth_table() -> None:
    variables = {
        "PAGE_URL": "https://scenes.example.com/",
        "PAGE_OIDC_COOKIE_SECRET": "x" * 32,
        "PAGE_OIDC_CLIENT_ID": "page",
        "PAGE_OIDC_CLIENT_SECRET": "s",
        "PAGE_OIDC_METADATA_URL": AUTH["server_metadata_url"],
        "PAGE_OIDC_SCOPES": "openid email groups",
        "API_AUTH": "id-token",
    }

    assert auth_table(variables) == AUTH | {
        "client_kwargs": {"scope": "openid email groups"},
        "expose_tokens": ["id"],
    }
    assert auth_table({"PAGE_URL": "https://scenes.example.com"}) is None


def test_client_sends_a_fresh_token_with_every_request(stand_in_api: StandInApi) -> None:
    tokens = iter(["first", "second"])
    with ApiClient(stand_in_api.url, token=lambda: next(tokens), backoff_s=0.01) as client:
        for _ in range(2):
            with pytest.raises(api_errors.TokenRejected):  # the stand-in accepts a password only
                client.model()

    assert [received.authorization for received in stand_in_api.received] == [
        "Bearer first",
        "Bearer second",
    ]


def test_gateway_s_refusal_of_a_scope_is_a_rejected_token(stand_in_api: StandInApi) -> None:
    stand_in_api.health = Reply(403, b'{"message":"Forbidden"}')
    with (
        ApiClient(stand_in_api.url, token=lambda: "x") as client,
        pytest.raises(api_errors.TokenRejected),
    ):
        client.health()


def test_client_without_credentials_sends_none(stand_in_api: StandInApi) -> None:
    stand_in_api.health = problem(503, "No model.")
    with ApiClient(stand_in_api.url) as client, pytest.raises(api_errors.NotReady):
        client.health()

    assert stand_in_api.received[0].authorization == ""
