"""Errors that stop `cdk synth` and `make deploy` before anything is created, and their messages."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from infra.bundle import BundleCheckError, check_bundle
from infra.settings import SettingsError, read_settings
from tests.infra.conftest import FLAGS, ROOT


def run(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run `python -m infra` without the machine's AWS credentials."""
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


def rejection(context: dict[str, str], region: str | None = None) -> str:
    with pytest.raises(SettingsError) as error:
        read_settings({**FLAGS, **context}, region)
    return str(error.value)


PAGE = {"frontend": "true", "page_networks": "203.0.113.0/24"}


@pytest.mark.parametrize(
    ("context", "message"),
    [
        ({"memroy": "1769"}, "memroy: there is no such setting (did you mean 'memory'?)"),
        ({"alarm-email": "me@x.example"}, "alarm-email: there is no such setting (did you mean"),
        ({"memory": "lots"}, "memory: Input should be a valid integer"),
        ({"memory": "128"}, "memory: Input should be greater than or equal to 512"),
        ({"stage": "Prod!"}, "stage: "),
        ({"stage": "dev-page"}, 'stage: must not end in "-page"'),
        ({"architecture": "arm"}, "architecture: Input should be 'x86_64' or 'arm64'"),
        (
            {"reserved_concurrency": "1", "provisioned_concurrency": "5"},
            "provisioned_concurrency: 5 is more than reserved_concurrency, 1",
        ),
        (
            {"canary": "false", "provisioned_concurrency": "2"},
            "provisioned_concurrency: cannot be used with canary=false",
        ),
        ({"page_zones": "us-east-1b us-east-1c"}, "page_zones: needs frontend=true"),
        ({**PAGE, "page_zones": "us-east-1b"}, "page_zones: name two different"),
        ({**PAGE, "page_zones": "us-east-1b us-east-1b"}, "page_zones: name two different"),
        (
            {**PAGE, "page_zones": "use1-az1 use1-az2"},
            "page_zones: 'use1-az1' is not valid. Write it like 'us-east-1b'",
        ),
        ({"dashboard": "maybe"}, "dashboard: Input should be a valid boolean"),
        ({"canary": "perhaps"}, "canary: Input should be a valid boolean"),
        ({"log_retention_days": "31"}, "log_retention_days: CloudWatch Logs supports only 1, 3, 5"),
        ({"cors_origins": "*"}, "cors_origins: "),
        ({"alarm_email": "me"}, "alarm_email: "),
        ({"budget": "20"}, "budget: needs alarm_email"),
        ({"frontend": "true"}, "page_networks: is required with frontend"),
        (
            {"rotate_password_days": "90", "frontend": "1", "page_networks": "0.0.0.0/0"},
            "rotate_password_days: cannot be used with frontend",
        ),
        ({"page_networks": "203.0.113.5/24"}, "page_networks: "),
        ({"bundle": "../elsewhere"}, "bundle: "),
    ],
    ids=lambda value: [*value][-1] if isinstance(value, dict) else "",
)
def test_invalid_setting_is_named(context: dict[str, str], message: str) -> None:
    assert message in rejection(context)


def test_all_invalid_settings_are_reported_at_once() -> None:
    text = rejection({"memory": "1", "stage": "X", "throttle_rate": "0"})

    assert text.count("\n  ") == 3


@pytest.mark.parametrize("region", ["eu-cental-1", "cn-north-1", "us-gov-west-1"])
def test_unsupported_region_is_rejected(region: str) -> None:
    assert f"{region!r} is not a supported region" in rejection({}, region)


def test_budget_is_rejected_in_regions_without_budgets() -> None:
    context = {"budget": "20", "alarm_email": "ops@example.com"}

    assert "budget: CloudFormation does not support budgets in eu-north-1" in rejection(
        context, "eu-north-1"
    )
    assert read_settings(context, "eu-central-1").budget == 20


@pytest.mark.parametrize("region", ["af-south-1", "eu-south-2", "me-central-1"])
def test_page_is_rejected_in_opt_in_regions(region: str) -> None:
    context = {"frontend": "true", "page_networks": "203.0.113.0/24"}

    assert f"frontend: CloudFront cannot deliver logs to {region}" in (rejection(context, region))
    assert read_settings(context, "eu-north-1").frontend
    assert not read_settings({}, region).frontend


