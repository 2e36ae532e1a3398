"""Log-in to the page with a real OpenID Connect provider on this machine."""

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import requests
from playwright.sync_api import Browser, Page, Route, expect
from requests.adapters import HTTPAdapter
from streamlit.web.server.starlette.starlette_app_utils import create_signed_value
from urllib3.util.retry import Retry

from tests.e2e import axe
from tests.e2e.browser import Visitor
from tests.ports import free_ports

USERS = (
    {"sub": "anna", "email": "anna@example.com"},
    {"sub": "eve", "email": "eve@example.com", "email_verified": False},
    {"sub": "otto", "email": "otto@other.example", "groups": ["staff", "labelers"]},
)


@pytest.fixture(scope="module")
def provider() -> Iterator[str]:
    """The address of a provider with `USERS`.

    It runs in a process of its own: its imports warn, and warnings are errors in the tests.
    """
    (port,) = free_ports(1)
    users = [f"--user-claims={json.dumps(user)}" for user in USERS]
    command = [sys.executable, "-m", "oidc_provider_mock", f"--port={port}", *users]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    address = f"http://127.0.0.1:{port}"
    with requests.Session() as session:
        session.mount(address, HTTPAdapter(max_retries=Retry(connect=8, backoff_factor=0.1)))
        session.get(f"{address}/.well-known/openid-configuration", timeout=30).raise_for_status()
    yield address
    process.terminate()
    process.wait()


@pytest.fixture(scope="module")
def address(demo: Any, provider: str, start_demo: Callable[..., Any]) -> str:
    """The address of a page for the domain example.com and the group staff."""
    (port,) = free_ports(1)
    username, password = demo.credentials
    page = start_demo(
        "page",
        API_URL=demo.api,
        API_USERNAME=username,
        API_PASSWORD=password,
        PAGE_PORT=str(port),
        PAGE_URL=f"http://127.0.0.1:{port}",
        PAGE_LOGIN="true",
        PAGE_LOGIN_DOMAINS="example.com",
        PAGE_LOGIN_GROUPS="groups=staff",
        PAGE_OIDC_CLIENT_ID="page",
        PAGE_OIDC_CLIENT_SECRET="for-tests-only",
        PAGE_OIDC_METADATA_URL=f"{provider}/.well-known/openid-configuration",
        PAGE_OIDC_COOKIE_SECRET="for-tests-only-0123456789abcdefgh",
    )
    page.wait_until_ready()
    return f"http://127.0.0.1:{port}"


@contextmanager
def stranger(browser: Browser, address: str) -> Iterator[Page]:
    """Open the page without a log-in. The provider's style sheet of another host is not loaded."""
    visitor = Visitor(browser)

    def local_only(route: Route) -> None:
        if "://127.0.0.1:" in route.request.url:
            route.continue_()
        else:
            route.abort()

    visitor.page.route("**/*", local_only)
    visitor.page.goto(address)
    expect(visitor.page.get_by_role("button", name="Log in")).to_be_visible()
    yield visitor.page
    visitor.page.close()


def log_in(page: Page, user: str) -> None:
    page.get_by_role("button", name="Log in").click()
    page.get_by_role("button", name=user).click()


def test_visitor_logs_in_classifies_and_logs_out(browser: Browser, address: str) -> None:
    with stranger(browser, address) as page:
        expect(page.get_by_role("tab")).to_have_count(0)
        expect(page.locator(".lc-status")).to_have_count(0)
        assert axe.violations(page) == []

        log_in(page, "anna")
        expect(page.get_by_text("Logged in as anna@example.com")).to_be_visible()
        page.get_by_role("radio", name="Samples").click()
        page.get_by_role("button", name="Open sea").click()
        expect(page.locator(".lc-verdict h2")).to_contain_text("sea")
        page.reload()
        expect(page.get_by_text("Logged in as anna@example.com")).to_be_visible()

        page.get_by_role("button", name="Log out").click()
        page.get_by_role("button", name="End session").click()  # the provider's log-out
        expect(page.get_by_role("button", name="Log in")).to_be_visible()
        expect(page.get_by_role("tab")).to_have_count(0)


def test_group_is_admitted(browser: Browser, address: str) -> None:
    with stranger(browser, address) as page:
        log_in(page, "otto")

        expect(page.get_by_role("tab", name="Classify")).to_be_visible()


def test_unlisted_account_is_refused_and_can_log_out(browser: Browser, address: str) -> None:
    with stranger(browser, address) as page:
        log_in(page, "eve")  # in the domain, but with an address that is not verified

        expect(page.get_by_text("This account has no access")).to_be_visible()
        expect(page.get_by_role("tab")).to_have_count(0)
        expect(page.get_by_role("button", name="Log out")).to_be_visible()


def test_forged_cookie_is_no_login(browser: Browser, address: str) -> None:
    with stranger(browser, address) as page:
        claims = {"is_logged_in": True, "email": "anna@example.com", "iat": 4e9, "origin": address}
        cookie = create_signed_value("another-key", "_streamlit_user", json.dumps(claims)).decode()
        page.context.add_cookies([{"name": "_streamlit_user", "value": cookie, "url": address}])
        page.reload()

        expect(page.get_by_role("button", name="Log in")).to_be_visible()
        expect(page.get_by_role("tab")).to_have_count(0)


def test_health_check_needs_no_login(address: str) -> None:
    response = requests.get(f"{address}/_stcore/health", timeout=10)

    assert (response.status_code, response.text) == (200, "ok")
