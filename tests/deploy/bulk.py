"""Bulk runs in the emulated AWS: their pictures, the command, and a worker that dies."""

import io
import json
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PIL import Image

from tests.conftest import ROOT
from tests.deploy.conftest import PHOTOS
from tests.deploy.emulator import Emulator
from tests.deploy.engine import Engine
from tests.deploy.service import Service

PICTURES, DAMAGED_EVERY = 200, 20
BATCH = 50
SIZE = 150
WORKER = "lambda_api.bulk.worker.handler"
WORKER_STARTS_S = 120


@dataclass(frozen=True)
class BulkRuns:
    """Bulk classification of a folder that is also a prefix in S3.

    Attributes:
        service: the deployed service.
        engine: runs the containers of the functions.
        folder: the pictures, by the part of their keys after `in/`.
    """

    service: Service
    engine: Engine
    folder: Path

    @classmethod
    def of_pictures(
        cls, service: Service, engine: Engine, photo: bytes, folder: Path
    ) -> "BulkRuns":
        """Create the pictures: crops of a photo, some of them cut off in the middle."""
        s3 = service.emulator.client("s3")
        s3.create_bucket(
            Bucket=PHOTOS, CreateBucketConfiguration={"LocationConstraint": "eu-central-1"}
        )
        with Image.open(io.BytesIO(photo)) as source:
            for number in range(PICTURES):
                left, top = number * 2, number
                file = io.BytesIO()
                source.crop((left, top, left + SIZE, top + SIZE)).save(file, "JPEG")
                data = file.getvalue()
                if number % DAMAGED_EVERY == 7:
                    data = data[: len(data) // 2]
                name = f"{number:03d} +% ü.jpg"
                (folder / name).write_bytes(data)
                s3.put_object(Bucket=PHOTOS, Key=f"in/{name}", Body=data)
        return cls(service, engine, folder)

    @property
    def emulator(self) -> Emulator:
        return self.service.emulator

    @property
    def bucket(self) -> str:
        """Bucket of the runs."""
        return self.service.outputs["BucketName"]

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        """Start the command `bulk`."""
        return subprocess.Popen(
            [sys.executable, "-m", "lambda_api", "bulk", *arguments],
            cwd=ROOT,
            env=self.emulator.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run the command `bulk`."""
        process = self.start(*arguments)
        out, err = process.communicate()
        return subprocess.CompletedProcess(process.args, process.returncode, out, err)

    def classified_here(self) -> dict[str, dict[str, Any]]:
        """Return what the command `classify` prints for the folder, by the name of the picture."""
        run = subprocess.run(
            [sys.executable, "-m", "lambda_api", "classify", "--json", self.folder],
            cwd=ROOT,
            capture_output=True,
            text=True,
        )
        assert run.returncode == 1, run.stderr  # some are damaged
        return {Path(line["file"]).name: line for line in map(json.loads, run.stdout.splitlines())}

    def kill_a_worker(self, run: subprocess.Popen[str]) -> None:
        """Wait until an instance of the worker of a run exists, and kill it."""
        deadline = time.monotonic() + WORKER_STARTS_S
        listing = ("--no-trunc", f"--filter=label={self.emulator.label}")
        while run.poll() is None and time.monotonic() < deadline:
            for line in self.engine("ps", *listing, "--format={{.ID}} {{.Command}}").splitlines():
                if WORKER in line:
                    self.engine("kill", line.split()[0])
                    return
        run.kill()
        raise RuntimeError(f"no instance of the worker has started: {run.communicate()}")

    def _execution(self, run: str) -> str:
        machine = self.service.outputs["BulkStateMachineArn"]
        return f"{machine.replace(':stateMachine:', ':execution:')}:{run}"

    def _map_run(self, run: str) -> str:
        states = self.emulator.client("stepfunctions")
        (found,) = states.list_map_runs(executionArn=self._execution(run))["mapRuns"]
        return str(found["mapRunArn"])

    def times(self, run: str) -> dict[str, float]:
        """Return the seconds of the plan, the Map and the summary of a run."""
        states = self.emulator.client("stepfunctions")
        whole = states.describe_execution(executionArn=self._execution(run))
        part = states.describe_map_run(mapRunArn=self._map_run(run))
        moments = [whole["startDate"], part["startDate"], part["stopDate"], whole["stopDate"]]
        steps = zip(("plan", "map", "summary"), moments, moments[1:], strict=False)
        return {name: round((end - begin).total_seconds(), 1) for name, begin, end in steps}

    def failures(self, run: str) -> set[str]:
        """Return the errors of all attempts of the batches of a run."""
        states = self.emulator.client("stepfunctions")
        children = states.list_executions(mapRunArn=self._map_run(run))["executions"]
        return {
            event["taskFailedEventDetails"]["error"]
            for child in children
            for event in states.get_execution_history(executionArn=child["executionArn"])["events"]
            if event["type"] == "TaskFailed"
        }

    def answers(self, run: str) -> dict[str, dict[str, Any]]:
        """Return the lines of all parts of a run, by the name of the picture."""
        lines = [
            json.loads(line)
            for key in self.keys(f"runs/{run}/parts/")
            for line in self.read(key).splitlines()
        ]
        return {line["key"].removeprefix("in/"): line for line in lines}

    def keys(self, prefix: str) -> list[str]:
        """Return the keys in the bucket of the runs."""
        found = self.emulator.client("s3").list_objects_v2(Bucket=self.bucket, Prefix=prefix)
        return [each["Key"] for each in found.get("Contents", [])]

    def read(self, key: str) -> str:
        """Return an object in the bucket of the runs."""
        body = self.emulator.client("s3").get_object(Bucket=self.bucket, Key=key)["Body"]
        return str(body.read().decode())

    def delete(self, key: str) -> None:
        """Delete an object in the bucket of the runs."""
        self.emulator.client("s3").delete_object(Bucket=self.bucket, Key=key)

    def invoke(self, step: str, event: dict[str, Any]) -> dict[str, Any]:
        """Invoke a function of bulk classification: "plan", "worker" or "summarize"."""
        client = self.emulator.client("lambda")
        (name,) = (
            function["FunctionName"]
            for function in client.list_functions()["Functions"]
            if client.get_function_configuration(FunctionName=function["FunctionName"])
            .get("ImageConfigResponse", {})
            .get("ImageConfig", {})
            .get("Command")
            == [f"lambda_api.bulk.{step}.handler"]
        )
        answer = client.invoke(FunctionName=name, Payload=json.dumps(event).encode())
        return dict(json.loads(answer["Payload"].read()))
