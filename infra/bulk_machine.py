"""State machine of bulk classification: plan, Distributed Map over the batches, summary."""

from aws_cdk import Duration
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs_
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_stepfunctions as sfn
from aws_cdk import aws_stepfunctions_tasks as tasks
from constructs import Construct

from infra.bulk_roles import allow_children, machine_role
from infra.storage import RUNS

TOLERATED_FAILURES_PERCENT = 5
# Retries: of a throttled function, and of other failures. The first wait doubles with each retry.
THROTTLED_ATTEMPTS, ATTEMPTS = 6, 2
FIRST_WAIT_S, LONGEST_WAIT_S = 2, 60
THROTTLED = [
    "Lambda.TooManyRequestsException",
    "Lambda.ServiceException",
    "Lambda.AWSLambdaException",
    "Lambda.SdkClientException",
    "Lambda.ResourceNotReadyException",
    # The state "inactive" of a function that was idle for weeks.
    "Lambda.CodeArtifactUserPendingException",
]
# Errors of the functions that a retry cannot change.
FINAL = ["RunError", "ModelChanged", "BundleError"]


def create_machine(
    scope: Construct,
    *,
    bucket: s3.Bucket,
    logs: logs_.ILogGroup,
    plan: lambda_.IFunction,
    worker: lambda_.IFunction,
    summarize: lambda_.IFunction,
) -> sfn.StateMachine:
    """Create the state machine.

    Args:
        scope: construct of bulk classification.
        bucket: bucket of the runs, with the manifests of the batches.
        logs: log of the executions.
        plan: function of the first step.
        worker: function that classifies a batch.
        summarize: function of the last step.
    """
    planned = _invoke(
        scope,
        "PlanBatches",
        plan,
        {
            "execution": sfn.JsonPath.string_at("$$.Execution.Name"),
            "input": sfn.JsonPath.object_at("$"),
        },
    )
    batch = _invoke(scope, "ClassifyBatch", worker)
    summary = _invoke(scope, "SummarizeRun", summarize, {"run": sfn.JsonPath.string_at("$.run")})
    for task in (planned, batch, summary):
        _retry(task, THROTTLED, attempts=THROTTLED_ATTEMPTS)
        task.add_retry(errors=FINAL, max_attempts=0)
        # A crash, a timeout, S3 that throttles, or a batch that needs more time.
        _retry(task, [sfn.Errors.ALL], attempts=ATTEMPTS)
    classified = sfn.DistributedMap(
        scope,
        "ClassifyBatches",
        label="Batches",
        item_reader=sfn.S3JsonLItemReader(bucket=bucket, key=sfn.JsonPath.string_at("$.manifest")),
        item_selector={
            "run": sfn.JsonPath.string_at("$.run"),
            "source_bucket": sfn.JsonPath.string_at("$.source_bucket"),
            "version": sfn.JsonPath.string_at("$.version"),
            "top_k": sfn.JsonPath.number_at("$.top_k"),
            "batch": sfn.JsonPath.object_at("$$.Map.Item.Value"),
        },
        map_execution_type=sfn.StateMachineType.EXPRESS,
        max_concurrency_path="$.concurrency",
        tolerated_failure_percentage=TOLERATED_FAILURES_PERCENT,
        result_path=sfn.JsonPath.DISCARD,
        result_writer_v2=sfn.ResultWriterV2(
            bucket=bucket,
            prefix=f"{RUNS}map",
            writer_config=sfn.WriterConfig(
                output_type=sfn.OutputType.JSONL, transformation=sfn.Transformation.COMPACT
            ),
        ),
    )
    classified.item_processor(batch)
    # The summary counts the pictures of failed batches as "not_done".
    classified.add_catch(
        summary, errors=["States.ExceedToleratedFailureThreshold"], result_path="$.failed"
    )
    # A resumed run may have no missing parts: an empty manifest would fail the Map.
    has_batches = (
        sfn.Choice(scope, "HasBatches")
        .when(sfn.Condition.number_greater_than("$.batches", 0), classified.next(summary))
        .otherwise(summary)
    )
    role = machine_role(scope, bucket, plan, worker, summarize)
    machine = sfn.StateMachine(
        scope,
        "Machine",
        role=role.without_policy_updates(),
        definition_body=sfn.DefinitionBody.from_chainable(planned.next(has_batches)),
        timeout=Duration.days(2),
        tracing_enabled=True,
        logs=sfn.LogOptions(destination=logs, level=sfn.LogLevel.ALL),
    )
    allow_children(role, machine)
    return machine


def _invoke(
    scope: Construct,
    name: str,
    function: lambda_.IFunction,
    payload: dict[str, object] | None = None,
) -> tasks.LambdaInvoke:
    return tasks.LambdaInvoke(
        scope,
        name,
        lambda_function=function,
        payload=None if payload is None else sfn.TaskInput.from_object(payload),
        payload_response_only=True,
        retry_on_service_exceptions=False,  # CDK's retries have no jitter
    )


def _retry(task: tasks.LambdaInvoke, errors: list[str], *, attempts: int) -> None:
    task.add_retry(
        errors=errors,
        interval=Duration.seconds(FIRST_WAIT_S),
        backoff_rate=2,
        max_attempts=attempts,
        max_delay=Duration.seconds(LONGEST_WAIT_S),
        jitter_strategy=sfn.JitterType.FULL,
    )
