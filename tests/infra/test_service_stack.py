"""Template of the service: permissions, retention, limits, settings and outputs."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from aws_cdk import App, Stack
from aws_cdk import aws_lambda as lambda_
from aws_cdk.assertions import Match, Template

from infra import function
from lambda_api.settings import Settings as ServiceSettings
from tests.checkout import copy_project
from tests.infra.conftest import FLAGS, Assembly
from tests.infra.templates import properties, the_function


def the_bucket(template: Template) -> dict[str, Any]:
    (found,) = (
        bucket
        for bucket in properties(template, "AWS::S3::Bucket")
        if "VersioningConfiguration" in bucket
    )
    return found


def statements_of_the_function(template: Template) -> list[dict[str, Any]]:
    role = the_function(template)["Role"]["Fn::GetAtt"][0]
    found = []
    for policy in properties(template, "AWS::IAM::Policy"):
        if {"Ref": role} in policy["Roles"]:
            found += policy["PolicyDocument"]["Statement"]
    return found


def test_function_is_an_x86_image_with_one_cpu_and_a_timeout(
    default: Assembly,
) -> None:
    function = the_function(default.service)
    assets = json.loads((default.folder / "landscape-classifier-dev.assets.json").read_text())
    (image,) = assets["dockerImages"].values()

    assert function["Architectures"] == ["x86_64"]
    assert function["MemorySize"] == 1769
    assert function["Timeout"] < 30
    assert function["LoggingConfig"]["LogFormat"] == "JSON"
    assert "ReservedConcurrentExecutions" not in function
    assert image["source"]["platform"] == "linux/amd64"
    assert image["source"]["dockerFile"] == "Dockerfile.lambda"
    assert image["source"]["dockerBuildArgs"] == {"BUNDLE": "models/intel-scenes"}


def test_new_digest_of_the_base_image_is_a_new_image(
    default: Assembly, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`make pin-images` writes the digest. Otherwise the image would never be patched."""
    names = [".dockerignore", "Dockerfile.lambda", "env_file", "lambda_api", "models"]
    root = tmp_path / "root"
    root.mkdir()
    dockerfile = copy_project(names, root) / "Dockerfile.lambda"
    text = dockerfile.read_text()
    monkeypatch.setattr(function, "ROOT", root)

    def deployed(text: str) -> object:
        dockerfile.write_text(text)
        stack = Stack(App(context=FLAGS), "stack")
        code = function.image_code("models/intel-scenes", "x86_64")
        lambda_.DockerImageFunction(stack, "Function", code=code)
        return the_function(Template.from_stack(stack))["Code"]["ImageUri"]

    pinned = re.sub(r"(?m)^(ARG BASE=[^@\n]+).*$", rf"\1@sha256:{'0' * 64}", text)

    assert deployed(text) == the_function(default.service)["Code"]["ImageUri"]
    assert deployed(pinned) != the_function(default.service)["Code"]["ImageUri"]


def test_image_context_is_the_service_and_one_bundle(default: Assembly) -> None:
    (context,) = (found.parent for found in default.folder.glob("asset.*/models"))

    names = {path.name for path in context.iterdir()}

    assert names == {".dockerignore", "Dockerfile.lambda", "env_file", "lambda_api", "models"}
    assert [path.name for path in (context / "models").iterdir()] == ["intel-scenes"]
    assert [*context.rglob("__pycache__")] == []


def test_function_can_only_read_and_write_uploads(default: Assembly) -> None:
    (bucket,) = default.service.find_resources(
        "AWS::S3::Bucket", {"Properties": {"VersioningConfiguration": Match.any_value()}}
    )
    (secret,) = default.service.find_resources("AWS::SecretsManager::Secret")
    arn = {"Fn::GetAtt": [bucket, "Arn"]}
    log = the_function(default.service)["LoggingConfig"]["LogGroup"]["Ref"]

    allowed = [
        (statement["Action"], statement["Resource"])
        for statement in statements_of_the_function(default.service)
    ]

    assert allowed == [
        (["logs:CreateLogStream", "logs:PutLogEvents"], {"Fn::GetAtt": [log, "Arn"]}),
        ("secretsmanager:GetSecretValue", {"Ref": secret}),
        (["s3:GetObject", "s3:PutObject"], {"Fn::Join": ["", [arn, "/uploads/*"]]}),
        ("s3:ListBucket", arn),
    ]


