"""The HTTP API in front of the function."""

import json

from aws_cdk import aws_apigatewayv2 as apigatewayv2
from aws_cdk import aws_lambda as lambda_
from aws_cdk.aws_apigatewayv2_integrations import HttpLambdaIntegration
from constructs import Construct

from infra.logs import log_group
from infra.nag import acknowledge

# Without the query, headers and body: they may hold what is nobody's business.
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
    """All paths go to the function: what is not a route, it answers with a 404 of its own.

    Attributes:
        api: the HTTP API.
        endpoint: its https:// address, without a slash at the end.
        logs: the access log, one JSON object a request, those that were throttled too.
    """

    def __init__(
        self,
        scope: Construct,
        name: str,
        *,
        handler: lambda_.IFunction,
        throttle_rate: int,
        throttle_burst: int,
        log_days: int,
        keeps_data: bool,
    ) -> None:
        super().__init__(scope, name)
        self.logs = log_group(self, "AccessLog", days=log_days, keeps_data=keeps_data)
        self.api = apigatewayv2.HttpApi(
            self,
            "Api",
            default_integration=HttpLambdaIntegration("Service", handler),
            create_default_stage=False,
        )
        acknowledge(
            self.api,
            "APIG4",
            "The service asks for credentials itself (HTTP Basic), with the same users wherever it "
            "runs; / and /health are open on purpose.",
        )
        # `HttpStage` takes a log format only as an object that JavaScript calls back.
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
