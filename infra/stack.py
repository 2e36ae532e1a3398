"""Stack of the service: its parts and their permissions."""

from aws_cdk import CfnOutput, Stack
from constructs import Construct

from infra.alarms import Alarms
from infra.api import Api
from infra.budget import Budget
from infra.bulk import Bulk
from infra.credentials import Credentials
from infra.dashboard import Dashboard
from infra.function import ServiceFunction
from infra.metrics import ServiceMetrics
from infra.release import Release
from infra.settings import Settings
from infra.storage import MODELS, UPLOADS, Storage


class ServiceStack(Stack):
    """HTTP API, function, bucket, credentials and monitoring.

    Args:
        model_name: name of the model built into the image.

    Attributes:
        endpoint: https:// URL of the API.
        secret: username and password of the API.
    """

    def __init__(self, scope: Construct, name: str, *, settings: Settings, model_name: str) -> None:
        super().__init__(scope, name, description=f"Landscape classifier, stage {settings.stage}")
        credentials = Credentials(
            self,
            "Credentials",
            username=settings.username,
            rotate_days=settings.rotate_password_days,
            retention=settings.retention,
        )
        storage = Storage(
            self,
            "Storage",
            upload_days=settings.upload_days,
            cors_origins=settings.cors_origins,
            retention=settings.retention,
        )
        bucket = storage.bucket
        namespace = f"LandscapeClassifier/{settings.stage}"
        environment = {
            "POWERTOOLS_METRICS_NAMESPACE": namespace,  # stages can share an account
            "AUTH_SECRET_ARN": credentials.secret.secret_arn,
            "UPLOAD_BUCKET": bucket.bucket_name,
            "UPLOAD_PREFIX": UPLOADS,
            # Half of the memory, in bytes. The rest is for the process and its model.
            "MAX_DECODED_BYTES": str(settings.memory * 500_000),
        }
        if settings.cors_origins:
            environment["CORS_ORIGINS"] = " ".join(settings.cors_origins)
        if settings.model == "registry":
            environment["MODEL_URI"] = f"s3://{bucket.bucket_name}/{MODELS}{model_name}/current"
        service = ServiceFunction(
            self,
            "Service",
            bundle=settings.bundle,
            memory=settings.memory,
            environment=environment,
            bucket=bucket,
            reads_models=settings.model == "registry",
            secret=credentials.secret,
            retention=settings.retention,
            reserved_concurrency=settings.reserved_concurrency,
            provisioned_concurrency=settings.provisioned_concurrency,
        )
        api = Api(
            self,
            "Api",
            handler=service.alias,
            throttle_rate=settings.throttle_rate,
            throttle_burst=settings.throttle_burst,
            retention=settings.retention,
        )
        self.endpoint, self.secret = api.endpoint, credentials.secret
        metrics = ServiceMetrics(namespace, api.api, service.alias)
        alarms = Alarms(self, "Alarms", metrics=metrics, email=settings.alarm_email)
        Dashboard(
            self,
            "Dashboard",
            title=self.stack_name,
            metrics=metrics,
            alarms=alarms.all,
            log=service.logs,
        )
        if settings.canary:
            Release(self, "Release", alias=service.alias, alarms=alarms.of_release)
        if settings.budget and settings.alarm_email:
            Budget(self, "Budget", dollars=settings.budget, email=settings.alarm_email)
        password = (
            f"aws secretsmanager get-secret-value --region {self.region} "
            f"--secret-id {credentials.secret.secret_arn} --query SecretString --output text"
            """ | python3 -c 'import json, sys; print(json.load(sys.stdin)["password"])'"""
        )
        outputs = {
            "Endpoint": api.endpoint,
            "Username": settings.username,
            "PasswordCommand": password,
            "CurlCommand": f'curl -u "{settings.username}:$({password})" -F file=@picture.jpg '
            f"{api.endpoint}/predict",
            "BucketName": bucket.bucket_name,
            "SecretArn": credentials.secret.secret_arn,
            "FunctionName": service.function.function_name,
            "LogGroupName": service.logs.log_group_name,
            "AccessLogGroupName": api.logs.log_group_name,
        }
        if settings.bulk_inputs:
            bulk = Bulk(
                self,
                "Bulk",
                settings=settings,
                bucket=bucket,
                namespace=namespace,
                model_uri=environment.get("MODEL_URI"),
                topic=alarms.topic,
            )
            outputs["BulkStateMachineArn"] = bulk.machine.state_machine_arn
        for key, value in outputs.items():
            CfnOutput(self, key, value=value)