def test_function_can_read_models_if_they_come_from_the_bucket(
    everything: Assembly,
) -> None:
    (read,) = (
        statement["Resource"]
        for statement in statements_of_the_function(everything.service)
        if statement["Action"] == "s3:GetObject"
    )

    assert [resource["Fn::Join"][1][1] for resource in read] == ["/models/*", "/uploads/*"]


def lifecycle(assembly: Assembly, rule: str) -> dict[str, Any]:
    rules = [
        rule
        for bucket in properties(assembly.service, "AWS::S3::Bucket")
        for rule in bucket["LifecycleConfiguration"]["Rules"]
    ]
    (found,) = (each for each in rules if each.get("Id") == rule)
    return found


def test_collected_pictures_expire_even_if_nothing_is_collected(
    default: Assembly, everything: Assembly
) -> None:
    for assembly, days in ((default, 90), (everything, 30)):
        rule = lifecycle(assembly, "Collected")

        assert (rule["Status"], rule["Prefix"]) == ("Enabled", "collected/")
        assert rule["ExpirationInDays"] == days
        assert rule["NoncurrentVersionExpiration"] == {"NoncurrentDays": 1}


def test_function_reads_and_writes_collected_pictures_only_if_it_collects(
    default: Assembly, everything: Assembly
) -> None:
    (statement,) = (
        statement
        for statement in statements_of_the_function(everything.service)
        if "/collected/*" in json.dumps(statement)
    )
    variables = the_function(everything.service)["Environment"]["Variables"]

    assert statement["Action"] == ["s3:GetObject", "s3:PutObject"]
    assert statement["Resource"]["Fn::Join"][1][1] == "/collected/*"
    assert variables["COLLECT"] == "unsure"
    assert variables["COLLECT_TO"]["Fn::Join"][1][::2] == ["s3://", "/collected"]
    assert "collected" not in json.dumps(statements_of_the_function(default.service))
    assert "COLLECT" not in the_function(default.service)["Environment"]["Variables"]


def test_role_of_the_function_has_no_managed_policies(default: Assembly) -> None:
    role = the_function(default.service)["Role"]["Fn::GetAtt"][0]
    found = default.service.find_resources("AWS::IAM::Role")[role]["Properties"]

    (statement,) = found["AssumeRolePolicyDocument"]["Statement"]

    assert statement["Principal"] == {"Service": "lambda.amazonaws.com"}
    assert "ManagedPolicyArns" not in found


@pytest.mark.parametrize("fixture", ["default", "everything"])
def test_every_bucket_is_private_encrypted_and_tls_only(
    fixture: str, request: pytest.FixtureRequest
) -> None:
    assembly: Assembly = request.getfixturevalue(fixture)

    for text in assembly.stacks.values():
        template = Template.from_string(text)
        buckets = template.find_resources("AWS::S3::Bucket")
        assert buckets
        for name, bucket in buckets.items():
            found = bucket["Properties"]
            assert set(found["PublicAccessBlockConfiguration"].values()) == {True}
            assert "AES256" in json.dumps(found["BucketEncryption"])
            template.has_resource_properties(
                "AWS::S3::BucketPolicy",
                {
                    "Bucket": {"Ref": name},
                    "PolicyDocument": {
                        "Statement": Match.array_with(
                            [
                                Match.object_like(
                                    {
                                        "Effect": "Deny",
                                        "Principal": {"AWS": "*"},
                                        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
                                    }
                                )
                            ]
                        )
                    },
                },
            )


