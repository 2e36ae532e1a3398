"""Settings from the CDK context, such as `cdk deploy -c stage=prod -c memory=3008`."""

import difflib
import re
from collections.abc import Iterable, Mapping
from ipaddress import IPv4Network
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from aws_cdk.region_info import RegionInfo
from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    ValidationError,
    model_validator,
)

from infra.access import AccessSettings, region_problems
from infra.budget import WITHOUT_BUDGETS
from infra.collection import Collect
from infra.errors import InfraError
from infra.retention import Retention
from infra.text_forms import like

ROOT = Path(__file__).parents[1]
# The values that CloudWatch Logs supports. Any other value would only fail in the deployment.
RETENTION_DAYS = (1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1827, 3653)


class SettingsError(InfraError):
    """The context is not valid. The message lists every invalid value and the reason."""


def _split(value: object) -> object:
    return value.split() if isinstance(value, str) else value


def _check_retention(days: int) -> int:
    if days not in RETENTION_DAYS:
        raise ValueError(
            f"CloudWatch Logs supports only {', '.join(map(str, RETENTION_DAYS))} days"
        )
    return days


def _check_stage(stage: str) -> str:
    if stage.endswith("-page"):
        raise ValueError('must not end in "-page", the suffix of the page\'s stack')
    return stage


Email = Annotated[str, like("ops@example.com", r"[^@\s]+@[^@\s]+\.[^@\s]+")]
Repository = Annotated[
    str, like("owner/repository", r"[A-Za-z0-9][A-Za-z0-9-]{0,38}/[A-Za-z0-9._-]{1,100}")
]
Zone = Annotated[str, like("us-east-1b", r"[a-z]{2,4}(-[a-z]+)+-\d+[a-z]")]
Origin = Annotated[str, like("https://example.com", r"https?://[^/*\s]+")]


class Settings(AccessSettings):
    """Settings of a stage. Each field is a context key.

    Attributes:
        stage: part of the stack's name. A stage that begins with `prod` keeps its data when its
            stack is deleted.
        bundle: folder of the bundle that is built into the image, "models/...".
        model: "image" serves the built-in bundle; "registry" serves the version promoted in the
            bucket, with the built-in bundle as fallback.
        username: username of the generated credentials.
        memory: memory of the function in MB. 1769 MB are one full virtual CPU.
        architecture: architecture of both container images.
        reserved_concurrency: part of the account's concurrency that is reserved for the function,
            and its upper limit.
        provisioned_concurrency: number of instances that are always kept warm and paid for; at
            most `reserved_concurrency`.
        canary: send 10 % of the requests to a new version for five minutes first.
        throttle_rate: requests per second that the API accepts on average.
        throttle_burst: concurrent requests that the API accepts.
        log_retention_days: days to keep all logs.
        upload_days: days to keep uploads.
        collect: which pictures the service stores in the bucket: "off"; "feedback" those sent with
            feedback; "unsure" also those without a confident prediction; "all" all.
        collect_days: days to keep them.
        rotate_password_days: days between automatic changes of the password; never if not set.
        cors_origins: origins of web pages that may call the API from a browser, separated by
            spaces.
        alarm_email: address that gets the alarms, after its owner has confirmed the first email.
        page_networks: IPv4 networks that may open the page, separated by spaces, such as
            "203.0.113.0/24 198.51.100.7"; "0.0.0.0/0" is every address.
        page_zones: two availability zones for the page, such as "us-east-1b us-east-1c"; by default
            the first two of the region.
        dashboard: create the CloudWatch dashboard.
        budget: monthly cost of the whole account in US dollars at which `alarm_email` is warned.
        github: repository "owner/name" whose workflows may deploy, see infra/github.py.
        github_provider: create GitHub's OIDC provider; false if the account already has it.
    """

    stage: Annotated[
        str, like("staging", r"[a-z][a-z0-9-]{0,19}"), AfterValidator(_check_stage)
    ] = "dev"
    bundle: Annotated[str, like("models/flowers", r"models/[\w.-]+")] = "models/intel-scenes"
    model: Literal["image", "registry"] = "image"
    username: Annotated[str, like("ann", r"[\w.@-]{1,64}")] = "classifier"
    memory: int = Field(1769, ge=512, le=10_240)
    architecture: Literal["x86_64", "arm64"] = "x86_64"
    reserved_concurrency: int | None = Field(None, ge=1)
    provisioned_concurrency: int = Field(0, ge=0)
    canary: bool = True
    throttle_rate: int = Field(50, ge=1)
    throttle_burst: int = Field(100, ge=1)
    log_retention_days: Annotated[int, AfterValidator(_check_retention)] = 30
    upload_days: int = Field(1, ge=1)
    collect: Collect = "off"
    collect_days: int = Field(90, ge=1)
    rotate_password_days: int | None = Field(None, ge=1, le=1000)
    cors_origins: Annotated[tuple[Origin, ...], BeforeValidator(_split)] = ()
    alarm_email: Email | None = None
    github: Repository | None = None
    github_provider: bool = True
    budget: float | None = Field(None, gt=0)
    page_networks: Annotated[tuple[IPv4Network, ...], BeforeValidator(_split)] = ()
    page_zones: Annotated[tuple[Zone, ...], BeforeValidator(_split)] = ()
    dashboard: bool = True

    @model_validator(mode="after")
    def _page_has_networks(self) -> Self:
        if self.frontend and not self.page_networks:
            raise ValueError(
                "page_networks: is required with frontend: only these networks reach the page. Set "
                "the networks that may open it: -c page_networks=203.0.113.0/24, or 0.0.0.0/0 for "
                "every address"
            )
        return self

    @model_validator(mode="after")
    def _page_has_a_fixed_password(self) -> Self:
        if self.frontend and self.rotate_password_days:
            raise ValueError(
                "rotate_password_days: cannot be used with frontend, because the page reads the "
                "password only when it starts"
            )
        return self

    @model_validator(mode="after")
    def _provisioned_is_at_most_reserved(self) -> Self:
        if self.reserved_concurrency and self.provisioned_concurrency > self.reserved_concurrency:
            raise ValueError(
                f"provisioned_concurrency: {self.provisioned_concurrency} is more than "
                f"reserved_concurrency, {self.reserved_concurrency}. Lower it, or raise "
                "reserved_concurrency"
            )
        return self

    @model_validator(mode="after")
    def _provisioned_has_a_canary(self) -> Self:
        if self.provisioned_concurrency and not self.canary:
            raise ValueError(
                "provisioned_concurrency: cannot be used with canary=false. CloudFormation would "
                "leave weights on the alias if the new version failed, and reject every later "
                'deployment ("Alias with weights can not be used with Provisioned Concurrency"). '
                "Set it to 0 for this deployment"
            )
        return self

    @model_validator(mode="after")
    def _zones_are_two_for_a_page(self) -> Self:
        if self.page_zones and not self.frontend:
            raise ValueError("page_zones: needs frontend=true")
        if self.page_zones and len(set(self.page_zones)) != 2:
            raise ValueError("page_zones: name two different availability zones")
        return self

    @model_validator(mode="after")
    def _provider_has_a_repository(self) -> Self:
        if not self.github_provider and not self.github:
            raise ValueError("github_provider: needs github, the repository that may deploy")
        return self

    @model_validator(mode="after")
    def _budget_has_an_address(self) -> Self:
        if self.budget and not self.alarm_email:
            raise ValueError("budget: needs alarm_email, the address to warn")
        return self

    @property
    def is_production(self) -> bool:
        """Whether the stage begins with `prod`: data is kept, and the stack is protected."""
        return self.stage.startswith("prod")

    @property
    def stack_name(self) -> str:
        """Name of the service's stack."""
        return f"landscape-classifier-{self.stage}"

    @property
    def retention(self) -> Retention:
        """Retention of logs and data."""
        return Retention(self.log_retention_days, keeps_data=self.is_production)


