"""Checks of the machine and the account before a deployment."""

import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from typing import Any

from boto3.session import Session
from botocore.exceptions import BotoCoreError, ClientError

from infra.access_checks import access_findings
from infra.account import CONFIG, findings
from infra.base_images import unpinned
from infra.errors import InfraError
from infra.settings import Settings, read_settings

BOOTSTRAP = "/cdk-bootstrap/hnb659fds/version"  # CDK's default qualifier


class PreflightError(InfraError):
    """A requirement of the deployment is missing. The message says how to get it."""


def check(context: Mapping[str, Any]) -> None:
    """Check docker, the region, the credentials, the bootstrap, the settings and the account.

    Args:
        context: the CDK context, as for `read_settings`.

    Raises:
        PreflightError: a requirement is missing, or the account has a limit that the deployment
            would exceed.
        SettingsError: the context is not valid.
    """
    docker = os.environ.get("CDK_DOCKER", "docker")
    try:
        subprocess.run([docker, "version"], check=True, capture_output=True, timeout=30)  # noqa: S603
    except (OSError, subprocess.SubprocessError) as error:
        raise PreflightError(
            f"{docker} does not run or cannot reach its daemon. It is needed to build the image: "
            "start docker, or use another program, such as CDK_DOCKER=podman."
        ) from error
    # boto3 reads AWS_DEFAULT_REGION and the profile, but not AWS_REGION, which CDK prefers.
    session = Session(region_name=os.environ.get("AWS_REGION") or None)
    if session.region_name is None:
        raise PreflightError("No region is set. Set AWS_REGION, such as AWS_REGION=eu-central-1.")
    try:
        account = session.client("sts", config=CONFIG).get_caller_identity()["Account"]
    except (BotoCoreError, ClientError) as error:
        raise PreflightError(
            f"There are no AWS credentials, or AWS rejected them ({error}). Log in with `aws sso "
            "login` or `aws configure`. To choose a profile, set AWS_PROFILE."
        ) from error
    ssm = session.client("ssm", config=CONFIG)
    try:
        bootstrap = ssm.get_parameter(Name=BOOTSTRAP)["Parameter"]["Value"]
    except ssm.exceptions.ParameterNotFound as error:
        raise PreflightError(
            f"Account {account} is not bootstrapped for CDK in {session.region_name}. Run `make "
            "bootstrap` once for each account and region."
        ) from error
    except (BotoCoreError, ClientError) as error:
        raise PreflightError(
            f"Cannot check whether the account is bootstrapped: {error}"
        ) from error
    settings = read_settings(context, session.region_name)
    found = [*findings(session, settings), *access_findings(session, settings)]
    if fatal := [finding.text for finding in found if finding.fatal]:
        raise PreflightError("\n  ".join(["The deployment would fail:", *fatal]))
    for text in (*(finding.text for finding in found), *_advice(settings)):
        print(f"warning: {text}", file=sys.stderr)
    print(f"Ready to deploy to account {account}, {session.region_name}.")
    for text in _checked(docker, bootstrap, settings):
        print(f"  - {text}")


def _checked(docker: str, bootstrap: str, settings: Settings) -> Iterator[str]:
    """List of what the preflight has checked. Problems are errors or warnings before it."""
    yield f"{docker} runs"
    yield f"CDK bootstrap: version {bootstrap}"
    yield f"settings of {settings.stack_name}"
    yield "concurrency of the account" + (", zones of the page" if settings.frontend else "")
    named = {
        "certificates": settings.certificate_arn or settings.page_certificate_arn,
        "hosted zone": settings.hosted_zone,
        "secret of the login": settings.page_oidc_secret,
        "identity provider": settings.page_oidc_secret or settings.jwt_issuer,
    }
    if names := [name for name, value in named.items() if value]:
        yield ", ".join(names)


def _advice(settings: Settings) -> Iterator[str]:
    if files := unpinned(settings):
        yield (
            f"The base image of {' and '.join(files)} has no digest, so its security updates reach "
            "AWS only with the next change of the image. Run `make pin-images` before each "
            "deployment, see docs/operations.md#patching."
        )
    if not settings.alarm_email:
        yield "alarm_email is not set: alarms notify nobody."
