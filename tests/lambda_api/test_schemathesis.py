"""Requests that schemathesis generates from the OpenAPI document, to a running service."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import requests

from tests.conftest import ROOT
from tests.lambda_api.server import running

CASES = 2000
# JSON Schema cannot describe a picture, so valid bodies may be rejected. Unknown query parameters
# are accepted. Other tests cover values out of range.
EXCLUDED_CHECKS = "positive_data_acceptance,negative_data_rejection"


@pytest.mark.timeout(900)
def test_generated_requests_get_documented_responses(
    credentials: tuple[str, str],
    bundle: Path,
    aws_environment: dict[str, str],
    tmp_path: Path,
) -> None:
    environment = {
        **aws_environment,
        "UPLOAD_BUCKET": "schemathesis",
        "COLLECT": "all",
        "COLLECT_TO": str(tmp_path / "collected"),
        "FAILED_LOGINS_PER_MINUTE": "1000000",  # wrong logins must not limit right ones
    }
    requests.put(f"{aws_environment['AWS_ENDPOINT_URL']}/schemathesis", timeout=10)
    command = [sys.executable, "-m", "schemathesis.cli", "run", ROOT / "docs" / "openapi.json"]
    options = {
        "auth": ":".join(credentials),
        "checks": "all",
        "exclude-checks": EXCLUDED_CHECKS,
        "max-examples": "300",
        "seed": "1",
        "generation-database": "none",
        "request-timeout": "30",
    }
    with running(tmp_path, credentials, bundle, **environment) as server:
        result = subprocess.run(
            [
                *command,
                "--continue-on-failure",
                "--no-color",
                f"--url={server.url}",
                *(f"--{name}={value}" for name, value in options.items()),
            ],
            cwd=tmp_path,
            env={
                **os.environ,
                "PYTHONPATH": str(ROOT),
                "SCHEMATHESIS_HOOKS": "tests.lambda_api.schemathesis_hooks",
            },
            capture_output=True,
            text=True,
        )
        statuses = {line["status"] for line in server.lines() if line["message"] == "request"}
    assert result.returncode == 0, result.stdout[-6000:] + result.stderr[-2000:]
    (generated,) = re.findall(r"([\d,]+) generated", result.stdout)
    assert int(generated.replace(",", "")) >= CASES
    assert {200, 201, 400, 401, 405, 415, 422} <= statuses
    assert max(statuses) < 500
