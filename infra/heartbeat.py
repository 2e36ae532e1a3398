"""Heartbeat: calls the service twice a day, and an alarm if it does not answer.

Lambda makes an image function inactive that nobody calls for some weeks, and rejects its next call:
https://docs.aws.amazon.com/lambda/latest/dg/images-create.html#images-lifecycle
"""

from typing import Any

from aws_cdk import Duration
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_lambda as lambda_
from constructs import Construct

# Two calls in each day. With one, calls that are a second more than a day apart would leave a
# sliding window of a day without a call.
INTERVAL = Duration.hours(12)
# Event of a HTTP API for `GET /health`, payload format 2.0.
EVENT: dict[str, Any] = {
    "version": "2.0",
    "routeKey": "$default",
    "rawPath": "/health",
    "rawQueryString": "",
    "headers": {"host": "heartbeat"},
    "requestContext": {
        "http": {"method": "GET", "path": "/health", "protocol": "HTTP/1.1"},
        "stage": "$default",
    },
    "isBase64Encoded": False,
}


class Heartbeat(Construct):
    """Schedule that keeps the version behind the alias active."""

    def __init__(self, scope: Construct, name: str, *, alias: lambda_.Alias) -> None:
        super().__init__(scope, name)
        events.Rule(
            self,
            "Rule",
            description="Keeps the landscape classifier active, see docs/operations.md",
            schedule=events.Schedule.rate(INTERVAL),
            targets=[
                targets.LambdaFunction(alias, event=events.RuleTargetInput.from_object(EVENT))
            ],
        )
