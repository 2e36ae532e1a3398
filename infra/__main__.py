"""`python -m infra`: the CDK app that cdk.json names."""

import os
import sys

from aws_cdk import App, Validations
from cdk_nag import AwsSolutionsChecks

from infra.bundle import BundleError, check_bundle
from infra.settings import ROOT, SettingsError, read_settings
from infra.stack import ServiceStack


def synthesise(app: App) -> None:
    """Write the templates. Raises `SettingsError` or `BundleError` before anything is written."""
    settings = read_settings(app.node.get_all_context(), os.environ.get("CDK_DEFAULT_REGION"))
    model_name = check_bundle(ROOT / settings.bundle)
    ServiceStack(
        app,
        f"landscape-classifier-{settings.stage}",
        settings=settings,
        model_name=model_name,
    )
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
