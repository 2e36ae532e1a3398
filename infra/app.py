"""The CDK app: settings and bundle are checked, then the stacks are put together."""

import os

from aws_cdk import App, Tags, Validations
from cdk_nag import AwsSolutionsChecks

from infra.bundle import check_bundle
from infra.github import GithubStack
from infra.page.stack import PageStack
from infra.settings import ROOT, read_settings
from infra.stack import ServiceStack


def build(app: App) -> None:
    """Put the stacks into `app`, with cdk-nag to look at them when it is synthesised.

    Raises:
        SettingsError: the context is refused.
        BundleError: the bundle is not whole.
    """
    settings = read_settings(app.node.get_all_context(), os.environ.get("CDK_DEFAULT_REGION"))
    model_name = check_bundle(ROOT / settings.bundle)
    name = f"landscape-classifier-{settings.stage}"
    service = ServiceStack(app, name, settings=settings, model_name=model_name)
    if settings.frontend:
        PageStack(
            app,
            f"{name}-page",
            api_url=service.endpoint,
            secret=service.secret,
            networks=settings.page_networks,
            log_days=settings.log_retention_days,
            keeps_data=settings.keeps_data,
        )
    if settings.github:
        GithubStack(app, "github-landscape-classifier", repository=settings.github)
    Tags.of(app).add("project", "landscape-classifier")
    Tags.of(app).add("stage", settings.stage)
    Validations.of(app).add_plugins(AwsSolutionsChecks(app))
