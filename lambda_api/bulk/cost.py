"""Estimated time and cost of a run. The prices are those of eu-central-1 in US dollars."""

# Measured for small pictures with the bundled model, including overhead.
MS_PER_PICTURE = 6
LAMBDA_GB_S = 0.0000166667  # https://aws.amazon.com/lambda/pricing/
MEMORY_GB = 1769 / 1024
# S3 GET (0.43), transitions (0.05), Express requests (0.01), LIST, PUT and logs (0.02).
DOLLARS_PER_MILLION = 0.51


def estimate(pictures: int, concurrency: int) -> tuple[float, float]:
    """Return the time in minutes and the cost in dollars of small pictures."""
    seconds = pictures * MS_PER_PICTURE / 1000
    dollars = seconds * MEMORY_GB * LAMBDA_GB_S + pictures * DOLLARS_PER_MILLION / 1e6
    return seconds / concurrency / 60, dollars
