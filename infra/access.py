"""Settings of the ways in: custom domains, tokens in place of passwords, and the page's log-in."""

import re
from typing import Annotated, Any, Self

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from infra.text_forms import like

CLOUDFRONT_REGION = "us-east-1"  # CloudFront only accepts certificates of this region
PAGE_LOGIN_FIELDS = (
    "page_oidc_secret",
    "page_oidc_scopes",
    "page_login_emails",
    "page_login_domains",
    "page_login_groups",
)


def _split(value: object) -> object:
    return value.split() if isinstance(value, str) else value


def _split_at_commas(value: object) -> object:
    parts = re.split(",", value) if isinstance(value, str) else value
    return [part.strip() for part in parts if part.strip()] if isinstance(parts, list) else parts


def _check_issuer(issuer: str) -> str:
    if issuer.endswith("/.well-known/openid-configuration"):
        raise ValueError(
            "must be the issuer, which is the address without /.well-known/openid-configuration"
        )
    return issuer


Label = r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?"
Hostname = Annotated[
    str, like("scenes.example.com", rf"({Label}\.)+[a-z]([a-z0-9-]{{0,61}}[a-z0-9])")
]
Certificate = Annotated[
    str,
    like(
        "arn:aws:acm:us-east-1:123456789012:certificate/12345678-1234-1234-1234-123456789012",
        r"arn:aws:acm:[a-z0-9-]+:[0-9]{12}:certificate/[0-9a-f-]{36}",
    ),
]
HostedZone = Annotated[str, like("Z0123456789ABCDEFGHIJ", r"[A-Z0-9]{1,32}")]
Issuer = Annotated[
    str,
    like("https://id.example.com/tenant", r"https://[^\s/?#]+(/[^\s?#]*)?"),
    AfterValidator(_check_issuer),
]
SecretId = Annotated[
    str,
    like(
        "landscape/oidc",
        r"(arn:aws:secretsmanager:[a-z0-9-]+:[0-9]{12}:secret:)?[A-Za-z0-9/_+=.@-]+",
    ),
    Field(max_length=600),
]
Words = Annotated[tuple[str, ...], BeforeValidator(_split)]
Emails = Annotated[
    tuple[Annotated[str, like("ann@example.com", r"[^@\s,]+@[^@\s,]+\.[^@\s,]+")], ...],
    BeforeValidator(_split),
]
Hostnames = Annotated[tuple[Hostname, ...], BeforeValidator(_split)]
Groups = Annotated[
    tuple[Annotated[str, like("groups=staff", r"[^=\s]+=.+")], ...],
    BeforeValidator(_split_at_commas),
]


