"""Acknowledged findings of cdk-nag, each with its reason, beside the construct."""

from aws_cdk import Acknowledgment, CfnElement, Stack, Validations
from constructs import IConstruct


def acknowledge(construct: IConstruct, finding: str, reason: str) -> None:
    """Acknowledge a finding, named as in the report, in `construct` and its children."""
    Validations.of(construct).acknowledge(
        Acknowledgment(id=f"AwsSolutions::AwsSolutions-{finding}", reason=reason)
    )


def logical_id(construct: IConstruct) -> str:
    """Logical id of a construct's resource, as in the template and in findings."""
    resource = construct.node.default_child
    assert isinstance(resource, CfnElement)  # noqa: S101 - for the type
    return Stack.of(construct).get_logical_id(resource)