def read_settings(context: Mapping[str, Any], region: str | None) -> Settings:
    """Read the settings from the CDK context.

    Args:
        context: the whole context. Keys of CDK are ignored, see `_is_cdk_key`.
        region: region that the CLI deploys to; None if no region is configured.

    Raises:
        SettingsError: a key, a value or the region is not valid.
    """
    regions = [info.name for info in RegionInfo.regions if info.partition == "aws"]
    if region and region not in regions:
        raise SettingsError(
            f"{region!r} is not a supported region{_suggest(region, regions)}. Set AWS_REGION, or "
            "`region` of the profile in ~/.aws/config. (Regions in China and GovCloud lack some of "
            "the services.)"
        )
    values = {key: value for key, value in context.items() if not _is_cdk_key(key)}
    try:
        settings = Settings(**values)
        if settings.budget and region in WITHOUT_BUDGETS:
            raise SettingsError(
                f"budget: CloudFormation does not support budgets in {region}. Remove the setting, "
                "and create a budget in the billing console."
            )
        if problems := region_problems(settings, region):
            raise SettingsError("\n  ".join(problems))
        # https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/standard-logging.html
        if settings.frontend and region and RegionInfo.get(region).is_opt_in_region:
            raise SettingsError(
                f"frontend: CloudFront cannot deliver logs to {region}, which is an opt-in region. "
                "Remove the setting, or choose another region."
            )
        if region and not all(zone[:-1] == region for zone in settings.page_zones):
            raise SettingsError(
                f"page_zones: {' '.join(settings.page_zones)} are not all in {region}. Name two "
                "availability zones of this region."
            )
        return settings
    except ValidationError as error:
        problems = [_problem(e["loc"], e["type"], e["msg"]) for e in error.errors()]
    raise SettingsError(
        "\n  ".join(
            ["The context (-c key=value, cdk.json or ~/.cdk.json) is not valid:", *problems]
        )
    )


def _is_cdk_key(key: str) -> bool:
    """Return True for keys of CDK, in cdk.json or ~/.cdk.json.

    The settings have underscores. CDK's keys have other characters: `aws:cdk:...`, `@aws-cdk/...`,
    `availability-zones:...`, `cli-telemetry`, `acknowledged-issue-numbers`. A key such as
    `alarm-email` is a misspelled setting.
    """
    if re.fullmatch(r"\w+", key):
        return False
    return not (
        re.fullmatch(r"[\w-]+", key) and _suggest(key.replace("-", "_"), Settings.model_fields)
    )


def _problem(location: tuple[int | str, ...], kind: str, message: str) -> str:
    if not location:
        return message.removeprefix("Value error, ")
    key = str(location[0])
    if kind == "extra_forbidden":
        close = _suggest(key.replace("-", "_"), Settings.model_fields)
        return f"{key}: there is no such setting{close}"
    return f"{key}: {message.removeprefix('Value error, ')}"


def _suggest(word: str, known: Iterable[str]) -> str:
    close = difflib.get_close_matches(word, known, n=1)
    return f" (did you mean {close[0]!r}?)" if close else ""
