"""Dollars a month, by item, of three ways to serve the same requests."""

from dataclasses import dataclass
from math import ceil

from infra.cost.latency import Latency
from infra.cost.prices import Prices

HOURS = 730  # a month
KB_PER_GB = 1e6
GATEWAY_UNIT_KB = 512
ANSWER_KB = 0.6

# Written by the service for a request and its picture, counted: 1.1 kB of log and metrics. Lambda's
# own lines of start and end, and the access log, are about 0.9 kB more.
LOG_KB = 2.0
SERVICE_LOG_KB = 1.1
METRICS = 18  # at most that the service writes: twelve, and one for each of six labels
ALARM_METRICS = 9  # of six alarms: a share is of two
IMAGE_GB = 0.25

# SageMaker Serverless comes in whole GB, 1 to 6.
SAGEMAKER_STEP_MB, SAGEMAKER_MAX_MB = 1024, 6144

TASK_VCPU, TASK_GB = 1, 2
PEAK = 10  # requests of the busiest minute over those of the average one
FULL = 0.7  # of a task's processor: beyond, requests begin to wait
BALANCER_ADDRESSES = 2  # one in each of two availability zones
BALANCER_UNIT_GB = 1.0  # an hour

Items = dict[str, float]


@dataclass(frozen=True)
class Load:
    """What is asked of the service.

    Attributes:
        requests: a month.
        picture_kb: of each one's picture.
        memory_mb: of the function.
        cold_percent: of the requests start a new instance.
    """

    requests: float
    picture_kb: float
    memory_mb: int
    cold_percent: float


def compute_seconds(load: Load, latency: Latency, memory_mb: int) -> float:
    """Billed seconds a month: whole milliseconds a request, and the starts of instances."""
    warm_ms = ceil(latency.request(memory_mb, load.picture_kb))
    cold_ms = latency.init(memory_mb) * load.cold_percent / 100
    return load.requests * (warm_ms + cold_ms) / 1000


def function(load: Load, latency: Latency, prices: Prices) -> Items:
    """This stack, but for what watches over it."""
    seconds = compute_seconds(load, latency, load.memory_mb)
    units = ceil((load.picture_kb + 1) / GATEWAY_UNIT_KB)
    return {
        "HTTP API": load.requests * units * prices.http_api_request,
        "Lambda, requests": load.requests * prices.lambda_request,
        "Lambda, compute": seconds * load.memory_mb / 1024 * prices.lambda_gb_second,
        "logs": load.requests * LOG_KB / KB_PER_GB * prices.log_gb,
        "secret": prices.secret_month,
        "image in ECR": IMAGE_GB * prices.ecr_gb_month,
    }


def watching(load: Load, prices: Prices) -> Items:
    """This stack's metrics, alarms and dashboard, however many requests there are."""
    return {
        "metrics, in months with requests": METRICS * prices.metric_month if load.requests else 0.0,
        "alarms": ALARM_METRICS * prices.alarm_metric_month,
        "dashboard": prices.dashboard_month,
    }


def sagemaker(load: Load, latency: Latency, prices: Prices) -> Items:
    """A serverless endpoint: called with AWS credentials, so without API, users and alarms."""
    memory_mb = min(SAGEMAKER_MAX_MB, ceil(load.memory_mb / SAGEMAKER_STEP_MB) * SAGEMAKER_STEP_MB)
    seconds = compute_seconds(load, latency, memory_mb)
    data_gb = load.requests * (load.picture_kb + ANSWER_KB) / KB_PER_GB
    return {
        "compute": seconds * memory_mb / 1024 * prices.sagemaker_gb_second,
        "data processed": data_gb * prices.sagemaker_gb_processed,
        "logs": load.requests * SERVICE_LOG_KB / KB_PER_GB * prices.log_gb,
    }


def fargate(load: Load, latency: Latency, prices: Prices) -> Items:
    """Tasks of one processor that never stop, behind a load balancer, without alarms."""
    peak_per_second = load.requests / (HOURS * 3600) * PEAK
    busy = peak_per_second * latency.request_ms / 1000
    tasks = max(1, ceil(busy / FULL))
    data_gb = load.requests * (load.picture_kb + ANSWER_KB) / KB_PER_GB
    units = data_gb / BALANCER_UNIT_GB  # GB and so many hours of a unit
    return {
        f"tasks, {tasks}": tasks
        * HOURS
        * (TASK_VCPU * prices.fargate_vcpu_hour + TASK_GB * prices.fargate_gb_hour),
        "load balancer": HOURS * prices.load_balancer_hour + units * prices.load_balancer_unit_hour,
        "public addresses": (tasks + BALANCER_ADDRESSES) * HOURS * prices.public_ipv4_hour,
        "logs": load.requests * SERVICE_LOG_KB / KB_PER_GB * prices.log_gb,
        "secret": prices.secret_month,
    }
