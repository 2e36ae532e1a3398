"""What stops `cdk synth` and `make deploy` before anything is written or created, and its words."""

import json
import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import boto3
import pytest
from moto.server import ThreadedMotoServer

from infra.bundle import BundleError, check_bundle
from infra.settings import SettingsError, read_settings
from tests.infra.conftest import FLAGS, ROOT


def run(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """`python -m infra`, without credentials of this machine."""
    return subprocess.run(
        [sys.executable, "-m", "infra", *arguments],
        cwd=ROOT,
        env={
            **{name: value for name, value in os.environ.items() if not name.startswith("AWS_")},
            "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
            "AWS_CONFIG_FILE": os.devnull,
            **environment,
        },
        capture_output=True,
        text=True,
    )


def refused(context: dict[str, str], region: str | None = None) -> str:
    with pytest.raises(SettingsError) as error:
        read_settings({**FLAGS, **context}, region)
    return str(error.value)


@pytest.mark.parametrize(
    ("context", "words"),
    [
        ({"memroy": "1769"}, "memroy: there is no such key (did you mean 'memory'?)"),
        ({"memory": "lots"}, "memory: Input should be a valid integer"),
        ({"memory": "128"}, "memory: Input should be greater than or equal to 512"),
        ({"stage": "Prod!"}, "stage: "),
        ({"stage": "dev-page"}, 'stage: must not end in "-page"'),
        ({"architecture": "arm64"}, "architecture: x86_64 is all that works: LiteRT's wheels"),
        (
            {"reserved_concurrency": "1", "provisioned_concurrency": "5"},
            "provisioned_concurrency: 5 instances cannot be kept warm",
        ),
        ({"canary": "perhaps"}, "canary: Input should be a valid boolean"),
        ({"log_retention_days": "31"}, "log_retention_days: CloudWatch Logs knows 1, 3, 5"),
        ({"cors_origins": "*"}, "cors_origins: "),
        ({"alarm_email": "me"}, "alarm_email: "),
        ({"budget": "20"}, "budget: needs alarm_email too"),
        ({"frontend": "true"}, "page_networks: say from where the page may be opened"),
        (
            {"rotate_password_days": "90", "frontend": "1", "page_networks": "0.0.0.0/0"},
            "rotate_password_days: leave it out with frontend",
        ),
        ({"page_networks": "203.0.113.5/24"}, "page_networks: "),
        ({"bundle": "../elsewhere"}, "bundle: "),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_context_that_is_refused_is_named(context: dict[str, str], words: str) -> None:
    assert words in refused(context)


def test_all_that_is_refused_is_said_at_once() -> None:
    message = refused({"memory": "1", "stage": "X", "throttle_rate": "0"})

    assert message.count("\n  ") == 3


@pytest.mark.parametrize("region", ["eu-cental-1", "cn-north-1", "us-gov-west-1"])
def test_a_region_that_does_not_have_it_all_is_refused(region: str) -> None:
    assert f"There is no region {region!r} to deploy to" in refused({}, region)


def test_a_budget_is_refused_where_cloudformation_has_none() -> None:
    context = {"budget": "20", "alarm_email": "ops@example.com"}

    assert "budget: CloudFormation has no budgets in eu-north-1" in refused(context, "eu-north-1")
    assert read_settings(context, "eu-central-1").budget == 20


@pytest.mark.parametrize("region", ["af-south-1", "eu-south-2", "me-central-1"])
def test_the_page_is_refused_where_cloudfront_delivers_no_logs(region: str) -> None:
    context = {"frontend": "true", "page_networks": "203.0.113.0/24"}

    assert f"frontend: CloudFront delivers no logs to buckets in {region}" in (
        refused(context, region)
    )
    assert read_settings(context, "eu-north-1").frontend
    assert not read_settings({}, region).frontend


def test_a_damaged_model_is_refused_with_both_hashes(bundle: Path, tmp_path: Path) -> None:
    folder = tmp_path / "bundle"
    shutil.copytree(bundle, folder)
    with (folder / "model.tflite").open("ab") as file:
        file.write(b"\0")

    with pytest.raises(
        BundleError, match=r"model.tflite: its SHA-256 is \w+, but the manifest says"
    ):
        check_bundle(folder)
    assert check_bundle(bundle) == "intel-scenes"


@pytest.mark.parametrize(
    ("manifest", "words"),
    [(None, "No such file"), ("{}", "not a bundle's manifest"), ("[", "not a bundle's manifest")],
    ids=["missing", "empty", "broken"],
)
def test_a_bundle_without_a_manifest_is_refused(
    tmp_path: Path, manifest: str | None, words: str
) -> None:
    if manifest is not None:
        (tmp_path / "manifest.json").write_text(manifest)

    with pytest.raises(BundleError, match=words) as error:
        check_bundle(tmp_path)
    assert str(tmp_path / "manifest.json") in str(error.value)


@pytest.mark.parametrize(
    ("context", "region", "words"),
    [
        ({"memroy": "1"}, "eu-central-1", "memroy: there is no such key"),
        ({}, "eu-cental-1", "did you mean 'eu-central-1'?"),
        ({"bundle": "models/none"}, "eu-central-1", "models/none/manifest.json"),
    ],
    ids=["context", "region", "bundle"],
)
def test_the_app_ends_with_a_message_and_without_templates(
    tmp_path: Path, context: dict[str, str], region: str, words: str
) -> None:
    ended = run(
        CDK_CONTEXT_JSON=json.dumps({**FLAGS, **context}),
        CDK_DEFAULT_REGION=region,
        CDK_OUTDIR=str(tmp_path / "cdk.out"),
    )

    assert ended.returncode == 1
    assert ended.stderr.startswith("error: ")
    assert words in ended.stderr
    assert "Traceback" not in ended.stderr
    assert [*tmp_path.rglob("*.template.json")] == []


def test_cdk_itself_synthesises_by_cdk_json_and_stops_at_bad_context(tmp_path: Path) -> None:
    def synth(context: str) -> subprocess.CompletedProcess[str]:
        arguments = f"{context} --output {tmp_path}"
        return subprocess.run(
            ["make", "synth", f"ARGS={arguments}"], cwd=ROOT, capture_output=True, text=True
        )

    stopped = synth("-c memory=lots")
    assert stopped.returncode != 0
    assert "error: Context" in stopped.stderr
    assert "memory: Input should be a valid integer" in stopped.stderr
    assert [*tmp_path.glob("*.template.json")] == []

    done = synth("-c stage=test -c canary=false")
    assert done.returncode == 0, done.stderr
    assert [path.name for path in tmp_path.glob("*.template.json")] == [
        "landscape-classifier-test.template.json"
    ]


@pytest.fixture
def aws_of_moto() -> Iterator[dict[str, str]]:
    """What sends boto3 to an account of moto's, in which nothing is."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield {
        "AWS_ENDPOINT_URL": f"http://{host}:{port}",
        "AWS_ACCESS_KEY_ID": "of-nobody",
        "AWS_SECRET_ACCESS_KEY": "of-nobody",
        "AWS_REGION": "eu-central-1",
    }
    server.stop()


def test_a_machine_without_docker_is_told_so() -> None:
    ended = run("check", CDK_DOCKER="/nowhere/docker")

    assert ended.returncode == 1
    assert ended.stderr.startswith("error: /nowhere/docker cannot be run")


def test_missing_region_and_credentials_are_told() -> None:
    without_region = run("check", CDK_DOCKER="true")
    without_credentials = run("check", CDK_DOCKER="true", AWS_DEFAULT_REGION="eu-central-1")

    assert "error: No region is set" in without_region.stderr
    assert "error: AWS does not accept the credentials, or there are none" in (
        without_credentials.stderr
    )


def test_an_account_without_bootstrap_is_told_and_with_it_is_ready_by_moto(
    aws_of_moto: dict[str, str],
) -> None:
    before = run("check", CDK_DOCKER="true", **aws_of_moto)
    boto3.client(
        "ssm",
        endpoint_url=aws_of_moto["AWS_ENDPOINT_URL"],
        region_name="eu-central-1",
        aws_access_key_id="of-nobody",
        aws_secret_access_key="of-nobody",
    ).put_parameter(Name="/cdk-bootstrap/hnb659fds/version", Value="30", Type="String")
    after = run("check", CDK_DOCKER="true", **aws_of_moto)

    assert before.returncode == 1
    assert "is not bootstrapped for CDK in eu-central-1" in before.stderr
    assert "make bootstrap" in before.stderr
    assert after.returncode == 0
    assert after.stdout.startswith("Ready to deploy to account 123456789012, eu-central-1")


def test_an_ssm_that_cannot_be_reached_is_told_without_a_traceback_by_moto(
    aws_of_moto: dict[str, str],
) -> None:
    with socket.socket() as taken:  # bound, but nobody listens
        taken.bind(("127.0.0.1", 0))
        nowhere = f"http://127.0.0.1:{taken.getsockname()[1]}"
        ended = run("check", CDK_DOCKER="true", AWS_ENDPOINT_URL_SSM=nowhere, **aws_of_moto)

    assert ended.returncode == 1
    assert ended.stderr.startswith("error: Whether the account is bootstrapped cannot be seen")
    assert nowhere in ended.stderr