def test_models_are_versioned_and_uploads_expire(default: Assembly) -> None:
    bucket = the_bucket(default.service)
    rules = {rule["Id"]: rule for rule in bucket["LifecycleConfiguration"]["Rules"]}

    assert bucket["VersioningConfiguration"] == {"Status": "Enabled"}
    assert rules["Uploads"]["Prefix"] == "uploads/"
    assert rules["Uploads"]["ExpirationInDays"] == 1
    assert rules["OldModels"]["Prefix"] == "models/"
    assert "ExpirationInDays" not in rules["OldModels"]
    assert rules["OldModels"]["NoncurrentVersionExpiration"] == {"NoncurrentDays": 90}


def test_browsers_can_only_upload_from_configured_origins(
    default: Assembly, everything: Assembly
) -> None:
    (rule,) = the_bucket(everything.service)["CorsConfiguration"]["CorsRules"]

    assert "CorsConfiguration" not in the_bucket(default.service)
    assert rule["AllowedMethods"] == ["POST"]
    assert rule["AllowedOrigins"] == ["https://page.example", "https://other.example"]
    variables = the_function(everything.service)["Environment"]["Variables"]
    assert variables["CORS_ORIGINS"] == "https://page.example https://other.example"


def test_password_is_generated_and_not_in_the_template(default: Assembly) -> None:
    (secret,) = properties(default.service, "AWS::SecretsManager::Secret")

    assert json.loads(secret["GenerateSecretString"]["SecretStringTemplate"]) == {
        "username": "classifier"
    }
    assert secret["GenerateSecretString"]["GenerateStringKey"] == "password"
    assert secret["GenerateSecretString"]["PasswordLength"] >= 12
    assert "SecretString" not in secret


def test_api_throttles_and_logs_json_without_queries_and_headers(
    default: Assembly, everything: Assembly
) -> None:
    (stage,) = properties(default.service, "AWS::ApiGatewayV2::Stage")
    line = json.loads(stage["AccessLogSettings"]["Format"])

    assert stage["StageName"] == "$default"
    assert stage["AutoDeploy"] is True
    assert {"request_id", "ip", "method", "path", "status"} <= line.keys()
    assert not any("authorizer" in value or "query" in value for value in line.values())
    limits = [
        properties(assembly.service, "AWS::ApiGatewayV2::Stage")[0]["DefaultRouteSettings"]
        for assembly in (default, everything)
    ]
    assert limits == [
        {"ThrottlingRateLimit": 50, "ThrottlingBurstLimit": 100},
        {"ThrottlingRateLimit": 10, "ThrottlingBurstLimit": 20},
    ]


def test_only_the_gateway_and_the_heartbeat_can_call_the_alias(default: Assembly) -> None:
    (alias,) = default.service.find_resources("AWS::Lambda::Alias")
    permissions = properties(default.service, "AWS::Lambda::Permission")
    (integration,) = properties(default.service, "AWS::ApiGatewayV2::Integration")

    assert {permission["Principal"] for permission in permissions} == {
        "apigateway.amazonaws.com",
        "events.amazonaws.com",
    }
    for permission in permissions:
        assert permission["FunctionName"] == {"Ref": alias}
        assert "SourceArn" in permission
    assert integration["IntegrationUri"] == {"Ref": alias}
    assert integration["PayloadFormatVersion"] == "2.0"


def test_concurrency_is_reserved_and_provisioned_if_configured(everything: Assembly) -> None:
    (alias,) = properties(everything.service, "AWS::Lambda::Alias")

    assert the_function(everything.service)["ReservedConcurrentExecutions"] == 20
    assert alias["ProvisionedConcurrencyConfig"] == {"ProvisionedConcurrentExecutions": 2}


def test_environment_contains_only_settings_of_the_service(everything: Assembly) -> None:
    variables = the_function(everything.service)["Environment"]["Variables"]

    assert {name.lower() for name in variables} <= set(ServiceSettings.model_fields)
    assert {"AUTH_SECRET_ARN", "UPLOAD_BUCKET", "UPLOAD_PREFIX"} <= variables.keys()
    assert variables["POWERTOOLS_METRICS_NAMESPACE"] == "LandscapeClassifier/prod"
    assert variables["MAX_DECODED_BYTES"] == "1504000000"  # half of 3,008 MB


