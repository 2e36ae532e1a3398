"""Stack of the service: its parts and their permissions."""

from aws_cdk import CfnOutput, Stack
from aws_cdk import aws_secretsmanager as secretsmanager
from constructs import Construct

from infra.alarms import Alarms
from infra.api import Api
from infra.budget import Budget
from infra.bundle import BundleFacts
from infra.collection import Collection
from infra.credentials import Credentials
from infra.dashboard import Dashboard
from infra.function import ServiceFunction
from infra.heartbeat import Heartbeat
from infra.metrics import ServiceMetrics
from infra.pretraffic.hook import PreTrafficHook
from infra.release import Release
from infra.settings import Settings
from infra.storage import MODELS, UPLOADS, Storage


class ServiceStack(Stack):
    """HTTP API, function, bucket, credentials and monitoring.

    Args:
        bundle: the bundle that is built into the image.

    Attributes:
        endpoint: https:// URL of the API.
        secret: username and password of the API; None if clients send tokens instead.
        topic: topic of the alarms.
    """

    def __init__(
        self, scope: Construct, name: str, *, settings: Settings, bundle: BundleFacts
    ) -> None:
        super().__init__(
            scope,
            name,
            description=f"Landscape classifier, stage {settings.stage}",
            termination_protection=settings.is_production,
        )
        self.secret = None if settings.jwt_issuer else self._secret(settings)
        storage = Storage(
            self,
            "Storage",
            upload_days=settings.upload_days,
            cors_origins=settings.cors_origins,
            retention=settings.retention,
        )
        bucket = storage.bucket
        collection = Collection(
            self,
            "Collection",
            bucket=bucket,
            collect=settings.collect,
            days=settings.collect_days,
        )
        namespace = f"LandscapeClassifier/{settings.stage}"
        environment = {
            "POWERTOOLS_METRICS_NAMESPACE": namespace,  # stages can share an account
            "UPLOAD_BUCKET": bucket.bucket_name,
            "UPLOAD_PREFIX": UPLOADS,
            # Half of the memory, in bytes. The rest is for the process and its model.
            "MAX_DECODED_BYTES": str(settings.memory * 500_000),
            **collection.environment,
        }
        if self.secret is not None:
            environment["AUTH_SECRET_ARN"] = self.secret.secret_arn
        if settings.jwt_issuer:
            environment["JWT_ISSUER"] = settings.jwt_issuer
        if settings.cors_origins:
            environment["CORS_ORIGINS"] = " ".join(settings.cors_origins)
        if settings.model == "registry":
            environment["MODEL_URI"] = f"s3://{bucket.bucket_name}/{MODELS}{bundle.name}/current"
        service = ServiceFunction(
            self,
            "Service",
            bundle=settings.bundle,
            memory=settings.memory,
            environment=environment,
            bucket=bucket,
            reads_models=settings.model == "registry",
            secret=self.secret,
            retention=settings.retention,
            architecture=settings.architecture,
            reserved_concurrency=settings.reserved_concurrency,
            provisioned_concurrency=settings.provisioned_concurrency,
        )
        collection.grant(service.role)
        api = Api(
            self,
            "Api",
            handler=service.alias,
            throttle_rate=settings.throttle_rate,
            throttle_burst=settings.throttle_burst,
            retention=settings.retention,
            access=settings,
            cors=bool(settings.cors_origins),
        )
        self.endpoint = api.endpoint
        metrics = ServiceMetrics(namespace, api.api, service.alias)
        Heartbeat(self, "Heartbeat", alias=service.alias)
        alarms = Alarms(
            self,
            "Alarms",
            metrics=metrics,
            email=settings.alarm_email,
            throttle_rate=settings.throttle_rate,
        )
        self.topic = alarms.topic
        if settings.canary:
            hook = PreTrafficHook(
                self,
                "PreTraffic",
                service=service.function,
                secret=self.secret,
                issuer=settings.jwt_issuer,
                retention=settings.retention,
            )
            Release(
                self,
                "Release",
                alias=service.alias,
                metrics=metrics,
                pre_traffic=hook.function,
            )
        if settings.budget and settings.alarm_email:
            Budget(self, "Budget", dollars=settings.budget, email=settings.alarm_email)
        outputs = {
            "Endpoint": api.endpoint,
            **self._call_outputs(settings.username),
            "BucketName": bucket.bucket_name,
            "FunctionName": service.function.function_name,
            "LogGroupName": service.logs.log_group_name,
            "AccessLogGroupName": api.logs.log_group_name,
        }
        if api.domain_target:
            outputs["DomainTarget"] = api.domain_target
        if settings.dashboard:
            board = Dashboard(
                self,
                "Dashboard",
                title=self.stack_name,
                metrics=metrics,
                alarms=alarms.all,
                log=service.logs,
                bundle=bundle,
            )
            outputs["DashboardUrl"] = board.address
        for key, value in outputs.items():
            CfnOutput(self, key, value=value)

    def _secret(self, settings: Settings) -> secretsmanager.ISecret:
        return Credentials(
            self,
            "Credentials",
            username=settings.username,
            rotate_days=settings.rotate_password_days,
            retention=settings.retention,
        ).secret

    def _call_outputs(self, username: str) -> dict[str, str]:
        """Outputs that show how to call the API."""
        call = f"-F file=@picture.jpg {self.endpoint}/predict"
        if self.secret is None:
            return {"CurlCommand": f'curl -H "Authorization: Bearer $TOKEN" {call}'}
        arn = self.secret.secret_arn
        password = (
            f"aws secretsmanager get-secret-value --region {self.region} "
            f"--secret-id {arn} --query SecretString --output text"
            """ | python3 -c 'import json, sys; print(json.load(sys.stdin)["password"])'"""
        )
        return {
            "Username": username,
            "PasswordCommand": password,
            "CurlCommand": f'curl -u "{username}:$({password})" {call}',
            "SecretArn": arn,
        }
