"""Function that CodeDeploy calls before a new version gets traffic.

It is deployed as this file and the picture sea.jpg. If it reported nothing, CodeDeploy would wait
for an hour. So it reports a failure for every error, and some seconds before its own timeout.
https://docs.aws.amazon.com/codedeploy/latest/userguide/reference-appspec-file-structure-hooks.html
"""

import base64
import json
import os
import time
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

PICTURE = Path(__file__).parent / "sea.jpg"
LABEL = "sea"  # of the picture, for models that have this class
# Lambda still prepares the version, all instances are busy, or a new permission is not known yet.
RETRIED = {
    "AccessDeniedException",
    "CodeArtifactUserPendingException",
    "ResourceConflictException",
    "ResourceNotReadyException",
    "TooManyRequestsException",
}
RETRY_S = 3.0
CALL_S = 35.0  # the service times out after 29 s
REPORT_S = 15.0  # kept free to report the result

Json = dict[str, Any]


class CheckFailed(Exception):
    """The new version must not get traffic. The message has the reason."""


def handler(event: dict[str, str], context: Any) -> None:
    """Check the version in NEW_VERSION, and report the result to CodeDeploy."""
    deadline = time.monotonic() + context.get_remaining_time_in_millis() / 1000 - REPORT_S
    version = os.environ["NEW_VERSION"]
    try:
        result = check(
            version, os.environ.get("SECRET_ARN"), deadline, os.environ.get("JWT_ISSUER")
        )
        status = "Succeeded"
    except Exception as error:  # noqa: BLE001 - without a report, CodeDeploy waits for an hour
        result, status = {"reason": str(error) or repr(error)}, "Failed"
    line = {"message": "pre-traffic check", "version": version, "status": status, **result}
    print(json.dumps(line))
    boto3.client("codedeploy").put_lifecycle_event_hook_execution_status(
        deploymentId=event["DeploymentId"],
        lifecycleEventHookExecutionId=event["LifecycleEventHookExecutionId"],
        status=status,
    )


def check(version: str, secret: str | None, deadline: float, issuer: str | None = None) -> Json:
    """Request `GET /health` and classify the picture.

    Args:
        version: ARN of the function's version, with its number.
        secret: ARN of the secret with `username` and `password`; None with `issuer`.
        deadline: time of `time.monotonic` at which the check gives up.
        issuer: issuer of the tokens that clients send. The event then has the claims that the
            gateway would have verified.

    Returns:
        The model's version and the label of the picture.

    Raises:
        CheckFailed: the version does not start, does not respond, or responds with an error or a
            wrong label.
    """
    health = _request(version, deadline, "GET", "/health")
    headers = {"content-type": "image/jpeg"}
    if secret:
        headers["authorization"] = _authorization(secret)
    answer = _request(
        version,
        deadline,
        "POST",
        "/predict",
        headers=headers,
        body=PICTURE.read_bytes(),
        claims={"iss": issuer, "sub": "pre-traffic-check"} if issuer else None,
    )
    label, classes = answer["label"], health["classes"]
    if label not in classes:
        raise CheckFailed(f"/predict returned the label {label!r}, which is not in {classes}.")
    if LABEL in classes and label != LABEL:
        raise CheckFailed(f"/predict returned {label!r} for a picture of the class {LABEL!r}.")
    return {"model_version": answer["model_version"], "label": label}


def http_event(
    method: str,
    path: str,
    headers: Json | None = None,
    body: bytes = b"",
    claims: Json | None = None,
) -> Json:
    """Event of a HTTP API, payload format 2.0. `claims` are those of a verified token."""
    return {
        "version": "2.0",
        "routeKey": "$default",
        "rawPath": path,
        "rawQueryString": "",
        "headers": {"host": "pre-traffic-check", **(headers or {})},
        "requestContext": {
            "http": {"method": method, "path": path, "protocol": "HTTP/1.1"},
            "stage": "$default",
            **({"authorizer": {"jwt": {"claims": claims}}} if claims else {}),
        },
        "body": base64.b64encode(body).decode(),
        "isBase64Encoded": True,
    }


def _authorization(secret: str) -> str:
    text = boto3.client("secretsmanager").get_secret_value(SecretId=secret)["SecretString"]
    values = json.loads(text)
    try:
        credentials = f"{values['username']}:{values['password']}"
    except KeyError as error:
        raise CheckFailed(f"The secret has no {error}, which the check needs to log in.") from None
    return f"Basic {base64.b64encode(credentials.encode()).decode()}"


def _request(version: str, deadline: float, method: str, path: str, **parts: Any) -> Json:
    """Send a request to the version. Returns the JSON of a response with the status 200."""
    response = _invoke(version, deadline, http_event(method, path, **parts))
    if response.get("statusCode") != 200:
        raise CheckFailed(f"{method} {path}: {json.dumps(response)[:1000]}")
    answer: Json = json.loads(response["body"])
    return answer


def _invoke(version: str, deadline: float, event: Json) -> Json:
    reason = ""
    while (left := deadline - time.monotonic()) > 0:
        config = Config(
            connect_timeout=min(5.0, left),
            read_timeout=min(CALL_S, left),
            retries={"total_max_attempts": 1},
        )
        try:
            answer = boto3.client("lambda", config=config).invoke(
                FunctionName=version, Payload=json.dumps(event)
            )
        except ClientError as error:
            if error.response["Error"]["Code"] not in RETRIED:
                raise
            reason = str(error)
            time.sleep(min(RETRY_S, max(0.0, deadline - time.monotonic())))
        except BotoCoreError as error:
            raise CheckFailed(f"The version did not respond: {error}") from error
        else:
            payload: Json = json.loads(answer["Payload"].read())
            if "FunctionError" in answer:
                raise CheckFailed(f"The version crashed: {json.dumps(payload)[:1000]}")
            return payload
    raise CheckFailed(f"The version was not ready in time. {reason}")
