"""HTTP API in front of the function."""

import json

from aws_cdk import Stack
from aws_cdk import aws_apigatewayv2 as apigatewayv2
from aws_cdk import aws_lambda as lambda_
from aws_cdk.aws_apigatewayv2_integrations import HttpLambdaIntegration
from constructs import Construct

from infra.nag import acknowledge
from infra.retention import Retention

# Without query, headers and body, which may contain private data.
ACCESS_LOG = {
    "request_id": "$context.requestId",
    "time": "$context.requestTimeEpoch",
    "ip": "$context.identity.sourceIp",
    "user_agent": "$context.identity.userAgent",
    "method": "$context.httpMethod",
    "path": "$context.path",
    "status": "$context.status",
    "bytes": "$context.responseLength",
    "latency_ms": "$context.responseLatency",
    "function_ms": "$context.integrationLatency",
    "error": "$context.error.message",
    "function_error": "$context.integration.error",
}


class Api(Construct):
    """HTTP API that forwards all paths to the function, which returns 404 for unknown paths.

    Attributes:
        api: HTTP API.
        endpoint: https:// URL of the API without a trailing slash.
        logs: access log, one JSON object for each request, including throttled requests.
    """

    def __init__(
        self,
        scope: Construct,
        name: str,
        *,
        handler: lambda_.IFunction,
        throttle_rate: int,
        throttle_burst: int,
        retention: Retention,
    ) -> None:
        super().__init__(scope, name)
        self.logs = retention.log_group(self, "AccessLog")
        self.api = apigatewayv2.HttpApi(
            self,
            "Api",
            api_name=Stack.of(self).stack_name,
            default_integration=HttpLambdaIntegration("Service", handler),
            create_default_stage=False,
        )
        acknowledge(
            self.api,
            "APIG4",
            "The service checks the credentials itself (HTTP Basic), with the same users wherever "
            "it runs. / and /health are public on purpose.",
        )
        # In Python, `HttpStage` does not accept a log format.
        apigatewayv2.CfnStage(
            self,
            "Default",
            api_id=self.api.api_id,
            stage_name="$default",
            auto_deploy=True,
            default_route_settings=apigatewayv2.CfnStage.RouteSettingsProperty(
                throttling_rate_limit=throttle_rate, throttling_burst_limit=throttle_burst
            ),
            access_log_settings=apigatewayv2.CfnStage.AccessLogSettingsProperty(
                destination_arn=self.logs.log_group_arn, format=json.dumps(ACCESS_LOG)
            ),
        )
        self.endpoint = self.api.api_endpoint
