"""Roles of bulk classification."""

from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_stepfunctions as sfn
from constructs import Construct

from infra.function_role import allow
from infra.nag import acknowledge, logical_id
from infra.storage import RUNS

# https://docs.aws.amazon.com/step-functions/latest/dg/cw-logs.html
LOG_DELIVERY = [
    "logs:CreateLogDelivery",
    "logs:GetLogDelivery",
    "logs:UpdateLogDelivery",
    "logs:DeleteLogDelivery",
    "logs:ListLogDeliveries",
    "logs:PutResourcePolicy",
    "logs:DescribeResourcePolicies",
    "logs:DescribeLogGroups",
]

# https://docs.aws.amazon.com/step-functions/latest/dg/xray-iam.html
TRACING = [
    "xray:PutTraceSegments",
    "xray:PutTelemetryRecords",
    "xray:GetSamplingRules",
    "xray:GetSamplingTargets",
]


def machine_role(scope: Construct, bucket: s3.Bucket, *functions: lambda_.IFunction) -> iam.Role:
    """Return the role of the state machine.

    CDK would grant the whole bucket, because the key of the manifest is only known in a run.
    """
    role = iam.Role(scope, "MachineRole", assumed_by=iam.ServicePrincipal("states.amazonaws.com"))
    allow(role, ["lambda:InvokeFunction"], [each.function_arn for each in functions])
    allow(role, ["s3:GetObject"], [bucket.arn_for_objects(f"{RUNS}*")])
    allow(
        role,
        [
            "s3:PutObject",
            "s3:GetObject",
            "s3:ListMultipartUploadParts",
            "s3:AbortMultipartUpload",
        ],
        [bucket.arn_for_objects(f"{RUNS}map/*")],
    )
    allow(role, LOG_DELIVERY, ["*"])
    allow(role, TRACING, ["*"])
    where = f"<{logical_id(bucket)}.Arn>"
    for finding, reason in (
        (f"{where}/{RUNS}*", "The names of the runs are not known in advance."),
        (f"{where}/{RUNS}map/*", "The names of the map runs are not known in advance."),
        ("*", "Log delivery and X-Ray support no permissions for single resources."),
    ):
        acknowledge(role, f"IAM5[Resource::{finding}]", reason)
    return role


def allow_children(role: iam.Role, machine: sfn.StateMachine) -> None:
    """Allow a state machine to run the children of its Distributed Map.

    CDK creates the policy, but attaches it to no role whose policies it may not update.
    """
    policy = machine.node.find_child("DistributedMapPolicy")
    assert isinstance(policy, iam.Policy)  # noqa: S101 - for the type
    policy.attach_to_role(role)
    name = f'{{"Fn::Select":[6,{{"Fn::Split":[":",{{"Ref":"{logical_id(machine)}"}}]}}]}}'
    executions = f"arn:<AWS::Partition>:states:<AWS::Region>:<AWS::AccountId>:execution:{name}"
    for suffix in (":*", "/Batches:*"):
        acknowledge(
            policy,
            f"IAM5[Resource::{executions}{suffix}]",
            "The names of the executions are not known in advance.",
        )
