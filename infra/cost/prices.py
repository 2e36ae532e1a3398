"""Price table prices.json, with its date and sources."""

import json
from pathlib import Path

from pydantic import BaseModel, ConfigDict, PositiveFloat

from infra.errors import InfraError

TABLE = Path(__file__).parent / "prices.json"


class Prices(BaseModel):
    """Prices in US dollars per unit, in one region.

    The prices of SageMaker are those of us-east-1, which are among the lowest.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    lambda_gb_second: PositiveFloat
    lambda_request: PositiveFloat
    lambda_provisioned_gb_second: PositiveFloat
    arm64_share: PositiveFloat  # price of compute on arm64 relative to x86-64, Lambda and Fargate
    http_api_request: PositiveFloat  # per 512 kB or part of it
    log_gb: PositiveFloat
    s3_put_request: PositiveFloat
    s3_gb_month: PositiveFloat
    metric_month: PositiveFloat
    alarm_metric_month: PositiveFloat
    dashboard_month: PositiveFloat
    secret_month: PositiveFloat
    ecr_gb_month: PositiveFloat
    sagemaker_gb_second: PositiveFloat
    sagemaker_gb_processed: PositiveFloat
    fargate_vcpu_hour: PositiveFloat
    fargate_gb_hour: PositiveFloat
    load_balancer_hour: PositiveFloat
    load_balancer_unit_hour: PositiveFloat
    public_ipv4_hour: PositiveFloat


class Table(BaseModel):
    """Prices of all regions.

    Attributes:
        as_of: date of the prices.
        note: how reliable the prices are.
        sources: URL of the AWS price page, by service.
        everywhere: prices that are the same in all regions, by field of `Prices`.
        regions: other prices, by region and field of `Prices`.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    as_of: str
    note: str
    sources: dict[str, str]
    everywhere: dict[str, float]
    regions: dict[str, dict[str, float]]

    def of(self, region: str) -> Prices:
        """Prices of a region. Raises `InfraError` if the table does not have them."""
        if region not in self.regions:
            raise InfraError(
                f"{TABLE.name} has no prices for {region!r}, only for {', '.join(self.regions)}. "
                "Add them from the price pages listed there."
            )
        return Prices(**self.everywhere, **self.regions[region])


def read_table() -> Table:
    """Read the table of the project."""
    return Table(**json.loads(TABLE.read_text(encoding="utf-8")))
