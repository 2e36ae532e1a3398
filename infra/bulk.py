"""Bulk classification: three functions and the Step Functions state machine that runs them."""

from collections.abc import Sequence

from aws_cdk import Duration
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_cloudwatch_actions as actions
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_sns as sns
from aws_cdk import aws_stepfunctions as sfn
from aws_cdk import aws_stepfunctions_tasks as tasks
from constructs import Construct

from infra.bulk_roles import allow, machine_role
from infra.function import image_code
from infra.nag import acknowledge, logical_id
from infra.settings import Settings
from infra.storage import MODELS, RUNS

STEP_TIMEOUT = Duration.minutes(15)  # lists a million keys, or reads the parts of a million
# Children of type EXPRESS end after five minutes, with their retries.
WORKER_TIMEOUT = Duration.seconds(120)
TOLERATED_FAILURES_PERCENT = 5
RETRIED = [
    "Lambda.TooManyRequestsException",
    "Lambda.ServiceException",
    "Lambda.AWSLambdaException",
    "Lambda.SdkClientException",
    "Lambda.ResourceNotReadyException",
    # The state "inactive" of a function that was idle for weeks.
    "Lambda.CodeArtifactUserPendingException",
]
FAILED_WORKERS = ["NotDone", "AwsError", "Lambda.Unknown", "Sandbox.Timedout", "Runtime.ExitError"]


class Bulk(Construct):
    """Functions, roles by prefix, state machine, log and alarms of bulk classification.

    Args:
        bucket: bucket of the service; results are written below `runs/`.
        namespace: CloudWatch namespace of the metrics.
        model_uri: address of the promoted model; None for the bundle in the image.
        topic: topic of the alarms.

    Attributes:
        machine: the state machine. The name of an execution is the name of its run.
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
        self._environment = {
            "POWERTOOLS_METRICS_NAMESPACE": namespace,
            "RUNS_BUCKET": bucket.bucket_name,
            "MAX_DECODED_BYTES": str(settings.memory * 500_000),
        }
        if model_uri:
            self._environment["MODEL_URI"] = model_uri
        prefixes = [MODELS, RUNS] if model_uri else [RUNS]
        # Only the plan and the summary may list, only the plan and the worker read pictures.
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
        self.machine = self._machine(plan, worker, summarize)
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
        role = iam.Role(
            self, f"{name}Role", assumed_by=iam.ServicePrincipal("lambda.amazonaws.com")
        )
        self._logs.grant_write(role)
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
                # The condition is also met by a request for a key, which is not a listing.
                allow(role, ["s3:ListBucket"], [arn], {"StringLike": {"s3:prefix": f"{prefix}*"}})
                acknowledge(
                    role,
                    f"IAM5[Resource::{arn}/{prefix}*]",
                    "The setting bulk_inputs names this prefix.",
                )
        return lambda_.DockerImageFunction(
            self,
            name,
            code=image_code(
                self._settings.bundle,
                self._settings.architecture,
                f"lambda_api.bulk.{module}.handler",
            ),
            architecture=lambda_.Architecture.custom(self._settings.architecture),
            memory_size=self._settings.memory,
            timeout=timeout,
            environment=self._environment,
            role=role.without_policy_updates(),
            log_group=self._logs,
            logging_format=lambda_.LoggingFormat.JSON,
            system_log_level_v2=lambda_.SystemLogLevel.WARN,
            reserved_concurrent_executions=reserved,
        )

    def _machine(
        self, plan: lambda_.IFunction, worker: lambda_.IFunction, summarize: lambda_.IFunction
    ) -> sfn.StateMachine:
        planned = tasks.LambdaInvoke(
            self,
            "PlanBatches",
            lambda_function=plan,
            payload=sfn.TaskInput.from_object(
                {
                    "execution": sfn.JsonPath.string_at("$$.Execution.Name"),
                    "input": sfn.JsonPath.object_at("$"),
                }
            ),
            payload_response_only=True,
            retry_on_service_exceptions=False,
        )
        classified = sfn.DistributedMap(
            self,
            "ClassifyBatches",
            label="Batches",
            item_reader=sfn.S3JsonLItemReader(
                bucket_name_path=sfn.JsonPath.string_at("$.manifest.bucket"),
                key=sfn.JsonPath.string_at("$.manifest.key"),
            ),
            item_selector={
                **{
                    field: sfn.JsonPath.string_at(f"$.{field}")
                    for field in ("run", "source_bucket", "version")
                },
                "top_k": sfn.JsonPath.number_at("$.top_k"),
                "batch": sfn.JsonPath.object_at("$$.Map.Item.Value"),
            },
            map_execution_type=sfn.StateMachineType.EXPRESS,
            max_concurrency_path="$.concurrency",
            tolerated_failure_percentage=TOLERATED_FAILURES_PERCENT,
            result_path=sfn.JsonPath.DISCARD,
            result_writer_v2=sfn.ResultWriterV2(
                bucket=self._bucket,
                prefix=f"{RUNS}map",
                writer_config=sfn.WriterConfig(
                    output_type=sfn.OutputType.JSONL, transformation=sfn.Transformation.COMPACT
                ),
            ),
        )
        batch = tasks.LambdaInvoke(
            self,
            "ClassifyBatch",
            lambda_function=worker,
            payload_response_only=True,
            retry_on_service_exceptions=False,
        )
        for task in (planned, batch):
            _retry(task, RETRIED, attempts=6)
        _retry(batch, FAILED_WORKERS, attempts=2)
        classified.item_processor(batch)
        summary = tasks.LambdaInvoke(
            self,
            "SummarizeRun",
            lambda_function=summarize,
            payload=sfn.TaskInput.from_object({"run": sfn.JsonPath.string_at("$.run")}),
            payload_response_only=True,
            retry_on_service_exceptions=False,
        )
        _retry(summary, [*RETRIED, "AwsError"], attempts=6)
        # The summary counts the pictures of failed batches as "not_done".
        classified.add_catch(
            summary, errors=["States.ExceedToleratedFailureThreshold"], result_path="$.failed"
        )
        machine = sfn.StateMachine(
            self,
            "Machine",
            role=machine_role(self, self._bucket, plan, worker, summarize).without_policy_updates(),
            definition_body=sfn.DefinitionBody.from_chainable(
                planned.next(classified).next(summary)
            ),
            timeout=Duration.days(2),
            tracing_enabled=True,
            logs=sfn.LogOptions(destination=self._logs, level=sfn.LogLevel.ALL),
        )
        own = f'{{"Fn::Select":[6,{{"Fn::Split":[":",{{"Ref":"{logical_id(machine)}"}}]}}]}}'
        children = f"arn:<AWS::Partition>:states:<AWS::Region>:<AWS::AccountId>:execution:{own}"
        for suffix in (":*", "/Batches:*"):
            acknowledge(
                machine,
                f"IAM5[Resource::{children}{suffix}]",
                "CDK's policy for the Map. The names of the executions are not known in advance.",
            )
        return machine


def _retry(task: tasks.LambdaInvoke, errors: list[str], *, attempts: int) -> None:
    task.add_retry(
        errors=errors,
        interval=Duration.seconds(2),
        backoff_rate=2,
        max_attempts=attempts,
        max_delay=Duration.seconds(60),
        jitter_strategy=sfn.JitterType.FULL,
    )
