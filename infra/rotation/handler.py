"""The function that Secrets Manager calls to rotate the password; an asset of this file alone.

Secrets Manager calls it once for each step, and again where it does not know how a step ended:
https://docs.aws.amazon.com/secretsmanager/latest/userguide/rotate-secrets_lambda-functions.html
"""

import json
from typing import Any

import boto3


def handler(event: dict[str, Any], context: object) -> None:  # noqa: ARG001 - Lambda's signature
    """Do a step.

    The secret is all there is: whoever asks with the new password makes the service read it again,
    so there is nothing to set elsewhere or to test. Between finishing and the service's next look
    at the secret, up to five minutes, the old password works too.
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
            pass  # announced, but not yet written
        else:
            return
    current = json.loads(client.get_secret_value(SecretId=secret)["SecretString"])
    if "users" in current:  # a `password` beside them, for the page, is of one of them
        raise ValueError("The secret has several users: give them new passwords by hand.")
    # As long as the first one; a test compares them, for this file goes to AWS alone.
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
