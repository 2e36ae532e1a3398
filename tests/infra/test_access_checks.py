"""Preflight of certificates, hosted zone, the secret of the login, and the identity provider."""

import io
import json
from typing import Any

import boto3
import pytest
from moto import mock_aws

from infra import access_checks
from infra.access_checks import (
    OIDC_KEYS,
    access_findings,
    certificate_findings,
    discovery_findings,
    secret_findings,
    zone_findings,
)
from infra.page.container import OIDC_VARIABLES
from infra.settings import read_settings
from tests.infra.conftest import ACCESS

SECRET = {
    "client_id": "page",
    "client_secret": "s",
    "server_metadata_url": "https://id.example.com/.well-known/openid-configuration",
    "cookie_secret": "x" * 32,
}
ISSUER = "https://id.example.com/tenant"


@pytest.fixture(autouse=True)
def provider(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """A stand-in for the discovery document: a real one needs the internet and a certificate."""
    document: dict[str, Any] = {"issuer": ISSUER}
    monkeypatch.setattr(
        access_checks, "urlopen", lambda *_, **__: io.BytesIO(json.dumps(document).encode())
    )
    return document


@pytest.mark.parametrize(
    ("names", "status", "problem"),
    [
        (["api.example.com"], "ISSUED", None),
        (["example.com", "*.example.com"], "ISSUED", None),
        (["*.com"], "ISSUED", "is for *.com, but not for api.example.com"),
        (["www.example.com"], "ISSUED", "is for www.example.com, but not for api.example.com"),
        (["api.example.com"], "PENDING_VALIDATION", "has the status PENDING_VALIDATION"),
        (["api.example.com"], "EXPIRED", "has the status EXPIRED"),
    ],
)
def test_certificate_must_be_issued_for_the_name(
    names: list[str], status: str, problem: str | None
) -> None:
    certificate = {"Status": status, "DomainName": names[0], "SubjectAlternativeNames": names}

    found = [*certificate_findings("certificate_arn", "api.example.com", certificate)]

    assert [finding.fatal for finding in found] == ([True] if problem else [])
    assert (problem or "") in "".join(finding.text for finding in found)


@pytest.mark.parametrize(
    ("zone", "problem"),
    [
        ({"Name": "example.com."}, None),
        ({"Name": "api.example.com."}, None),
        ({"Name": "ample.com."}, "is for ample.com, which does not contain api.example.com"),
        ({"Name": "example.com.", "Config": {"PrivateZone": True}}, "Z1 is private"),
    ],
)
def test_hosted_zone_must_be_public_and_contain_the_name(
    zone: dict[str, Any], problem: str | None
) -> None:
    found = [finding.text for finding in zone_findings("Z1", ["api.example.com"], zone)]

    assert len(found) == (1 if problem else 0)
    assert (problem or "") in "".join(found)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (json.dumps(SECRET), None),
        ("page", "is not a JSON object"),
        ("[]", "is not a JSON object"),
        (json.dumps(SECRET | {"client_id": ""}), "has no client_id"),
        (json.dumps({}), "has no client_id, client_secret, server_metadata_url, cookie_secret"),
        (json.dumps(SECRET | {"cookie_secret": "short"}), "fewer than 32 characters"),
        (json.dumps(SECRET | {"server_metadata_url": "http://id"}), "must begin with https://"),
    ],
)
def test_secret_must_be_complete_and_is_never_shown(text: str, problem: str | None) -> None:
    found = "".join(finding.text for finding in secret_findings(text))

    assert bool(found) is bool(problem)
    assert (problem or "") in found
    assert SECRET["cookie_secret"] not in found


def test_keys_are_those_of_the_container() -> None:
    assert set(OIDC_KEYS) == OIDC_VARIABLES.keys()


def test_issuer_must_be_the_text_of_a_stand_in_provider(provider: dict[str, Any]) -> None:
    provider["issuer"] = f"{ISSUER}/"

    (found,) = discovery_findings("jwt_issuer", f"{ISSUER}/x", ISSUER)

    assert found.fatal
    assert f"calls itself {ISSUER}/" in found.text


def test_unreadable_provider_is_a_warning_on_a_stand_in(provider: dict[str, Any]) -> None:
    provider.clear()

    (found,) = discovery_findings("jwt_issuer", f"{ISSUER}/x", ISSUER)

    assert not found.fatal


def test_resources_are_read_in_their_regions_on_moto(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "for-moto")
    with mock_aws():
        session = boto3.Session(region_name="eu-central-1")
        settings = read_settings(ACCESS, "eu-central-1")
        before = access_findings(session, settings)

        zone = session.client("route53").create_hosted_zone(Name="example.com", CallerReference="1")
        session.client("secretsmanager").create_secret(
            Name="landscape/oidc", SecretString=json.dumps(SECRET)
        )
        arns = [
            session.client("acm", region_name=region).request_certificate(DomainName=domain)[
                "CertificateArn"
            ]
            for region, domain in (
                ("eu-central-1", "api.example.com"),
                ("us-east-1", "scenes.example.com"),
            )
        ]
        changed = {
            "certificate_arn": arns[0],
            "page_certificate_arn": arns[1],
            "hosted_zone": zone["HostedZone"]["Id"].rpartition("/")[2],
        }
        after = access_findings(session, read_settings(ACCESS | changed, "eu-central-1"))

    assert [finding.text.partition(":")[0] for finding in before] == [
        "certificate_arn",
        "page_certificate_arn",
        "hosted_zone",
        "page_oidc_secret",
    ]
    assert all(finding.fatal and "there is no" in finding.text for finding in before)
    assert {finding.text.partition(" the status ")[0] for finding in after} == {
        "certificate_arn: the certificate has",
        "page_certificate_arn: the certificate has",
    }
