"""The price table, dated and with its sources: prices.json."""

import json
from pathlib import Path

from pydantic import BaseModel, ConfigDict, PositiveFloat

from infra.errors import InfraError

TABLE = Path(__file__).parent / "prices.json"


class Prices(BaseModel):
    """Dollars for one of each, in one region.

    SageMaker's are those of us-east-1, where they are among the lowest.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    lambda_gb_second: PositiveFloat
    lambda_request: PositiveFloat
    http_api_request: PositiveFloat  # for every 512 kB begun
    log_gb: PositiveFloat
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
    """All prices.

    Attributes:
        as_of: the day they were written down.
        note: how far to trust them.
        sources: AWS's page for each service.
        everywhere: prices that the regions share, by the names of `Prices`.
        regions: the others, by region.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    as_of: str
    note: str
    sources: dict[str, str]
    everywhere: dict[str, float]
    regions: dict[str, dict[str, float]]

    def of(self, region: str) -> Prices:
        """The prices of a region. Raises `InfraError` for one that the table does not have."""
        if region not in self.regions:
            raise InfraError(
                f"{TABLE.name} has no prices of {region!r}, only of {', '.join(self.regions)}. "
                "Add them there, from the pages that it names."
            )
        return Prices(**self.everywhere, **self.regions[region])


def read_table() -> Table:
    """The table that comes with the project."""
    return Table(**json.loads(TABLE.read_text(encoding="utf-8")))