class AccessSettings(BaseModel):
    """Settings that decide how clients and visitors reach the service, and who may.

    Attributes:
        frontend: deploy the page too.
        domain: host name of the API, such as "api.example.com".
        certificate_arn: ACM certificate for `domain`, in the region of the stack.
        hosted_zone: ID of the Route 53 zone that gets the records of `domain` and `page_domain`.
            Without it, the records are created by hand.
        default_endpoint: keep the address that API Gateway generates; only with `domain` can it be
            switched off.
        page_domain: host name of the page.
        page_certificate_arn: ACM certificate for `page_domain`, in us-east-1.
        jwt_issuer: issuer of the tokens that replace user name and password.
        jwt_audience: accepted values of the claim `aud` or `client_id`, separated by spaces.
        jwt_scopes: scopes of which a token must have at least one, separated by spaces.
        page_login: visitors of the page log in with OpenID Connect.
        page_oidc_secret: name or ARN of a secret with the keys `client_id`, `client_secret`,
            `server_metadata_url` and `cookie_secret`.
        page_oidc_scopes: scopes that the page requests, separated by spaces.
        page_login_emails: addresses that may use the page, separated by spaces.
        page_login_domains: email domains whose users may use the page, separated by spaces.
        page_login_groups: groups that may use the page, as "claim=value", separated by commas.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    frontend: bool = False
    domain: Hostname | None = None
    certificate_arn: Certificate | None = None
    hosted_zone: HostedZone | None = None
    default_endpoint: bool = True
    page_domain: Hostname | None = None
    page_certificate_arn: Certificate | None = None
    jwt_issuer: Issuer | None = None
    jwt_audience: Words = ()
    jwt_scopes: Words = ()
    page_login: bool = False
    page_oidc_secret: SecretId | None = None
    page_oidc_scopes: str = "openid email profile"
    page_login_emails: Emails = ()
    page_login_domains: Hostnames = ()
    page_login_groups: Groups = ()

    @model_validator(mode="after")
    def _domains_are_complete(self) -> Self:
        for domain, certificate in (
            ("domain", "certificate_arn"),
            ("page_domain", "page_certificate_arn"),
        ):
            self._needs(domain, certificate, "the certificate of this name")
            self._needs(certificate, domain, "the name that the certificate is for")
        if self.domain and self.domain == self.page_domain:
            raise ValueError(
                f"page_domain: is the same as domain, {self.domain}. The API and the page need "
                "different names"
            )
        if self.page_domain and not self.frontend:
            raise ValueError("page_domain: needs frontend, which deploys the page")
        if self.hosted_zone and not (self.domain or self.page_domain):
            raise ValueError("hosted_zone: needs domain or page_domain, the name to create in it")
        if not self.default_endpoint and not self.domain:
            raise ValueError(
                "default_endpoint: cannot be false without domain, because the API would have no "
                "address. Set domain and certificate_arn"
            )
        return self

    @model_validator(mode="after")
    def _tokens_are_complete(self) -> Self:
        self._needs("jwt_issuer", "jwt_audience", "the accepted audiences of the tokens")
        self._needs("jwt_audience", "jwt_issuer", "the issuer of the tokens")
        self._needs("jwt_scopes", "jwt_issuer", "the issuer of the tokens")
        unused = {"username", "rotate_password_days"} & self.model_fields_set
        if self.jwt_issuer and unused:
            raise ValueError(
                f"{min(unused)}: cannot be used with jwt_issuer, because tokens replace the user "
                "name and the password"
            )
        if self.jwt_issuer and self.frontend and not self.page_login:
            raise ValueError(
                "jwt_issuer: with frontend, it needs page_login: the page sends the token of the "
                "visitor to the API"
            )
        return self

    @model_validator(mode="after")
    def _login_is_complete(self) -> Self:
        self._needs("page_login", "frontend", "which deploys the page")
        self._needs("page_login", "page_oidc_secret", "the secret with the client's credentials")
        for name in PAGE_LOGIN_FIELDS:
            if name in self.model_fields_set and not self.page_login:
                raise ValueError(f"{name}: needs page_login=true")
        if self.page_login and "openid" not in self.page_oidc_scopes.split():
            raise ValueError('page_oidc_scopes: must contain "openid"')
        return self

    def _needs(self, name: str, other: str, meaning: str) -> None:
        if getattr(self, name) and not getattr(self, other):
            raise ValueError(f"{name}: needs {other}, {meaning}")

    @property
    def page_environment(self) -> dict[str, str]:
        """Environment variables of the page's container that configure its access.

        Only those that are not secret, and without the page's own address.
        """
        if not self.page_login:
            return {}
        variables = {
            "PAGE_LOGIN": "true",
            "PAGE_OIDC_SCOPES": self.page_oidc_scopes,
            "PAGE_LOGIN_EMAILS": " ".join(self.page_login_emails),
            "PAGE_LOGIN_DOMAINS": " ".join(self.page_login_domains),
            "PAGE_LOGIN_GROUPS": ",".join(self.page_login_groups),
        }
        if self.jwt_issuer:
            # ID tokens have no scopes.
            variables["API_AUTH"] = "access-token" if self.jwt_scopes else "id-token"
        return {name: value for name, value in variables.items() if value}


def region_problems(settings: AccessSettings, region: str | None) -> list[str]:
    """Return the settings that name a resource of an unusable region, with the reason.

    Args:
        settings: the settings.
        region: region of the stack; None if it is not known.
    """
    problems = []
    expected: list[tuple[str, Any, str | None, str]] = [
        ("certificate_arn", settings.certificate_arn, region, "API Gateway"),
        ("page_certificate_arn", settings.page_certificate_arn, CLOUDFRONT_REGION, "CloudFront"),
        ("page_oidc_secret", settings.page_oidc_secret, region, "the container"),
    ]
    for name, arn, needed, user in expected:
        if arn and arn.startswith("arn:") and needed and (found := arn.split(":")[3]) != needed:
            problems.append(
                f"{name}: is in {found}, but {user} needs one in {needed}. Create it there"
            )
    return problems
