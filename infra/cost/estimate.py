"""Estimated US dollars per month, by item, of three ways to serve the same requests."""

from dataclasses import dataclass, replace
from math import ceil

from infra.cost.latency import Latency
from infra.cost.prices import Prices

HOURS = 730  # per month
KB_PER_GB = 1e6
GATEWAY_UNIT_KB = 512
RESPONSE_KB = 0.6

# The service writes 1.1 kB of logs and metrics for a request with one picture (measured). Lambda's
# own lines and the access log add about 0.9 kB.
LOG_KB = 2.0
SERVICE_LOG_KB = 1.1
# Tests compare both with what the service writes and with the template.
METRICS = 21  # maximum number that the service writes: fifteen, and one for each of six labels
ALARM_METRICS = 18  # metrics in eleven alarms; a share consists of two
# Each heartbeat may start an instance, and then writes four metrics. CloudWatch bills whole hours.
HEARTBEATS, HEARTBEAT_METRICS = 61, 4  # per month
IMAGE_GB = 0.25

# The memory of SageMaker Serverless is a whole number of GB, 1 to 6.
SAGEMAKER_STEP_MB, SAGEMAKER_MAX_MB = 1024, 6144

TASK_VCPU, TASK_GB = 1, 2
PEAK = 10  # requests in the busiest minute, relative to the average minute
MAX_UTILIZATION = 0.7  # of a task's CPU; above it, requests begin to wait
BALANCER_ADDRESSES = 2  # one in each of two availability zones
BALANCER_UNIT_GB = 1.0  # per hour

Items = dict[str, float]


@dataclass(frozen=True)
class Load:
    """Load on the service.

    Attributes:
        requests: requests per month.
        picture_kb: kilobytes of the picture in each request.
        memory_mb: memory of the function in MB.
        cold_percent: percentage of requests that start a new instance.
        architecture: architecture of the function, x86_64 or arm64.
    """

    requests: float
    picture_kb: float
    memory_mb: int
    cold_percent: float
    architecture: str = "x86_64"


def compute_seconds(load: Load, latency: Latency, memory_mb: int) -> float:
    """Billed seconds per month: whole milliseconds per request, plus the init of cold starts."""
    warm_ms = ceil(latency.request(memory_mb, load.picture_kb))
    cold_ms = latency.init(memory_mb) * load.cold_percent / 100
    return load.requests * (warm_ms + cold_ms) / 1000


def gb_second(architecture: str, prices: Prices) -> float:
    """Price of a second of the function with 1 GB."""
    share = prices.arm64_share if architecture == "arm64" else 1.0
    return prices.lambda_gb_second * share


def function(load: Load, latency: Latency, prices: Prices) -> Items:
    """Cost of this stack without monitoring."""
    seconds = compute_seconds(load, latency, load.memory_mb)
    units = ceil((load.picture_kb + 1) / GATEWAY_UNIT_KB)
    return {
        "HTTP API": load.requests * units * prices.http_api_request,
        "Lambda, requests": load.requests * prices.lambda_request,
        "Lambda, compute": seconds * load.memory_mb / 1024 * gb_second(load.architecture, prices),
        "logs": load.requests * LOG_KB / KB_PER_GB * prices.log_gb,
        "secret": prices.secret_month,
        "image in ECR": IMAGE_GB * prices.ecr_gb_month,
    }


def monitoring(load: Load, prices: Prices) -> Items:
    """Cost of this stack's metrics, alarms and dashboard, which does not depend on the load."""
    return {
        "metrics": METRICS * prices.metric_month
        if load.requests
        else HEARTBEATS * HEARTBEAT_METRICS * prices.metric_month / HOURS,
        "alarms": ALARM_METRICS * prices.alarm_metric_month,
        "dashboard": prices.dashboard_month,
    }


def flood(load: Load, latency: Latency, prices: Prices, rate: float, body_kb: float) -> Items:
    """Cost of requests without credentials, as many as the gateway lets through.

    The function answers them with 401. Each costs at most as much compute as a picture.

    Args:
        load: for the memory of the function.
        latency: latency of the function.
        prices: prices in the region.
        rate: requests per second, for a whole month.
        body_kb: kilobytes in each request.
    """
    requests = replace(load, requests=rate * HOURS * 3600, picture_kb=body_kb, cold_percent=0)
    items = function(requests, latency, prices)
    return {name: items[name] for name in items if name not in ("secret", "image in ECR")}


def sagemaker(load: Load, latency: Latency, prices: Prices) -> Items:
    """Cost of a serverless endpoint without API, users and alarms. Calls need AWS credentials."""
    memory_mb = min(SAGEMAKER_MAX_MB, ceil(load.memory_mb / SAGEMAKER_STEP_MB) * SAGEMAKER_STEP_MB)
    seconds = compute_seconds(load, latency, memory_mb)
    data_gb = load.requests * (load.picture_kb + RESPONSE_KB) / KB_PER_GB
    return {
        "compute": seconds * memory_mb / 1024 * prices.sagemaker_gb_second,
        "data processed": data_gb * prices.sagemaker_gb_processed,
        "logs": load.requests * SERVICE_LOG_KB / KB_PER_GB * prices.log_gb,
    }


def fargate(load: Load, latency: Latency, prices: Prices) -> Items:
    """Cost of tasks of one CPU that always run, behind a load balancer, without alarms."""
    peak_per_second = load.requests / (HOURS * 3600) * PEAK
    busy = peak_per_second * latency.request_ms / 1000
    tasks = max(1, ceil(busy / MAX_UTILIZATION))
    data_gb = load.requests * (load.picture_kb + RESPONSE_KB) / KB_PER_GB
    units = data_gb / BALANCER_UNIT_GB  # hours of a unit
    return {
        f"tasks, {tasks}": tasks
        * HOURS
        * (TASK_VCPU * prices.fargate_vcpu_hour + TASK_GB * prices.fargate_gb_hour),
        "load balancer": HOURS * prices.load_balancer_hour + units * prices.load_balancer_unit_hour,
        "public addresses": (tasks + BALANCER_ADDRESSES) * HOURS * prices.public_ipv4_hour,
        "logs": load.requests * SERVICE_LOG_KB / KB_PER_GB * prices.log_gb,
        "secret": prices.secret_month,
    }
