"""Rotation of the password: the schedule in the template, and the function on moto."""

import json
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from moto import mock_aws

from infra.credentials import PASSWORD_LENGTH
from infra.rotation.handler import handler
from tests.infra.conftest import Assembly

STEPS = ["createSecret", "setSecret", "testSecret", "finishSecret"]
TOKEN = "9f9e4b1c-1111-4a4a-8b8b-0123456789ab"


@pytest.fixture
def client_of_moto(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "for-moto")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-central-1")
    with mock_aws():
        yield boto3.client("secretsmanager")


def make_secret(client: Any, **values: object) -> str:
    arn: str = client.create_secret(Name="api", SecretString=json.dumps(values))["ARN"]
    return arn


def rotate(arn: str, *steps: str) -> None:
    for step in steps:
        handler({"SecretId": arn, "ClientRequestToken": TOKEN, "Step": step}, None)


def read(client: Any, arn: str, stage: str) -> dict[str, str]:
    text = client.get_secret_value(SecretId=arn, VersionStage=stage)["SecretString"]
    secret: dict[str, str] = json.loads(text)
    return secret


def test_rotation_changes_the_password_but_not_the_username_on_moto(client_of_moto: Any) -> None:
    arn = make_secret(client_of_moto, username="classifier", password="the-old-password")
    rotate(arn, *STEPS)

    now = read(client_of_moto, arn, "AWSCURRENT")

    assert now["username"] == "classifier"
    assert len(now["password"]) == PASSWORD_LENGTH
    assert now["password"].isalnum()
    assert read(client_of_moto, arn, "AWSPREVIOUS")["password"] == "the-old-password"


def test_old_password_stays_until_the_last_step_on_moto(client_of_moto: Any) -> None:
    arn = make_secret(client_of_moto, username="classifier", password="the-old-password")
    rotate(arn, *STEPS[:-1])

    assert read(client_of_moto, arn, "AWSCURRENT")["password"] == "the-old-password"


def test_repeated_step_changes_nothing_on_moto(client_of_moto: Any) -> None:
    arn = make_secret(client_of_moto, username="classifier", password="the-old-password")
    rotate(arn, "createSecret")
    pending = read(client_of_moto, arn, "AWSPENDING")
    rotate(arn, "createSecret")

    assert read(client_of_moto, arn, "AWSPENDING") == pending

    rotate(arn, "finishSecret", "finishSecret")
    assert read(client_of_moto, arn, "AWSCURRENT") == pending


@pytest.mark.parametrize("beside", [{}, {"username": "ann", "password": "a-password-of-ann"}])
def test_secret_with_several_users_is_not_rotated_on_moto(
    client_of_moto: Any, beside: dict[str, str]
) -> None:
    secret = {"users": {"ann": "a-password-of-ann"}, **beside}
    arn = make_secret(client_of_moto, **secret)

    with pytest.raises(ValueError, match="several users"):
        rotate(arn, "createSecret")
    assert read(client_of_moto, arn, "AWSCURRENT") == secret
    assert "AWSPENDING" not in str(client_of_moto.describe_secret(SecretId=arn))


def test_rotation_function_can_only_change_this_secret(
    otherwise: Assembly,
) -> None:
    template = otherwise.service
    (schedule,) = template.find_resources("AWS::SecretsManager::RotationSchedule").values()
    (secret,) = template.find_resources("AWS::SecretsManager::Secret")
    statements = [
        statement
        for policy in template.find_resources("AWS::IAM::Policy").values()
        for statement in policy["Properties"]["PolicyDocument"]["Statement"]
        if "secretsmanager:PutSecretValue" in statement["Action"]
    ]

    assert schedule["Properties"]["RotationRules"] == {"ScheduleExpression": "rate(90 days)"}
    assert schedule["Properties"]["RotateImmediatelyOnUpdate"] is False
    assert [statement["Resource"] for statement in statements] == [{"Ref": secret}]
    assert [path.name for path in otherwise.folder.glob("asset.*/*.py")] == ["handler.py"]
