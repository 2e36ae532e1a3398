"""Function that Secrets Manager calls to rotate the password. It is deployed as this file alone.

Secrets Manager calls it once for each step, and again if the result of a step is unknown:
https://docs.aws.amazon.com/secretsmanager/latest/userguide/rotate-secrets_lambda-functions.html
"""

import json
from typing import Any

import boto3


def handler(event: dict[str, Any], context: object) -> None:  # noqa: ARG001 - Lambda's signature
    """Run one step.

    Only the secret has to change, so the steps setSecret and testSecret do nothing. A login with
    the new password makes the service read the secret again. Until the service reads it, up to five
    minutes after finishSecret, the old password works too.
    """
    secret, version = event["SecretId"], event["ClientRequestToken"]
    client = boto3.client("secretsmanager")
    if event["Step"] == "createSecret":
        _create(client, secret, version)
    elif event["Step"] == "finishSecret":
        _finish(client, secret, version)


def _create(client: Any, secret: str, version: str) -> None:
    stages = client.describe_secret(SecretId=secret)["VersionIdsToStages"]
    if "AWSPENDING" in stages.get(version, []):
        try:
            client.get_secret_value(SecretId=secret, VersionId=version, VersionStage="AWSPENDING")
        except client.exceptions.ResourceNotFoundException:
            pass  # the version exists, but has no value yet
        else:
            return
    current = json.loads(client.get_secret_value(SecretId=secret)["SecretString"])
    if "users" in current:  # a `password` beside them belongs to one of them, for the page
        raise ValueError("The secret has several users. Change their passwords by hand.")
    # Same length as the first password. A test compares them, because this file imports nothing.
    password = client.get_random_password(PasswordLength=32, ExcludePunctuation=True)
    client.put_secret_value(
        SecretId=secret,
        ClientRequestToken=version,
        SecretString=json.dumps({**current, "password": password["RandomPassword"]}),
        VersionStages=["AWSPENDING"],
    )


def _finish(client: Any, secret: str, version: str) -> None:
    stages = client.describe_secret(SecretId=secret)["VersionIdsToStages"]
    current = next(known for known, names in stages.items() if "AWSCURRENT" in names)
    if current != version:
        client.update_secret_version_stage(
            SecretId=secret,
            VersionStage="AWSCURRENT",
            MoveToVersionId=version,
            RemoveFromVersionId=current,
        )
