"""Collected pictures: their place in the bucket, their expiry, and the permissions."""

from typing import Literal

from aws_cdk import Duration
from aws_cdk import aws_iam as iam
from aws_cdk import aws_s3 as s3
from constructs import Construct

from infra.nag import acknowledge, logical_id

Collect = Literal["off", "feedback", "unsure", "all"]

COLLECTED = "collected/"


class Collection(Construct):
    """Prefix `collected/` of the service's bucket.

    Pictures expire even while nothing is collected, so turning it off leaves none behind.

    Args:
        bucket: bucket of the service, which is encrypted and versioned.
        collect: which pictures the service stores.
        days: days to keep pictures and feedback.

    Attributes:
        environment: variables of the function.
    """

    def __init__(
        self,
        scope: Construct,
        name: str,
        *,
        bucket: s3.Bucket,
        collect: Collect,
        days: int,
    ) -> None:
        super().__init__(scope, name)
        self._bucket, self._collect = bucket, collect
        bucket.add_lifecycle_rule(
            id="Collected",
            prefix=COLLECTED,
            expiration=Duration.days(days),
            noncurrent_version_expiration=Duration.days(1),
        )
        self.environment: dict[str, str] = {}
        if collect != "off":
            self.environment = {
                "COLLECT": collect,
                "COLLECT_TO": f"s3://{bucket.bucket_name}/{COLLECTED.rstrip('/')}",
            }

    def grant(self, role: iam.Role) -> None:
        """Allow to write and read below the prefix, if pictures are collected.

        A picture is read when feedback refers to it. The permission to list is part of the role.
        """
        if self._collect == "off":
            return
        role.add_to_policy(
            iam.PolicyStatement(
                actions=["s3:GetObject", "s3:PutObject"],
                resources=[self._bucket.arn_for_objects(f"{COLLECTED}*")],
            )
        )
        acknowledge(
            role,
            f"IAM5[Resource::<{logical_id(self._bucket)}.Arn>/{COLLECTED}*]",
            "The keys below this prefix of the stack's own bucket are not known in advance.",
        )