def test_model_uri_points_to_the_registry_if_configured(
    default: Assembly, everything: Assembly
) -> None:
    variables = the_function(default.service)["Environment"]["Variables"]
    uri = the_function(everything.service)["Environment"]["Variables"]["MODEL_URI"]

    assert "MODEL_URI" not in variables
    prefix, bucket, path = uri["Fn::Join"][1]
    assert prefix == "s3://"
    assert bucket == the_function(everything.service)["Environment"]["Variables"]["UPLOAD_BUCKET"]
    assert path == "/models/intel-scenes/current"


KEPT = ["AWS::S3::Bucket", "AWS::SecretsManager::Secret", "AWS::Logs::LogGroup"]


@pytest.mark.parametrize("kind", KEPT)
def test_production_data_is_kept_and_development_data_is_deleted(
    kind: str, default: Assembly, everything: Assembly
) -> None:
    # RetainExceptOnCreate: a first deployment that fails leaves nothing behind.
    for assembly, policy in [(default, "Delete"), (everything, "RetainExceptOnCreate")]:
        found = assembly.service.find_resources(kind)
        assert found
        assert {resource["DeletionPolicy"] for resource in found.values()} == {policy}


def test_logs_have_the_configured_retention(default: Assembly, everything: Assembly) -> None:
    for assembly, days in [(default, 30), (everything, 365)]:
        groups = properties(assembly.service, "AWS::Logs::LogGroup")
        assert [group["RetentionInDays"] for group in groups] == [days] * 3


def test_resources_are_tagged_with_project_and_stage(default: Assembly) -> None:
    tags = [
        {"Key": "project", "Value": "landscape-classifier"},
        {"Key": "stage", "Value": "dev"},
    ]
    for kind in ("AWS::S3::Bucket", "AWS::SecretsManager::Secret", "AWS::SNS::Topic"):
        for found in properties(default.service, kind):
            assert [tag for tag in found["Tags"] if not tag["Key"].startswith("aws-cdk:")] == tags


def test_outputs_show_how_to_call_the_api(default: Assembly) -> None:
    outputs = default.service.find_outputs("*")
    curl = json.dumps(outputs["CurlCommand"]["Value"])

    assert {"Endpoint", "Username", "PasswordCommand", "CurlCommand"} <= outputs.keys()
    assert "aws secretsmanager get-secret-value" in json.dumps(outputs["PasswordCommand"]["Value"])
    assert "/predict" in curl
    assert "-F file=@" in curl


def test_production_is_protected_from_deletion(default: Assembly, everything: Assembly) -> None:
    assert default.protected() == {"landscape-classifier-dev": False}
    assert everything.protected() == {
        "landscape-classifier-prod": True,
        "landscape-classifier-prod-page": True,
    }


def test_gateway_has_the_name_of_the_stack(default: Assembly, everything: Assembly) -> None:
    for assembly, name in [
        (default, "landscape-classifier-dev"),
        (everything, "landscape-classifier-prod"),
    ]:
        (api,) = properties(assembly.service, "AWS::ApiGatewayV2::Api")
        assert api["Name"] == name


def test_dashboard_and_its_address_can_be_left_out(default: Assembly, otherwise: Assembly) -> None:
    address = json.dumps(default.service.find_outputs("DashboardUrl"))

    assert "#dashboards/dashboard/landscape-classifier-dev" in address
    default.service.resource_count_is("AWS::CloudWatch::Dashboard", 1)
    assert otherwise.service.find_outputs("DashboardUrl") == {}
    otherwise.service.resource_count_is("AWS::CloudWatch::Dashboard", 0)


def test_failed_deployment_deletes_its_version_so_that_it_can_be_repeated(
    default: Assembly, everything: Assembly
) -> None:
    """A retained version would make Lambda refuse the same code: "Version already exists"."""
    for assembly in (default, everything):
        (version,) = assembly.service.find_resources("AWS::Lambda::Version").values()
        assert version["DeletionPolicy"] == "RetainExceptOnCreate"
        assert version["UpdateReplacePolicy"] == "Retain"  # for a rollback
