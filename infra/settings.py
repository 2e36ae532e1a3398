"""The stack's settings: typed context, as in `cdk deploy -c stage=prod -c memory=3008`."""

import difflib
from collections.abc import Iterable, Mapping
from ipaddress import IPv4Network
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from aws_cdk.region_info import RegionInfo
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    model_validator,
)

from infra.budget import WITHOUT_BUDGETS
from infra.errors import InfraError

ROOT = Path(__file__).parents[1]
# What CloudWatch Logs takes; anything else fails only when it is deployed.
RETENTION_DAYS = (1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1827, 3653)


class SettingsError(InfraError):
    """Context that is not usable; the message names each value that is not and why."""


def _split(value: object) -> object:
    return value.split() if isinstance(value, str) else value


def _can_be_kept_for(days: int) -> int:
    if days not in RETENTION_DAYS:
        raise ValueError(f"CloudWatch Logs knows {', '.join(map(str, RETENTION_DAYS))} days only")
    return days


def _is_no_stage_of_the_page(stage: str) -> str:
    if stage.endswith("-page"):
        raise ValueError('must not end in "-page": that is how a stage\'s page is named')
    return stage


def _runs_the_image(architecture: str) -> str:
    if architecture != "x86_64":
        raise ValueError(
            "x86_64 is all that works: LiteRT's wheels for arm64 need a newer C++ library than "
            "Lambda's base image has"
        )
    return architecture


Email = Annotated[str, Field(pattern=r"^[^@\s]+@[^@\s]+\.[^@\s]+$")]
Repository = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9-]{0,38}/[A-Za-z0-9._-]{1,100}$")]
Origin = Annotated[str, Field(pattern=r"^https?://[^/*\s]+$")]


