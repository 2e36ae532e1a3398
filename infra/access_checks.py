"""Checks of what the settings of infra/access.py name: it must exist and fit together."""

import json
from collections.abc import Iterator
from typing import Any
from urllib.request import urlopen

from boto3.session import Session
from botocore.exceptions import BotoCoreError, ClientError

from infra.access import AccessSettings
from infra.account import CONFIG, Finding

DISCOVERY = "/.well-known/openid-configuration"
TIMEOUT_S = 10
# Keys of the secret `page_oidc_secret`.
OIDC_KEYS = ("client_id", "client_secret", "server_metadata_url", "cookie_secret")
MIN_COOKIE_SECRET = 32  # characters, as in frontend/login.py


def access_findings(session: Session, settings: AccessSettings) -> list[Finding]:
    """Check certificates, hosted zone, the secret of the log-in, and the identity provider.

    What cannot be read is a warning: the deployment may run with other permissions.
    """
    names = [name for name in (settings.domain, settings.page_domain) if name]
    found: list[Finding] = []
    if settings.domain and settings.certificate_arn:
        found += _certificate(session, "certificate_arn", settings.certificate_arn, settings.domain)
    if settings.page_domain and settings.page_certificate_arn:
        found += _certificate(
            session, "page_certificate_arn", settings.page_certificate_arn, settings.page_domain
        )
    if settings.hosted_zone:
        found += _hosted_zone(session, settings.hosted_zone, names)
    if settings.page_oidc_secret:
        found += _secret(session, settings.page_oidc_secret)
    if settings.jwt_issuer:
        found += discovery_findings(
            "jwt_issuer", settings.jwt_issuer.rstrip("/") + DISCOVERY, settings.jwt_issuer
        )
    return found


def certificate_findings(
    setting: str, domain: str, certificate: dict[str, Any]
) -> Iterator[Finding]:
    """Check that a certificate, as ACM describes it, is issued and covers a host name."""
    if certificate["Status"] != "ISSUED":
        yield Finding(
            f"{setting}: the certificate has the status {certificate['Status']}. Validate or renew "
            "it in the console of ACM."
        )
    names = certificate.get("SubjectAlternativeNames", [certificate["DomainName"]])
    wildcard = f"*.{domain.partition('.')[2]}"
    if not {domain, wildcard} & set(names):
        yield Finding(
            f"{setting}: the certificate is for {', '.join(names)}, but not for {domain}. Request "
            "one for this name."
        )


def zone_findings(hosted_zone: str, domains: list[str], zone: dict[str, Any]) -> Iterator[Finding]:
    """Check that a hosted zone, as Route 53 describes it, is public and contains the names."""
    name = zone["Name"].rstrip(".")
    if zone.get("Config", {}).get("PrivateZone"):
        yield Finding(f"hosted_zone: {hosted_zone} is private. Use the public zone of {name}.")
    for domain in domains:
        if domain != name and not domain.endswith(f".{name}"):
            yield Finding(
                f"hosted_zone: {hosted_zone} is for {name}, which does not contain {domain}."
            )


def secret_findings(text: str) -> Iterator[Finding]:
    """Check the text of the secret of the log-in, and the provider that it names."""
    try:
        values = json.loads(text)
    except ValueError:
        values = None
    if not isinstance(values, dict):
        yield Finding(f"page_oidc_secret: is not a JSON object with {', '.join(OIDC_KEYS)}.")
        return
    if missing := [key for key in OIDC_KEYS if not values.get(key)]:
        yield Finding(f"page_oidc_secret: has no {', '.join(missing)}. Add what is missing.")
        return
    if len(str(values["cookie_secret"])) < MIN_COOKIE_SECRET:
        yield Finding(
            f"page_oidc_secret: cookie_secret has fewer than {MIN_COOKIE_SECRET} characters. Use a "
            "random one."
        )
    yield from discovery_findings("page_oidc_secret", str(values["server_metadata_url"]))


def discovery_findings(setting: str, address: str, issuer: str | None = None) -> Iterator[Finding]:
    """Check the discovery document of an identity provider.

    Args:
        setting: setting that leads to the document.
        address: URL of the document.
        issuer: the issuer that it must name; None for any.
    """
    if not address.startswith("https://"):
        yield Finding(f"{setting}: {address} must begin with https://.")
        return
    try:
        with urlopen(address, timeout=TIMEOUT_S) as response:  # noqa: S310 - the scheme is checked
            document = json.load(response)
        named = document["issuer"]
    except (OSError, ValueError, TypeError, KeyError) as error:
        yield Finding(f"{setting}: cannot read {address} from here ({error!r}).", fatal=False)
        return
    if issuer and named != issuer:
        yield Finding(f"{setting}: the provider calls itself {named}. Set exactly this text.")


def _certificate(session: Session, setting: str, arn: str, domain: str) -> Iterator[Finding]:
    acm = session.client("acm", region_name=arn.split(":")[3], config=CONFIG)
    try:
        certificate = acm.describe_certificate(CertificateArn=arn)["Certificate"]
    except (BotoCoreError, ClientError) as error:
        yield _unreadable(setting, arn, error)
    else:
        yield from certificate_findings(setting, domain, certificate)


def _hosted_zone(session: Session, hosted_zone: str, domains: list[str]) -> Iterator[Finding]:
    route53 = session.client("route53", config=CONFIG)
    try:
        zone = route53.get_hosted_zone(Id=hosted_zone)["HostedZone"]
    except (BotoCoreError, ClientError) as error:
        yield _unreadable("hosted_zone", hosted_zone, error)
    else:
        yield from zone_findings(hosted_zone, domains, zone)


def _secret(session: Session, secret: str) -> Iterator[Finding]:
    secrets = session.client("secretsmanager", config=CONFIG)
    try:
        text = secrets.get_secret_value(SecretId=secret).get("SecretString", "")
    except (BotoCoreError, ClientError) as error:
        yield _unreadable("page_oidc_secret", secret, error)
    else:
        yield from secret_findings(text)


def _unreadable(setting: str, name: str, error: Exception) -> Finding:
    code = error.response["Error"]["Code"] if isinstance(error, ClientError) else ""
    if code in {"ResourceNotFoundException", "NoSuchHostedZone"}:
        return Finding(f"{setting}: there is no {name} in this account.")
    return Finding(f"{setting}: cannot read {name}: {error}", fatal=False)
