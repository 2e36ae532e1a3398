"""Bulk classification: three functions and the Step Functions state machine that runs them."""

from collections.abc import Sequence

from aws_cdk import Duration, Size, Stack, Token
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_cloudwatch_actions as actions
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_sns as sns
from constructs import Construct

from infra.bulk_machine import create_machine
from infra.cost.bulk_rates import rates_json
from infra.function import image_code
from infra.function_role import allow, create_role
from infra.nag import acknowledge, logical_id
from infra.settings import Settings
from infra.storage import MODELS, RUNS

STEP_TIMEOUT = Duration.minutes(15)  # lists a million keys, or reads the parts of a million
STEP_STORAGE = Size.gibibytes(4)  # the manifest, or the table, of up to 30 million objects
# A child of type EXPRESS ends after five minutes: this is time for an invocation and one retry.
WORKER_TIMEOUT = Duration.seconds(120)


class Bulk(Construct):
    """Functions, roles by prefix, state machine, log and alarms of bulk classification.

    Args:
        bucket: bucket of the service; results are written below `runs/`.
        namespace: CloudWatch namespace of the metrics.
        model_uri: address of the promoted model; None for the bundle in the image.
        topic: topic of the alarms.

    Attributes:
        machine: the state machine. The name of an execution is the name of its run.
        rates: prices and speed for the estimate of a run, as JSON.
    """

    def __init__(
        self,
        scope: Construct,
        name: str,
        *,
        settings: Settings,
        bucket: s3.Bucket,
        namespace: str,
        model_uri: str | None,
        topic: sns.ITopic,
    ) -> None:
        super().__init__(scope, name)
        self._settings, self._bucket = settings, bucket
        self._logs = settings.retention.log_group(self, "Log")
        region = Stack.of(self).region
        self.rates = rates_json(
            None if Token.is_unresolved(region) else region, settings.memory, settings.architecture
        )
        self._environment = {
            "POWERTOOLS_METRICS_NAMESPACE": namespace,
            "RUNS_BUCKET": bucket.bucket_name,
            "MAX_DECODED_BYTES": str(settings.memory * 500_000),
            "BULK_RATES": self.rates,
        }
        if settings.bulk_reserved:
            self._environment["BULK_RESERVED"] = str(settings.bulk_reserved)
        if model_uri:
            self._environment["MODEL_URI"] = model_uri
        prefixes = [MODELS, RUNS] if model_uri else [RUNS]
        # Only the plan and the worker read pictures.
        plan = self._function("Plan", "plan", STEP_TIMEOUT, own=prefixes, inputs=True)
        worker = self._function(
            "Worker",
            "worker",
            WORKER_TIMEOUT,
            own=prefixes,
            inputs=True,
            reserved=settings.bulk_reserved,
        )
        summarize = self._function("Summarize", "summarize", STEP_TIMEOUT, own=[RUNS])
        self.machine = create_machine(
            self, bucket=bucket, logs=self._logs, plan=plan, worker=worker, summarize=summarize
        )
        for metric, reason in (
            (self.machine.metric_failed(), "A bulk run failed."),
            (self.machine.metric_timed_out(), "A bulk run timed out."),
        ):
            alarm = cloudwatch.Alarm(
                self,
                metric.metric_name,
                metric=metric,
                threshold=0,
                comparison_operator=cloudwatch.ComparisonOperator.GREATER_THAN_THRESHOLD,
                evaluation_periods=1,
                alarm_description=reason,
                treat_missing_data=cloudwatch.TreatMissingData.NOT_BREACHING,
            )
            alarm.add_alarm_action(actions.SnsAction(topic))

    def _function(
        self,
        name: str,
        module: str,
        timeout: Duration,
        *,
        own: Sequence[str],
        inputs: bool = False,
        reserved: int | None = None,
    ) -> lambda_.DockerImageFunction:
        scope = Construct(self, name)
        role = create_role(scope, self._logs)
        readable = [self._bucket.arn_for_objects(f"{prefix}*") for prefix in own]
        allow(role, ["s3:GetObject"], readable)
        allow(role, ["s3:PutObject"], [self._bucket.arn_for_objects(f"{RUNS}*")])
        # Without this permission, S3 returns 403 instead of 404 for a missing key.
        allow(role, ["s3:ListBucket"], [self._bucket.bucket_arn])
        for prefix in own:
            acknowledge(
                role,
                f"IAM5[Resource::<{logical_id(self._bucket)}.Arn>/{prefix}*]",
                "The keys below this prefix of the stack's own bucket are not known in advance.",
            )
        if inputs:
            for uri in self._settings.bulk_inputs:
                bucket, _, prefix = uri.removeprefix("s3://").partition("/")
                arn = f"arn:aws:s3:::{bucket}"
                allow(role, ["s3:GetObject"], [f"{arn}/{prefix}*"])
                # A request for a missing key has no prefix, so S3 returns 403 for it: see
                # `lambda_api.bulk.worker`.
                allow(role, ["s3:ListBucket"], [arn], {"StringLike": {"s3:prefix": f"{prefix}*"}})
                acknowledge(
                    role,
                    f"IAM5[Resource::{arn}/{prefix}*]",
                    "The setting bulk_inputs names this prefix.",
                )
        return lambda_.DockerImageFunction(
            scope,
            "Function",
            code=image_code(
                self._settings.bundle,
                self._settings.architecture,
                f"lambda_api.bulk.{module}.handler",
            ),
            architecture=lambda_.Architecture.custom(self._settings.architecture),
            memory_size=self._settings.memory,
            timeout=timeout,
            ephemeral_storage_size=STEP_STORAGE if timeout is STEP_TIMEOUT else None,
            environment=self._environment,
            role=role.without_policy_updates(),
            log_group=self._logs,
            logging_format=lambda_.LoggingFormat.JSON,
            system_log_level_v2=lambda_.SystemLogLevel.WARN,
            reserved_concurrent_executions=reserved,
        )
