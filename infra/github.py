"""Roles for GitHub Actions, which deploys without stored keys."""

from collections.abc import Sequence

from aws_cdk import CfnOutput, DefaultStackSynthesizer, Stack
from aws_cdk import aws_iam as iam
from constructs import Construct

ISSUER = "token.actions.githubusercontent.com"
AUDIENCE = "sts.amazonaws.com"
ENVIRONMENT = "production"  # of .github/workflows/deploy.yml
DEPLOY = ("deploy", "file-publishing", "image-publishing", "lookup")
DIFF = ("lookup",)


class GithubStack(Stack):
    """GitHub's OIDC provider, and two roles that one repository may assume.

    The roles can only assume roles of the CDK bootstrap. An account can have only one provider for
    GitHub, so the stack belongs to the account and not to a stage.

    Args:
        repository: as "owner/name".
        create_provider: False if the account already has the provider, with the audience
            `sts.amazonaws.com`.
    """

    def __init__(
        self, scope: Construct, name: str, *, repository: str, create_provider: bool
    ) -> None:
        super().__init__(scope, name, description="Roles for GitHub Actions")
        # IAM derives the ARN of a provider from its URL.
        provider = f"arn:{self.partition}:iam::{self.account}:oidc-provider/{ISSUER}"
        if create_provider:
            provider = iam.CfnOIDCProvider(
                self, "Provider", url=f"https://{ISSUER}", client_id_list=[AUDIENCE]
            ).attr_arn
        # GitHub lets only the branches that the environment names deploy to it.
        deploy = self._role(
            "Deploy", provider, f"repo:{repository}:environment:{ENVIRONMENT}", DEPLOY
        )
        # Anyone who can push a branch can open a pull request, so this role can only read.
        diff = self._role("Diff", provider, f"repo:{repository}:pull_request", DIFF)
        CfnOutput(self, "DeployRole", value=deploy.role_arn)
        CfnOutput(self, "DiffRole", value=diff.role_arn)

    def _role(self, name: str, provider: str, subject: str, kinds: Sequence[str]) -> iam.Role:
        claims = {f"{ISSUER}:aud": AUDIENCE, f"{ISSUER}:sub": subject}
        role = iam.Role(
            self,
            name,
            assumed_by=iam.WebIdentityPrincipal(provider, {"StringEquals": claims}),
        )
        account = f"arn:{self.partition}:iam::{self.account}"
        prefix = f"{account}:role/cdk-{DefaultStackSynthesizer.DEFAULT_QUALIFIER}"
        role.add_to_policy(
            iam.PolicyStatement(
                actions=["sts:AssumeRole"],
                resources=[f"{prefix}-{kind}-role-{self.account}-{self.region}" for kind in kinds],
            )
        )
        return role
