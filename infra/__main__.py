"""`python -m infra`: the CDK app that cdk.json names."""

import os
import sys

from aws_cdk import App, Tags, Validations
from cdk_nag import AwsSolutionsChecks

from infra.bundle import BundleError, check_bundle
from infra.page.stack import PageStack
from infra.settings import ROOT, SettingsError, read_settings
from infra.stack import ServiceStack


def synthesise(app: App) -> None:
    """Write the templates. Raises `SettingsError` or `BundleError` before anything is written."""
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
    Tags.of(app).add("project", "landscape-classifier")
    Tags.of(app).add("stage", settings.stage)
    Validations.of(app).add_plugins(AwsSolutionsChecks(app))
    app.synth()


def main() -> int:
    """Synthesise; the exit code: 0 done, 1 something is wrong, which stderr tells."""
    try:
        synthesise(App())
    except (SettingsError, BundleError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
