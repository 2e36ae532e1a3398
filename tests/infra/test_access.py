"""Templates and settings of tokens, custom domains, the page's log-in and arm64."""

import json
import subprocess
from typing import Any

import pytest
from aws_cdk.assertions import Match

from infra.page.container import OIDC_VARIABLES
from infra.settings import SettingsError, read_settings
from tests.infra.conftest import ACCESS, ROOT, Assembly
from tests.infra.templates import properties, the_function
from tests.infra.test_page_stack import NODE, doorkeeper


def routes(assembly: Assembly) -> dict[str, dict[str, Any]]:
    return {r["RouteKey"]: r for r in properties(assembly.service, "AWS::ApiGatewayV2::Route")}


def test_gateway_checks_tokens_on_all_routes_except_health_and_preflights(
    with_access: Assembly,
) -> None:
    found = routes(with_access)
    (authorizer,) = properties(with_access.service, "AWS::ApiGatewayV2::Authorizer")

    assert authorizer["AuthorizerType"] == "JWT"
    assert authorizer["JwtConfiguration"] == {
        "Audience": ["landscape"],
        "Issuer": "https://id.example.com/tenant",
    }
    assert authorizer["IdentitySource"] == ["$request.header.Authorization"]
    assert found["$default"]["AuthorizationType"] == "JWT"
    assert found["$default"]["AuthorizationScopes"] == ["scenes/predict"]
    assert {key for key, route in found.items() if route["AuthorizationType"] == "NONE"} == {
        "GET /health",
        "HEAD /health",
        "OPTIONS /",
        "OPTIONS /{proxy+}",
    }


def test_basic_stays_the_default(default: Assembly) -> None:
    default.service.resource_count_is("AWS::ApiGatewayV2::Authorizer", 0)
    variables = the_function(default.service)["Environment"]["Variables"]

    assert [*routes(default)] == ["$default"]
    assert "AUTH_SECRET_ARN" in variables
    assert "JWT_ISSUER" not in variables


def test_tokens_leave_no_password_behind(with_access: Assembly) -> None:
    variables = the_function(with_access.service)["Environment"]["Variables"]
    outputs = with_access.service.find_outputs("*")

    assert variables["JWT_ISSUER"] == "https://id.example.com/tenant"
    assert "AUTH_SECRET_ARN" not in variables
    with_access.service.resource_count_is("AWS::SecretsManager::Secret", 0)
    assert "secretsmanager" not in json.dumps(properties(with_access.service, "AWS::IAM::Policy"))
    assert not {"Username", "PasswordCommand", "SecretArn"} & outputs.keys()
    assert "Authorization: Bearer $TOKEN" in outputs["CurlCommand"]["Value"]


def test_check_before_traffic_sends_claims_in_place_of_a_password(with_access: Assembly) -> None:
    (hook,) = (
        found["Environment"]["Variables"]
        for found in properties(with_access.service, "AWS::Lambda::Function")
        if "NEW_VERSION" in found.get("Environment", {}).get("Variables", {})
    )

    assert hook["JWT_ISSUER"] == ACCESS["jwt_issuer"]
    assert "SECRET_ARN" not in hook


def test_api_has_only_its_own_domain(with_access: Assembly) -> None:
    service = with_access.service
    service.has_resource_properties("AWS::ApiGatewayV2::Api", {"DisableExecuteApiEndpoint": True})
    service.has_resource_properties(
        "AWS::ApiGatewayV2::DomainName",
        {
            "DomainName": "api.example.com",
            "DomainNameConfigurations": [
                {
                    "CertificateArn": ACCESS["certificate_arn"],
                    "EndpointType": "REGIONAL",
                    "SecurityPolicy": "TLS_1_2",
                }
            ],
        },
    )
    (mapping,) = service.find_resources("AWS::ApiGatewayV2::ApiMapping").values()
    (stage,) = service.find_resources("AWS::ApiGatewayV2::Stage")
    (name,) = service.find_resources("AWS::ApiGatewayV2::DomainName")
    assert mapping["Properties"]["Stage"] == "$default"
    assert {stage, name} <= set(mapping["DependsOn"])
    service.has_resource_properties(
        "AWS::Route53::RecordSet",
        {
            "Type": "A",
            "Name": "api.example.com.",
            "HostedZoneId": ACCESS["hosted_zone"],
            "AliasTarget": {
                "DNSName": {"Fn::GetAtt": [name, "RegionalDomainName"]},
                "HostedZoneId": {"Fn::GetAtt": [name, "RegionalHostedZoneId"]},
            },
        },
    )
    outputs = service.find_outputs("*")
    assert outputs["Endpoint"]["Value"] == "https://api.example.com"
    assert "https://api.example.com/predict" in json.dumps(outputs["CurlCommand"])
    assert "DomainTarget" in outputs


