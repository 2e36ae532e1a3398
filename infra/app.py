"""CDK app: check the settings and the bundle, then build the stacks."""

import os

from aws_cdk import App, Tags, Validations
from cdk_nag import AwsSolutionsChecks

from infra.bundle import check_bundle
from infra.settings import ROOT, read_settings
from infra.stack import ServiceStack


def build(app: App) -> None:
    """Add the stacks to `app`, with the checks of cdk-nag, which run during the synthesis.

    Raises:
        SettingsError: the context is not valid.
        BundleCheckError: the bundle is incomplete or damaged.
    """
    settings = read_settings(app.node.get_all_context(), os.environ.get("CDK_DEFAULT_REGION"))
    bundle = check_bundle(ROOT / settings.bundle)
    name = settings.stack_name
    service = ServiceStack(app, name, settings=settings, bundle=bundle)
    # Imported only where it is used: the page's stack takes a second to import.
    if settings.frontend:
        from infra.page.stack import PageStack

        PageStack(
            app,
            f"{name}-page",
            api_url=service.endpoint,
            secret=service.secret,
            networks=settings.page_networks,
            zones=settings.page_zones,
            retention=settings.retention,
            architecture=settings.architecture,
            access=settings,
            topic=service.topic,
        )
    if settings.github:
        from infra.github import GithubStack

        GithubStack(
            app,
            "github-landscape-classifier",
            repository=settings.github,
            create_provider=settings.github_provider,
        )
    Tags.of(app).add("project", "landscape-classifier")
    Tags.of(app).add("stage", settings.stage)
    Validations.of(app).add_plugins(AwsSolutionsChecks(app))
