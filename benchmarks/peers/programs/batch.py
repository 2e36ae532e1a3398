"""Classify objects of a bucket twice: `batch.py KIND WARM NUMBER`. Prints JSON of the second time.

KIND is service, loop or threads. The first WARM objects load everything.
"""

import json
import os
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import boto3

BUCKET, PARTS = "pictures", "parts"
BYTES = 8_000  # of an object, from the listing


class Service:
    """The worker of a bulk run."""

    def __init__(self):
        os.environ.update(MODEL_URI=os.environ["BUNDLE"], FALLBACK_MODEL=os.environ["BUNDLE"])
        os.environ.update(RUNS_BUCKET=PARTS)
        from lambda_api.bulk.model import classifier
        from lambda_api.bulk.worker import handler

        self.handler, self.version = handler, classifier().manifest.version

    def get_remaining_time_in_millis(self):
        return 900_000

    def batch(self, part, keys):
        event = {"run": "bench", "version": self.version, "source_bucket": BUCKET, "top_k": 1}
        items = [{"key": key, "bytes": BYTES} for key in keys]
        answer = self.handler({**event, "batch": {"part": part, "items": items}}, self)
        assert answer == {"pictures": len(keys), "failed": 0}


class Plain:
    """One object after the other, or some in threads."""

    def __init__(self, threads):
        from scenes import Scenes

        self.scenes, self.s3, self.threads = Scenes(), boto3.client("s3"), threads

    def line(self, key):
        data = self.s3.get_object(Bucket=BUCKET, Key=key)["Body"].read()
        return json.dumps({"key": key, "label": self.scenes.predict(data)["label"]})

    def batch(self, part, keys):
        if self.threads == 1:
            lines = list(map(self.line, keys))
        else:
            with ThreadPoolExecutor(self.threads) as pool:
                lines = list(pool.map(self.line, keys))
        self.s3.put_object(Bucket=PARTS, Key=f"{part}.jsonl", Body="\n".join(lines).encode())


kind, warm, number = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
worker = Service() if kind == "service" else Plain(8 if kind == "threads" else 1)
worker.batch(0, [f"{n}.jpg" for n in range(warm)])
start, cpu = time.perf_counter(), time.process_time()
worker.batch(1, [f"{n}.jpg" for n in range(number)])
seconds, cpu_s = time.perf_counter() - start, time.process_time() - cpu
print("\n" + json.dumps({"pictures_a_second": number / seconds, "cpu_ms": 1000 * cpu_s / number}))
