"""Checks of the machine and the account before a deployment, on moto and on a stand-in."""

import json
import re
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
import requests
from moto.server import ThreadedMotoServer

from infra import base_images
from infra.account import ZONES_WITHOUT_VPC_ORIGINS, concurrency_findings, zone_findings
from infra.context import read_context
from infra.errors import InfraError
from infra.settings import Settings
from tests.infra.conftest import ROOT
from tests.infra.stand_in_aws import Answer, serving
from tests.infra.test_bad_input import PAGE, run


@pytest.fixture
def moto_account() -> Iterator[dict[str, str]]:
    """Environment that makes boto3 use an empty account on a moto server."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    requests.post(f"http://{host}:{port}/moto-api/reset", timeout=10).raise_for_status()
    yield {
        "AWS_ENDPOINT_URL": f"http://{host}:{port}",
        "AWS_ACCESS_KEY_ID": "for-moto",
        "AWS_SECRET_ACCESS_KEY": "for-moto",
        "AWS_REGION": "eu-central-1",
    }
    server.stop()


def bootstrap(account: dict[str, str]) -> None:
    """Mark the account as bootstrapped."""
    boto3.client(
        "ssm",
        endpoint_url=account["AWS_ENDPOINT_URL"],
        region_name=account["AWS_REGION"],
        aws_access_key_id="for-moto",
        aws_secret_access_key="for-moto",
    ).put_parameter(Name="/cdk-bootstrap/hnb659fds/version", Value="30", Type="String")


def test_missing_docker_is_reported() -> None:
    process = run("check", CDK_DOCKER="/nowhere/docker")

    assert process.returncode == 1
    assert process.stderr.startswith("error: /nowhere/docker does not run")


def test_missing_region_and_credentials_are_reported() -> None:
    without_region = run("check", CDK_DOCKER="true")
    without_credentials = run("check", CDK_DOCKER="true", AWS_DEFAULT_REGION="eu-central-1")

    assert "error: No region is set" in without_region.stderr
    assert "error: There are no AWS credentials, or AWS rejected them" in (
        without_credentials.stderr
    )


def test_bootstrap_is_required_on_moto(
    moto_account: dict[str, str],
) -> None:
    before = run("check", CDK_DOCKER="true", **moto_account)
    bootstrap(moto_account)
    after = run("check", CDK_DOCKER="true", **moto_account)

    assert before.returncode == 1
    assert "is not bootstrapped for CDK in eu-central-1" in before.stderr
    assert "make bootstrap" in before.stderr
    assert after.returncode == 0
    assert after.stdout.startswith("Ready to deploy to account 123456789012, eu-central-1")


def test_unreachable_ssm_is_reported_without_a_traceback_on_moto(
    moto_account: dict[str, str],
) -> None:
    with socket.socket() as taken:  # bound, but not listening
        taken.bind(("127.0.0.1", 0))
        unreachable = f"http://127.0.0.1:{taken.getsockname()[1]}"
        process = run("check", CDK_DOCKER="true", AWS_ENDPOINT_URL_SSM=unreachable, **moto_account)

    assert process.returncode == 1
    assert process.stderr.startswith("error: Cannot check whether the account is bootstrapped")
    assert unreachable in process.stderr


def settings(**context: Any) -> Settings:
    return Settings(**context)


def texts(found: Any) -> list[tuple[bool, str]]:
    return [(finding.fatal, finding.text) for finding in found]


@pytest.mark.parametrize(
    ("context", "account", "fatal", "message"),
    [
        # A new account.
        (
            {"reserved_concurrency": "1", "throttle_burst": "1"},
            {"quota": 10, "unreserved": 10, "own": 0},
            True,
            "reserved_concurrency: 1 is more than the 0 that this account can reserve. Its quota "
            "is 10, and Lambda keeps 10",
        ),
        (
            {"provisioned_concurrency": "1", "throttle_burst": "10"},
            {"quota": 10, "unreserved": 10, "own": 0},
            True,
            "provisioned_concurrency: 1 is more than the 0 that this account can provision",
        ),
        ({}, {"quota": 10, "unreserved": 10, "own": 0}, False, "or set throttle_burst=10"),
        (
            {"reserved_concurrency": "901"},
            {"quota": 1000, "unreserved": 1000, "own": 0},
            True,
            "901 is more than the 900 that this account can reserve",
        ),
        (
            {"reserved_concurrency": "20"},
            {"quota": 1000, "unreserved": 1000, "own": 0},
            False,
            "can have 20 instances, but the gateway lets 100 requests through at once "
            "(throttle_burst). More than 20 concurrent requests get 503. Raise reserved",
        ),
    ],
)
def test_concurrency_beyond_the_quota_is_found(
    context: dict[str, str], account: dict[str, int], fatal: bool, message: str
) -> None:
    ((is_fatal, text),) = texts(concurrency_findings(settings(**context), **account))

    assert is_fatal is fatal
    assert message in text


@pytest.mark.parametrize(
    ("context", "account"),
    [
        ({}, {"quota": 1000, "unreserved": 1000, "own": 0}),
        ({"reserved_concurrency": "900"}, {"quota": 1000, "unreserved": 1000, "own": 0}),
        # What the deployed function has reserved is free for itself.
        ({"reserved_concurrency": "900"}, {"quota": 1000, "unreserved": 100, "own": 900}),
        (
            {"reserved_concurrency": "200", "provisioned_concurrency": "200"},
            {"quota": 1000, "unreserved": 1000, "own": 0},
        ),
        ({"throttle_burst": "10"}, {"quota": 10, "unreserved": 10, "own": 0}),
    ],
)
def test_concurrency_within_the_quota_is_accepted(
    context: dict[str, str], account: dict[str, int]
) -> None:
    assert texts(concurrency_findings(settings(**context), **account)) == []


# An account of Northern Virginia in which the second zone has no VPC origins.
ZONES = {"us-east-1a": "use1-az6", "us-east-1b": "use1-az3", "us-east-1c": "use1-az1"}


def test_zone_without_vpc_origins_is_found_with_two_others() -> None:
    ((fatal, text),) = texts(zone_findings(ZONES, ()))

    assert fatal
    assert "CloudFront has no VPC origins in us-east-1b (use1-az3)" in text
    assert '-c page_zones="us-east-1a us-east-1c"' in text
    assert texts(zone_findings(ZONES, ("us-east-1a", "us-east-1c"))) == []
    ((_, chosen),) = texts(zone_findings(ZONES, ("us-east-1b", "us-east-1c")))
    assert "us-east-1b (use1-az3)" in chosen
    ((_, unknown),) = texts(zone_findings(ZONES, ("us-east-1a", "us-east-1z")))
    assert "us-east-1z are not available to this account" in unknown


def arguments(context: dict[str, str]) -> list[str]:
    pairs = [part for key, value in context.items() for part in ("-c", f"{key}={value}")]
    return ["--", "--require-approval=never", *pairs, "--no-notices"]


def test_page_in_a_zone_without_vpc_origins_is_rejected_on_moto(
    moto_account: dict[str, str],
) -> None:
    account = {**moto_account, "AWS_REGION": "us-east-1"}
    bootstrap(account)
    bad, good = (
        run(
            "check",
            *arguments({**PAGE, "page_zones": zones}),
            CDK_DOCKER="true",
            **account,
        )
        for zones in ("us-east-1a us-east-1e", "us-east-1a us-east-1b")
    )

    assert {"use1-az3"} <= ZONES_WITHOUT_VPC_ORIGINS  # us-east-1e, on moto
    assert bad.returncode == 1
    assert "us-east-1e (use1-az3)" in bad.stderr
    assert good.returncode == 0, good.stderr


def test_reservation_beyond_the_quota_is_rejected_on_a_stand_in(
    moto_account: dict[str, str],
) -> None:
    limits = {"ConcurrentExecutions": 10, "UnreservedConcurrentExecutions": 10}
    bootstrap(moto_account)
    with serving({"/account-settings": lambda _: Answer({"AccountLimit": limits})}) as stand_in:
        account = {**moto_account, "AWS_ENDPOINT_URL_LAMBDA": stand_in["AWS_ENDPOINT_URL"]}
        reserved, plain = (
            run("check", *arguments(context), CDK_DOCKER="true", **account)
            for context in ({"reserved_concurrency": "1"}, {})
        )

    assert reserved.returncode == 1
    assert "error: The deployment would fail:" in reserved.stderr
    assert "reserved_concurrency: 1 is more than the 0" in reserved.stderr
    assert plain.returncode == 0
    assert "warning: The function can have 10 instances" in plain.stderr
    assert "Ready to deploy" in plain.stdout


def test_unreadable_limits_and_missing_notifications_are_warnings_on_moto(
    moto_account: dict[str, str],
) -> None:
    bootstrap(moto_account)
    silent, notified = (
        run("check", *arguments(context), CDK_DOCKER="true", **moto_account)
        for context in ({}, {"alarm_email": "ops@example.com"})
    )

    assert silent.returncode == notified.returncode == 0
    assert "warning: Cannot read the account's limits" in silent.stderr  # moto has none
    assert "warning: alarm_email is not set" in silent.stderr
    assert "alarm_email" not in notified.stderr


def test_invalid_setting_is_reported_before_the_synthesis_on_moto(
    moto_account: dict[str, str],
) -> None:
    bootstrap(moto_account)
    process = run("check", *arguments({"memory": "lots"}), CDK_DOCKER="true", **moto_account)

    assert process.returncode == 1
    assert "memory: Input should be a valid integer" in process.stderr


def test_make_deploy_passes_the_context_to_the_check(tmp_path: Path) -> None:
    printed = run_make("-n", "deploy", 'ARGS=-c stage=prod -c page_networks="a b"')

    assert 'python -m infra check -- -c stage=prod -c page_networks="a b"' in printed


def run_make(*words: str) -> str:
    return subprocess.run(
        ["make", *words], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout


def test_context_is_read_as_cdk_reads_it(tmp_path: Path) -> None:
    home, project = tmp_path / "home.json", tmp_path / "cdk.json"
    home.write_text(json.dumps({"context": {"stage": "mine", "username": "me"}}))
    project.write_text(json.dumps({"app": "make", "context": {"stage": "dev", "memory": 1769}}))
    words = ["--all", "-c", "memory=3008", "--context=budget=5=0", "--no-notices"]

    context = read_context(words, [home, project, tmp_path / "missing.json"])

    assert context == {"stage": "dev", "username": "me", "memory": "3008", "budget": "5=0"}


def test_context_without_a_value_and_a_broken_file_are_rejected(tmp_path: Path) -> None:
    broken = tmp_path / "cdk.json"
    broken.write_text("{")

    with pytest.raises(InfraError, match="-c stage: write -c key=value"):
        read_context(["-c", "stage"], [])
    with pytest.raises(InfraError, match=r"cdk\.json is not valid JSON"):
        read_context([], [broken])


@pytest.mark.parametrize("pinned", [False, True])
def test_base_image_without_a_digest_is_a_warning(
    pinned: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    digest = f"@sha256:{'0' * 64}" if pinned else ""
    for file in ("Dockerfile.lambda", "Dockerfile-streamlit"):
        text = (ROOT / file).read_text()
        (tmp_path / file).write_text(re.sub(r"(?m)^(ARG BASE=[^@\n]+).*$", rf"\1{digest}", text))
    monkeypatch.setattr(base_images, "ROOT", tmp_path)

    assert base_images.unpinned(settings()) == ([] if pinned else ["Dockerfile.lambda"])
    assert base_images.unpinned(settings(**PAGE)) == (
        [] if pinned else ["Dockerfile.lambda", "Dockerfile-streamlit"]
    )