def test_page_has_its_own_domain_in_cloudfront(with_access: Assembly) -> None:
    with_access.page.has_resource_properties(
        "AWS::CloudFront::Distribution",
        {
            "DistributionConfig": {
                "Aliases": ["scenes.example.com"],
                "ViewerCertificate": {
                    "AcmCertificateArn": ACCESS["page_certificate_arn"],
                    "MinimumProtocolVersion": Match.string_like_regexp("TLSv1.2"),
                },
            }
        },
    )
    with_access.page.has_resource_properties(
        "AWS::Route53::RecordSet", {"Name": "scenes.example.com.", "Type": "A"}
    )
    assert with_access.page.find_outputs("*")["Page"]["Value"] == "https://scenes.example.com"


@pytest.mark.parametrize(
    ("host", "status"), [("scenes.example.com", None), ("d1.cloudfront.net", 308)]
)
def test_other_names_of_the_page_are_redirected(
    with_access: Assembly, host: str, status: int | None
) -> None:
    request = {"uri": "/a", "headers": {"host": {"value": host}}}
    event = {"viewer": {"ip": "192.0.2.1"}, "request": request}
    script = (
        f"{doorkeeper(with_access.page)}\nconsole.log(JSON.stringify(handler({json.dumps(event)})))"
    )
    run = subprocess.run([NODE, "-e", script], capture_output=True, text=True, check=True)
    result = json.loads(run.stdout)

    assert result.get("statusCode") == status
    if status:
        assert result["headers"]["location"]["value"] == "https://scenes.example.com/a"


def test_container_gets_the_login_from_the_named_secret(with_access: Assembly) -> None:
    (task,) = properties(with_access.page, "AWS::ECS::TaskDefinition")
    (container,) = task["ContainerDefinitions"]
    secrets = {secret["Name"]: json.dumps(secret["ValueFrom"]) for secret in container["Secrets"]}
    variables = {item["Name"]: item["Value"] for item in container["Environment"]}

    assert secrets.keys() == set(OIDC_VARIABLES.values())  # and no password
    for key, name in OIDC_VARIABLES.items():
        assert f":secret:landscape/oidc:{key}::" in secrets[name]
    assert variables == {
        "API_URL": "https://api.example.com",
        "API_AUTH": "access-token",
        "PAGE_LOGIN": "true",
        "PAGE_URL": "https://scenes.example.com",
        "PAGE_OIDC_SCOPES": "openid email scenes/predict",
        "PAGE_LOGIN_DOMAINS": "example.com",
        "PAGE_LOGIN_GROUPS": "cognito:groups=scene labelers,roles=admin",
    }


def test_health_check_of_the_page_is_open(with_access: Assembly) -> None:
    with_access.page.has_resource_properties(
        "AWS::ElasticLoadBalancingV2::TargetGroup", {"HealthCheckPath": "/_stcore/health"}
    )


def test_both_images_are_built_for_arm64(with_access: Assembly) -> None:
    assets = [
        json.loads((with_access.folder / f"{name}.assets.json").read_text())["dockerImages"]
        for name in with_access.stacks
    ]
    (task,) = properties(with_access.page, "AWS::ECS::TaskDefinition")

    assert the_function(with_access.service)["Architectures"] == ["arm64"]
    assert task["RuntimePlatform"]["CpuArchitecture"] == "ARM64"
    assert {image["source"]["platform"] for images in assets for image in images.values()} == {
        "linux/arm64"
    }


