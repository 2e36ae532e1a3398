"""Checks of the machine and the account before a deployment."""

import os
import subprocess

from boto3.session import Session
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from infra.errors import InfraError

BOOTSTRAP = "/cdk-bootstrap/hnb659fds/version"  # CDK's default qualifier
CONFIG = Config(connect_timeout=5, read_timeout=10, retries={"total_max_attempts": 2})


class PreflightError(InfraError):
    """A requirement of the deployment is missing. The message says how to get it."""


def check() -> None:
    """Check docker, the region, the credentials and the bootstrap, in this order.

    Raises:
        PreflightError: one of them is missing.
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
        ssm.get_parameter(Name=BOOTSTRAP)
    except ssm.exceptions.ParameterNotFound as error:
        raise PreflightError(
            f"Account {account} is not bootstrapped for CDK in {session.region_name}. Run `make "
            "bootstrap` once for each account and region."
        ) from error
    except (BotoCoreError, ClientError) as error:
        raise PreflightError(
            f"Cannot check whether the account is bootstrapped: {error}"
        ) from error
    print(f"Ready to deploy to account {account}, {session.region_name}.")
