"""Time and cost of a run, in US dollars, from the rates that the deployment has computed.

The deployment writes them from infra/cost/prices.json to the stack's output `BulkRates` and to the
environment variable BULK_RATES of the functions.
"""

import json
from dataclasses import dataclass, fields

EXPRESS_GB = 64 / 1024  # smallest billed memory of an EXPRESS execution
KEYS_PER_LIST = 1000
PARTS_REQUESTS = 4  # GET of the part and of its partial, PUT of the part and of its counts


@dataclass(frozen=True)
class Rates:
    """Speed and prices.

    Attributes:
        prices_of: AWS region of the prices.
        ms_per_picture: billed milliseconds for a small picture.
        ms_per_kb: further milliseconds for each kilobyte of a picture.
        worker_second: price of a second of the worker.
        worker_call: price of an invocation.
        s3_get: price of a GET request.
        s3_put: price of a PUT or list request.
        transition: price of a transition of the state machine, one for each batch.
        express_call: price of a child execution.
        express_gb_second: price of a second of a child execution with 1 GB.
    """

    prices_of: str
    ms_per_picture: float
    ms_per_kb: float
    worker_second: float
    worker_call: float
    s3_get: float
    s3_put: float
    transition: float
    express_call: float
    express_gb_second: float

    @classmethod
    def from_json(cls, text: str) -> "Rates":
        """Read the rates. Unknown fields are ignored."""
        given = json.loads(text)
        return cls(**{each.name: given[each.name] for each in fields(cls)})

    def cost(self, pictures: int, batches: int, seconds: float) -> float:
        """Dollars of `batches` batches with `pictures` pictures, which took `seconds` in all.

        Without the log, the metrics and the start of instances, which are small.
        """
        a_batch = (
            self.worker_call + self.transition + self.express_call + PARTS_REQUESTS * self.s3_put
        )
        a_picture = self.s3_get + self.s3_put / KEYS_PER_LIST
        a_second = self.worker_second + EXPRESS_GB * self.express_gb_second
        return pictures * a_picture + batches * a_batch + seconds * a_second

    def seconds(self, pictures: int, total_bytes: int) -> float:
        """Estimated seconds of all workers together."""
        return (pictures * self.ms_per_picture + total_bytes / 1000 * self.ms_per_kb) / 1000