def rejection(region: str | None = "eu-central-1", **changed: str | None) -> str:
    context = {key: value for key, value in (ACCESS | changed).items() if value is not None}
    with pytest.raises(SettingsError) as error:
        read_settings(context, region)
    return str(error.value)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"certificate_arn": None}, "domain: needs certificate_arn"),
        ({"domain": None, "default_endpoint": None}, "certificate_arn: needs domain"),
        (
            {"domain": "https://api.example.com"},
            "domain: 'https://api.example.com' is not valid. Write it like 'scenes.example.com",
        ),
        (
            {"domain": "*.example.com"},
            "domain: '*.example.com' is not valid. Write it like 'scenes.example.com",
        ),
        ({"domain": "scenes.example.com"}, "page_domain: is the same as domain"),
        (
            {"certificate_arn": "api.example.com"},
            "certificate_arn: 'api.example.com' is not valid. Write it like 'arn:aws:acm:",
        ),
        (
            {"certificate_arn": ACCESS["page_certificate_arn"]},
            "certificate_arn: is in us-east-1, but API Gateway needs one in eu-central-1",
        ),
        (
            {"page_certificate_arn": ACCESS["certificate_arn"]},
            "page_certificate_arn: is in eu-central-1, but CloudFront needs one in us-east-1",
        ),
        ({"page_certificate_arn": None}, "page_domain: needs page_certificate_arn"),
        (
            {"hosted_zone": "example.com"},
            "hosted_zone: 'example.com' is not valid. Write it like 'Z0123456789ABCDEFGHIJ",
        ),
        ({"domain": None, "certificate_arn": None}, "default_endpoint: cannot be false without"),
        ({"jwt_issuer": None, "jwt_scopes": None}, "jwt_audience: needs jwt_issuer"),
        ({"jwt_audience": None}, "jwt_issuer: needs jwt_audience"),
        ({"jwt_issuer": None, "jwt_audience": None, "jwt_scopes": "a"}, "jwt_scopes: needs"),
        (
            {"jwt_issuer": "http://id.example.com"},
            "jwt_issuer: 'http://id.example.com' is not valid. Write it like 'https://id",
        ),
        (
            {"jwt_issuer": "https://id.example.com/.well-known/openid-configuration"},
            "jwt_issuer: must be the issuer",
        ),
        ({"username": "me"}, "username: cannot be used with jwt_issuer"),
        (
            {
                "page_login": None,
                "page_oidc_secret": None,
                "page_login_domains": None,
                "page_login_groups": None,
            },
            "jwt_issuer: with frontend, it needs page_login",
        ),
        ({"page_oidc_secret": None}, "page_login: needs page_oidc_secret"),
        (
            {
                "page_login": "false",
                "jwt_issuer": None,
                "jwt_audience": None,
                "jwt_scopes": None,
            },
            "needs page_login=true",
        ),
        (
            {"page_oidc_secret": "a b"},
            "page_oidc_secret: 'a b' is not valid. Write it like 'landscape/oidc",
        ),
        (
            {"page_oidc_secret": "arn:aws:secretsmanager:us-west-2:123456789012:secret:a-AbCdEf"},
            "page_oidc_secret: is in us-west-2, but the container needs one in eu-central-1",
        ),
        ({"page_oidc_scopes": "email"}, 'page_oidc_scopes: must contain "openid"'),
        (
            {"page_login_emails": "anna"},
            "page_login_emails: 'anna' is not valid. Write it like 'ann@example.com",
        ),
        (
            {"page_login_domains": "@example.com"},
            "page_login_domains: '@example.com' is not valid. Write it like 'scenes.example.com",
        ),
        (
            {"page_login_groups": "staff"},
            "page_login_groups: 'staff' is not valid. Write it like 'groups=staff",
        ),
        ({"page_networks": None}, "page_networks: is required with frontend"),
    ],
)
def test_wrong_half_given_or_contradictory_settings_are_refused(
    changed: dict[str, str | None], message: str
) -> None:
    assert message in rejection(**changed)


def test_page_settings_need_the_page() -> None:
    alone = {
        "page_domain": ACCESS["page_domain"],
        "page_certificate_arn": ACCESS["page_certificate_arn"],
    }
    for context, message in (
        (alone, "page_domain: needs frontend"),
        ({"page_login": "true", "page_oidc_secret": "x"}, "page_login: needs frontend"),
        ({"hosted_zone": "Z0123"}, "hosted_zone: needs domain or page_domain"),
    ):
        with pytest.raises(SettingsError, match=message):
            read_settings(context, "eu-central-1")


def test_page_sends_id_tokens_without_scopes() -> None:
    settings = read_settings(ACCESS | {"jwt_scopes": ""}, "eu-central-1")

    assert settings.page_environment["API_AUTH"] == "id-token"


def test_docs_name_the_keys_of_the_secret() -> None:
    guide = (ROOT / "docs" / "deployment.md").read_text()

    assert all(f'"{key}"' in guide for key in OIDC_VARIABLES)
