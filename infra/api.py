"""HTTP API in front of the function."""

import json

from aws_cdk import Stack
from aws_cdk import aws_apigatewayv2 as apigatewayv2
from aws_cdk import aws_lambda as lambda_
from aws_cdk.aws_apigatewayv2_authorizers import HttpJwtAuthorizer
from aws_cdk.aws_apigatewayv2_integrations import HttpLambdaIntegration
from constructs import Construct

from infra.access import AccessSettings
from infra.domain import AliasRecord, ApiDomain
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

    Args:
        access: domain and tokens. With tokens, API Gateway checks them for all routes except
            `/health` and CORS preflights, which have none.

    Attributes:
        api: HTTP API.
        endpoint: https:// URL of the API without a trailing slash, with the custom domain if there
            is one.
        domain_target: host name that the DNS record of the custom domain must point to; None
            without a domain.
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
        access: AccessSettings,
        cors: bool,
    ) -> None:
        super().__init__(scope, name)
        self.logs = retention.log_group(self, "AccessLog")
        self.api = apigatewayv2.HttpApi(
            self,
            "Api",
            api_name=Stack.of(self).stack_name,
            default_integration=HttpLambdaIntegration("Service", handler),
            default_authorizer=HttpJwtAuthorizer(
                "Tokens", access.jwt_issuer, jwt_audience=list(access.jwt_audience)
            )
            if access.jwt_issuer
            else None,
            default_authorization_scopes=list(access.jwt_scopes) or None,
            create_default_stage=False,
            disable_execute_api_endpoint=None if access.default_endpoint else True,
        )
        if access.jwt_issuer:
            self._open_routes(handler, cors=cors)
        acknowledge(
            self.api,
            "APIG4",
            "/health and CORS preflights are public on purpose. Without jwt_issuer, the service "
            "checks the credentials itself (HTTP Basic), with the same users wherever it runs.",
        )
        # In Python, `HttpStage` does not accept a log format.
        stage = apigatewayv2.CfnStage(
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
        self.domain_target: str | None = None
        if access.domain and access.certificate_arn:
            self.endpoint = f"https://{access.domain}"
            self.domain_target = self._add_domain(
                stage, access.domain, access.certificate_arn, access.hosted_zone
            )
        else:
            self.endpoint = self.api.api_endpoint

    def _add_domain(
        self,
        stage: apigatewayv2.CfnStage,
        domain: str,
        certificate_arn: str,
        hosted_zone: str | None,
    ) -> str:
        """Add a custom domain. Returns the host name that its DNS record must point to."""
        resource = ApiDomain(
            self, "Domain", stage=stage, domain=domain, certificate_arn=certificate_arn
        )
        if hosted_zone:
            AliasRecord(
                self,
                "Alias",
                domain=domain,
                hosted_zone=hosted_zone,
                target=resource.target,
                target_zone=resource.zone,
            )
        return resource.target

    def _open_routes(self, handler: lambda_.IFunction, *, cors: bool) -> None:
        """Add the routes that need no token."""
        open_routes = {"/health": [apigatewayv2.HttpMethod.GET, apigatewayv2.HttpMethod.HEAD]}
        if cors:
            # Browsers send preflights without a token. The service responds to them.
            preflight = [apigatewayv2.HttpMethod.OPTIONS]
            open_routes |= {"/": preflight, "/{proxy+}": preflight}
        for path, methods in open_routes.items():
            self.api.add_routes(
                path=path,
                methods=methods,
                integration=HttpLambdaIntegration("Service", handler),
                authorizer=apigatewayv2.HttpNoneAuthorizer(),
            )
