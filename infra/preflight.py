"""What `cdk deploy` needs of the machine and the account, looked for before it begins."""

import os
import subprocess

from boto3.session import Session
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from infra.errors import InfraError

BOOTSTRAP = "/cdk-bootstrap/hnb659fds/version"  # CDK's default qualifier
CONFIG = Config(connect_timeout=5, read_timeout=10, retries={"total_max_attempts": 2})


class NotReady(InfraError):
    """What is missing, and how to get it."""


def check() -> None:
    """Look for docker, a region, credentials and the bootstrap, in this order.

    Raises:
        NotReady: one is missing.
    """
    docker = os.environ.get("CDK_DOCKER", "docker")
    try:
        subprocess.run([docker, "version"], check=True, capture_output=True, timeout=30)  # noqa: S603
    except (OSError, subprocess.SubprocessError) as error:
        raise NotReady(
            f"{docker} cannot be run or does not reach its daemon, and the image has to be built: "
            "start docker, or name another program by CDK_DOCKER=podman."
        ) from error
    # Of the two variables that name a region, boto3 itself reads AWS_DEFAULT_REGION alone.
    session = Session(region_name=os.environ.get("AWS_REGION"))
    if session.region_name is None:
        raise NotReady("No region is set. Set AWS_REGION, as in AWS_REGION=eu-central-1.")
    try:
        account = session.client("sts", config=CONFIG).get_caller_identity()["Account"]
    except (BotoCoreError, ClientError) as error:
        raise NotReady(
            f"AWS does not accept the credentials, or there are none ({error}). Log in by `aws sso "
            "login` or `aws configure`; AWS_PROFILE chooses a profile."
        ) from error
    ssm = session.client("ssm", config=CONFIG)
    try:
        ssm.get_parameter(Name=BOOTSTRAP)
    except ssm.exceptions.ParameterNotFound as error:
        raise NotReady(
            f"Account {account} is not bootstrapped for CDK in {session.region_name}. Do it, once "
            "for each account and region: make bootstrap"
        ) from error
    except (BotoCoreError, ClientError) as error:
        raise NotReady(f"Whether the account is bootstrapped cannot be seen: {error}") from error
    print(f"Ready to deploy to account {account}, {session.region_name}.")
