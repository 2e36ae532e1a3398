"""Limits of the AWS account that may stop a deployment: concurrency and availability zones."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from boto3.session import Session
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from infra.settings import Settings

CONFIG = Config(connect_timeout=5, read_timeout=10, retries={"total_max_attempts": 2})
# Lambda keeps this much of the concurrency of the account for functions without a reservation. An
# account with a lower quota must keep all of it.
UNRESERVED_MIN = 100
# Zones without VPC origins of CloudFront:
# https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/private-content-vpc-origins.html
ZONES_WITHOUT_VPC_ORIGINS = {"use1-az3", "usw1-az2", "apne1-az3", "cac1-az3"}


@dataclass(frozen=True)
class Finding:
    """A limit of the account.

    Attributes:
        text: what is wrong, and what to do.
        fatal: whether the deployment would fail.
    """

    text: str
    fatal: bool = True


def findings(session: Session, settings: Settings) -> list[Finding]:
    """Compare the settings with the account. A limit that cannot be read is a warning."""
    found: list[Finding] = []
    checks = [_concurrency, *([_zones] if settings.frontend else [])]
    for check in checks:
        try:
            found += check(session, settings)
        except (BotoCoreError, ClientError) as error:
            found.append(Finding(f"Cannot read the account's limits: {error}", fatal=False))
    return found


def concurrency_findings(
    settings: Settings, *, quota: int, unreserved: int, own: int
) -> Iterator[Finding]:
    """Compare the settings with the concurrency of the account.

    Args:
        settings: settings of the deployment.
        quota: concurrent executions of the account in the region.
        unreserved: those that no function has reserved.
        own: those that the deployed function has reserved, 0 without a reservation.
    """
    free = max(0, unreserved + own - min(UNRESERVED_MIN, quota))
    increase = (
        'Request a higher quota ("Concurrent executions" of AWS Lambda in the console of Service '
        "Quotas)"
    )
    reserved = settings.reserved_concurrency
    if reserved and reserved > free:
        yield Finding(
            f"reserved_concurrency: {reserved} is more than the {free} that this account can "
            f"reserve. Its quota is {quota}, and Lambda keeps {min(UNRESERVED_MIN, quota)} for "
            f"other functions. {increase}, or remove the setting."
        )
    elif settings.provisioned_concurrency > (reserved or free):
        yield Finding(
            f"provisioned_concurrency: {settings.provisioned_concurrency} is more than the {free} "
            f"that this account can provision. Its quota is {quota}. {increase}, or lower the "
            "setting."
        )
    instances = reserved or unreserved
    if instances < min(UNRESERVED_MIN, settings.throttle_burst):
        yield Finding(
            f"The function can have {instances} instances, but the gateway lets "
            f"{settings.throttle_burst} requests through at once (throttle_burst). More than "
            f"{instances} concurrent requests get 503. "
            + ("Raise reserved_concurrency" if reserved else increase)
            + f", or set throttle_burst={instances}.",
            fatal=False,
        )


def zone_findings(zones: Mapping[str, str], chosen: Sequence[str]) -> Iterator[Finding]:
    """Check that CloudFront can reach the page.

    Args:
        zones: id of each availability zone of the region by its name, which differs by account.
        chosen: names of `page_zones`. By default, CloudFormation takes the first two.
    """
    if missing := [name for name in chosen if name not in zones]:
        yield Finding(
            f"page_zones: {' '.join(missing)} are not available to this account. Choose two of "
            f"{' '.join(sorted(zones))}."
        )
        return
    used = chosen or sorted(zones)[:2]
    if bad := [name for name in used if zones[name] in ZONES_WITHOUT_VPC_ORIGINS]:
        good = [name for name in sorted(zones) if zones[name] not in ZONES_WITHOUT_VPC_ORIGINS]
        yield Finding(
            f"page_zones: CloudFront has no VPC origins in {', '.join(bad)} "
            f"({', '.join(zones[name] for name in bad)}). Set two other zones, such as "
            f'-c page_zones="{" ".join(good[:2])}".'
        )


def _concurrency(session: Session, settings: Settings) -> Iterator[Finding]:
    limits = session.client("lambda", config=CONFIG).get_account_settings()["AccountLimit"]
    return concurrency_findings(
        settings,
        quota=limits["ConcurrentExecutions"],
        unreserved=limits["UnreservedConcurrentExecutions"],
        own=_own_reservation(session, settings) if settings.reserved_concurrency else 0,
    )


def _own_reservation(session: Session, settings: Settings) -> int:
    """Concurrency that the deployed function has reserved; 0 if there is none."""
    try:
        (stack,) = session.client("cloudformation", config=CONFIG).describe_stacks(
            StackName=settings.stack_name
        )["Stacks"]
    except ClientError as error:
        if error.response["Error"]["Code"] == "ValidationError":  # not deployed yet
            return 0
        raise
    outputs = {output["OutputKey"]: output["OutputValue"] for output in stack.get("Outputs", [])}
    if "FunctionName" not in outputs:  # the first deployment failed
        return 0
    reservation: dict[str, Any] = session.client("lambda", config=CONFIG).get_function_concurrency(
        FunctionName=outputs["FunctionName"]
    )
    return int(reservation.get("ReservedConcurrentExecutions", 0))


def _zones(session: Session, settings: Settings) -> Iterator[Finding]:
    zones = session.client("ec2", config=CONFIG).describe_availability_zones(
        Filters=[
            {"Name": "zone-type", "Values": ["availability-zone"]},
            {"Name": "state", "Values": ["available"]},
        ]
    )["AvailabilityZones"]
    return zone_findings({zone["ZoneName"]: zone["ZoneId"] for zone in zones}, settings.page_zones)