class Settings(BaseModel):
    """What can be chosen; each field is a context key.

    Attributes:
        stage: part of the stack's name. One that begins with `prod` keeps its data when destroyed.
        bundle: folder of the model that is baked into the image, "models/…".
        model: what serves: the baked-in bundle, or the bucket's current one ("registry"), for
            which the baked-in one stands in.
        username: of the generated credentials.
        memory: of the function, in MB. 1769 are one whole virtual CPU.
        architecture: of the function; there is no choice yet.
        reserved_concurrency: of the function: a share of the account's, and its upper limit.
        provisioned_concurrency: instances that are kept warm, and paid for, around the clock; at
            most those that are reserved.
        canary: whether a new version first gets a tenth of the requests for five minutes.
        throttle_rate: requests a second that the API accepts in the long run.
        throttle_burst: requests at once.
        log_retention_days: of all logs.
        upload_days: for how long uploads are kept.
        rotate_password_days: after how many the password changes by itself; never if not set.
        cors_origins: web pages that may ask from a browser, split by spaces.
        alarm_email: who is told of alarms, once they have confirmed the first mail.
        frontend: whether the page stands too.
        page_networks: from where it may be opened, as in "203.0.113.0/24 198.51.100.7", split by
            spaces; "0.0.0.0/0" is everywhere.
        github: repository "owner/name" whose workflows may deploy, see infra/github.py.
        budget: dollars a month of the whole account, of which they are warned.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    stage: Annotated[str, AfterValidator(_is_no_stage_of_the_page)] = Field(
        "dev", pattern=r"^[a-z][a-z0-9-]{0,19}$"
    )
    bundle: str = Field("models/intel-scenes", pattern=r"^models/[\w.-]+$")
    model: Literal["image", "registry"] = "image"
    username: str = Field("classifier", pattern=r"^[\w.@-]{1,64}$")
    memory: int = Field(1769, ge=512, le=10_240)
    architecture: Annotated[str, AfterValidator(_runs_the_image)] = "x86_64"
    reserved_concurrency: int | None = Field(None, ge=1)
    provisioned_concurrency: int = Field(0, ge=0)
    canary: bool = True
    throttle_rate: int = Field(50, ge=1)
    throttle_burst: int = Field(100, ge=1)
    log_retention_days: Annotated[int, AfterValidator(_can_be_kept_for)] = 30
    upload_days: int = Field(1, ge=1)
    rotate_password_days: int | None = Field(None, ge=1, le=1000)
    cors_origins: Annotated[tuple[Origin, ...], BeforeValidator(_split)] = ()
    alarm_email: Email | None = None
    github: Repository | None = None
    budget: float | None = Field(None, gt=0)
    frontend: bool = False
    page_networks: Annotated[tuple[IPv4Network, ...], BeforeValidator(_split)] = ()

    @model_validator(mode="after")
    def _says_who_sees_the_page(self) -> Self:
        if self.frontend and not self.page_networks:
            raise ValueError(
                "page_networks: say from where the page may be opened, for it needs no password: "
                "-c page_networks=203.0.113.0/24, or 0.0.0.0/0 for everywhere"
            )
        return self

    @model_validator(mode="after")
    def _page_knows_the_password(self) -> Self:
        if self.frontend and self.rotate_password_days:
            raise ValueError(
                "rotate_password_days: leave it out with frontend, for the page reads the password "
                "when it starts and would keep the old one"
            )
        return self

    @model_validator(mode="after")
    def _keeps_warm_no_more_than_it_may_run(self) -> Self:
        if self.reserved_concurrency and self.provisioned_concurrency > self.reserved_concurrency:
            raise ValueError(
                f"provisioned_concurrency: {self.provisioned_concurrency} instances cannot be kept "
                f"warm where reserved_concurrency lets {self.reserved_concurrency} run"
            )
        return self

    @model_validator(mode="after")
    def _can_tell_of_the_budget(self) -> Self:
        if self.budget and not self.alarm_email:
            raise ValueError("budget: needs alarm_email too, to say whom to tell")
        return self

    @property
    def keeps_data(self) -> bool:
        """Whether bucket, secret and logs outlive the stack."""
        return self.stage.startswith("prod")


def read_settings(context: Mapping[str, Any], region: str | None) -> Settings:
    """Settings of the CDK context.

    Args:
        context: all of it; keys with a colon are CDK's own.
        region: that the CLI deploys to; None where it knows none.

    Raises:
        SettingsError: a key is unknown, a value is refused, or there is no such region.
    """
    regions = [known.name for known in RegionInfo.regions if known.partition == "aws"]
    if region and region not in regions:
        raise SettingsError(
            f"There is no region {region!r} to deploy to{_meant(region, regions)}: set "
            "AWS_REGION, or `region` of the profile in ~/.aws/config. (AWS of China and of the US "
            "government do not have all that is used.)"
        )
    given = {key: value for key, value in context.items() if ":" not in key}
    try:
        settings = Settings(**given)
        if settings.budget and region in WITHOUT_BUDGETS:
            raise SettingsError(
                f"budget: CloudFormation has no budgets in {region}. Leave it out, and make one of "
                "the whole account in the billing console."
            )
        # https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/standard-logging.html
        if settings.frontend and region and RegionInfo.get(region).is_opt_in_region:
            raise SettingsError(
                f"frontend: CloudFront delivers no logs to buckets in {region}, nor in any other "
                "region that has to be enabled first. Leave it out, or choose another region."
            )
        return settings
    except ValidationError as error:
        problems = [_problem(e["loc"], e["type"], e["msg"]) for e in error.errors()]
    raise SettingsError("\n  ".join(["Context (-c key=value, or cdk.json) is refused:", *problems]))


def _problem(location: tuple[int | str, ...], kind: str, message: str) -> str:
    if not location:
        return message.removeprefix("Value error, ")
    key = str(location[0])
    if kind == "extra_forbidden":
        return f"{key}: there is no such key{_meant(key, Settings.model_fields)}"
    return f"{key}: {message.removeprefix('Value error, ')}"


def _meant(word: str, known: Iterable[str]) -> str:
    close = difflib.get_close_matches(word, known, n=1)
    return f" (did you mean {close[0]!r}?)" if close else ""
