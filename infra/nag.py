"""Findings of cdk-nag that stay, each with its reason beside what it is about."""

from aws_cdk import Acknowledgment, CfnElement, Stack, Validations
from constructs import IConstruct


def acknowledge(construct: IConstruct, finding: str, reason: str) -> None:
    """Let a finding pass in `construct` and what is in it; `finding` as the report names it."""
    Validations.of(construct).acknowledge(
        Acknowledgment(id=f"AwsSolutions::AwsSolutions-{finding}", reason=reason)
    )


def logical_id(construct: IConstruct) -> str:
    """What a construct's resource is called in the template, and in a finding."""
    resource = construct.node.default_child
    assert isinstance(resource, CfnElement)  # noqa: S101 - for the type
    return Stack.of(construct).get_logical_id(resource)