def test_zones_of_another_region_are_rejected() -> None:
    context = {**PAGE, "page_zones": "us-east-1b us-east-1c"}

    assert "page_zones: us-east-1b us-east-1c are not all in eu-central-1" in rejection(
        context, "eu-central-1"
    )
    assert read_settings(context, "us-east-1").page_zones == ("us-east-1b", "us-east-1c")


@pytest.mark.parametrize(
    "key",
    [
        "cli-telemetry",
        "cdk-migrate",
        "acknowledged-issue-numbers",
        "aws:cdk:enable-path-metadata",
        "@aws-cdk/core:stackRelativeExports",
        "@aws-cdk-containers/ecs-service-extensions:enableDefaultLogDriver",
        "availability-zones:account=1:region=eu-central-1",
        "vpc-provider:account=1:filter.isDefault=true:region=eu-central-1",
    ],
)
def test_context_keys_of_cdk_are_ignored(key: str) -> None:
    assert read_settings({**FLAGS, key: False}, None) == read_settings(FLAGS, None)


def test_damaged_model_is_rejected_with_both_hashes(bundle: Path, tmp_path: Path) -> None:
    folder = tmp_path / "bundle"
    shutil.copytree(bundle, folder)
    with (folder / "model.tflite").open("ab") as file:
        file.write(b"\0")

    with pytest.raises(
        BundleCheckError, match=r"model.tflite: the SHA-256 is \w+, but the manifest declares"
    ):
        check_bundle(folder)
    assert check_bundle(bundle).name == "intel-scenes"


@pytest.mark.parametrize(
    ("manifest", "message"),
    [(None, "No such file"), ("{}", "not a bundle's manifest"), ("[", "not a bundle's manifest")],
    ids=["missing", "empty", "broken"],
)
def test_bundle_without_a_valid_manifest_is_rejected(
    tmp_path: Path, manifest: str | None, message: str
) -> None:
    if manifest is not None:
        (tmp_path / "manifest.json").write_text(manifest)

    with pytest.raises(BundleCheckError, match=message) as error:
        check_bundle(tmp_path)
    assert str(tmp_path / "manifest.json") in str(error.value)


@pytest.mark.parametrize(
    ("context", "region", "message"),
    [
        ({"memroy": "1"}, "eu-central-1", "memroy: there is no such setting"),
        ({}, "eu-cental-1", "did you mean 'eu-central-1'?"),
        ({"bundle": "models/none"}, "eu-central-1", "models/none/manifest.json"),
    ],
    ids=["context", "region", "bundle"],
)
def test_app_exits_with_a_message_and_without_templates(
    tmp_path: Path, context: dict[str, str], region: str, message: str
) -> None:
    process = run(
        CDK_CONTEXT_JSON=json.dumps({**FLAGS, **context}),
        CDK_DEFAULT_REGION=region,
        CDK_OUTDIR=str(tmp_path / "cdk.out"),
    )

    assert process.returncode == 1
    assert process.stderr.startswith("error: ")
    assert message in process.stderr
    assert "Traceback" not in process.stderr
    assert [*tmp_path.rglob("*.template.json")] == []


def test_make_synth_writes_templates_and_rejects_bad_context(tmp_path: Path) -> None:
    def synth(context: str) -> subprocess.CompletedProcess[str]:
        arguments = f"{context} --output {tmp_path}"
        return subprocess.run(
            ["make", "synth", f"ARGS={arguments}"], cwd=ROOT, capture_output=True, text=True
        )

    stopped = synth("-c memory=lots")

    assert stopped.returncode != 0
    assert "error: The context" in stopped.stderr
    assert "memory: Input should be a valid integer" in stopped.stderr
    assert [*tmp_path.glob("*.template.json")] == []

    done = synth("-c stage=test -c canary=false")
    assert done.returncode == 0, done.stderr
    assert "landscape-classifier-test: 1 HTTP API, " in done.stdout + done.stderr
    assert f"Templates: {tmp_path}/*.template.json" in done.stdout + done.stderr
    assert [path.name for path in tmp_path.glob("*.template.json")] == [
        "landscape-classifier-test.template.json"
    ]
