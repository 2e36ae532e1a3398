"""Publish, list, promote, roll back and pull over HTTP, on a moto server."""

import base64
import hashlib
import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import boto3
import pytest
from fastapi.testclient import TestClient

from convert.__main__ import main
from convert.registry.errors import ConflictError, RegistryError
from convert.registry.promotion import current, promote, rollback
from convert.registry.store import Store
from convert.registry.versions import publish, pull
from lambda_api import aws
from lambda_api.app import create_app
from lambda_api.manifest import MANIFEST_FILE, MODEL_FILE, read_bundle
from lambda_api.profile import KNOWN_FILE
from lambda_api.settings import Settings
from tests.convert.registry.unreliable import UnreliableS3

NAME, REGISTRY = "intel-scenes", "s3://registry/models"


def files(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def health(**settings: Any) -> dict[str, Any]:
    """Response of /health from a service that starts now."""
    aws.client.cache_clear()
    service = Settings(api_users={"demo": "for-tests-only-9f2c"}, **settings)
    with TestClient(create_app(service)) as client:
        answer = client.get("/health")
        assert answer.status_code == 200
    aws.client.cache_clear()
    return answer.json()


def test_published_bundle_is_pulled_byte_for_byte(
    store: Store, bundle: Path, tmp_path: Path
) -> None:
    published = publish(bundle, store)

    assert published.new
    pull(store, NAME, published.manifest.version, tmp_path / "back")
    assert files(tmp_path / "back") == files(bundle)


def test_every_file_has_its_sha256_in_s3_and_the_manifest_is_last(
    store: Store, s3: UnreliableS3, bundle: Path
) -> None:
    version = publish(bundle, store).manifest.version
    client = boto3.client("s3", endpoint_url=s3.upstream)

    for name, content in files(bundle).items():
        key = f"models/{NAME}/{version}/{name}"
        head = client.head_object(Bucket="registry", Key=key, ChecksumMode="ENABLED")
        expected = base64.b64encode(hashlib.sha256(content).digest()).decode()
        assert head["ChecksumSHA256"] == expected
    written = [path for method, path in s3.seen if method == "PUT"]
    assert written[-1].endswith(f"/{version}/{MANIFEST_FILE}")
    assert len(written) == len(files(bundle))


def test_publishing_again_changes_nothing(store: Store, bundle: Path) -> None:
    assert publish(bundle, store).new
    assert not publish(bundle, store).new


def test_publishing_the_same_version_again_keeps_the_first(
    store: Store, make_version: Callable, tmp_path: Path, capsys
) -> None:
    folder = make_version(1.5)
    version, before = publish(folder, store).manifest.version, files(folder)
    manifest = json.loads(before[MANIFEST_FILE])
    manifest["created"] = "2026-12-24T18:00:00Z"  # same result of a later training
    (folder / MANIFEST_FILE).write_text(json.dumps(manifest))
    (folder / "MODEL_CARD.md").write_text("another card")

    assert main(["publish", str(folder), REGISTRY]) == 0
    assert f"{version} was already published, and is unchanged" in capsys.readouterr().out
    pull(store, NAME, version, tmp_path / "back")
    assert files(tmp_path / "back") == before


@pytest.mark.parametrize("name", [MODEL_FILE, KNOWN_FILE, MANIFEST_FILE])
def test_other_content_under_the_same_version_is_rejected(
    store: Store, s3: UnreliableS3, make_version: Callable, name: str
) -> None:
    folder = make_version(1.5)
    version = publish(folder, store).manifest.version
    changed = (folder / name).read_bytes().replace(b"1.5", b"1.6") + b" "
    key = f"models/{NAME}/{version}/{name}"
    boto3.client("s3", endpoint_url=s3.upstream).put_object(
        Bucket="registry", Key=key, Body=changed
    )

    with pytest.raises(ConflictError, match=f"{name} differs from"):
        publish(folder, store)
    found = store.read(f"{NAME}/{version}/{name}")
    assert found is not None
    assert found[0] == changed


def test_service_loads_the_promoted_version(
    store: Store, make_version: Callable[[float], Path], tmp_path: Path
) -> None:
    first, second = (publish(make_version(t), store).manifest.version for t in (1.5, 2.5))
    uri = f"{REGISTRY}/{NAME}/current"
    unpromoted = health(model_uri=uri)
    assert "Cannot read the pointer 'current' from S3 (NoSuchKey)" in unpromoted["fallback"]
    assert unpromoted["source"] == "folder"

    promote(store, NAME, first)
    assert (health(model_uri=uri)["model"]["version"], current(store, NAME).previous) == (first, ())
    promote(store, NAME, second)
    answer = health(model_uri=uri)
    assert (answer["model"]["version"], answer["source"]) == (second, "promoted")
    assert answer["fallback"] is None
    rollback(store, NAME)
    assert health(model_uri=uri)["model"]["version"] == first
    assert health(model_uri=f"{REGISTRY}/{NAME}/{second}")["source"] == "s3"


def test_invalid_pointer_falls_back_to_the_bundle_in_the_image(
    store: Store, s3: UnreliableS3, bundle: Path
) -> None:
    for content in (b"", b"{}", b'{"version": "../../other"}', b"x" * 20_000):
        boto3.client("s3", endpoint_url=s3.upstream).put_object(
            Bucket="registry", Key=f"models/{NAME}/current", Body=content
        )
        answer = health(model_uri=f"{REGISTRY}/{NAME}/current")
        assert answer["model"]["version"] == read_bundle(bundle)[0].version
        assert "'current'" in answer["fallback"]


def test_truncated_pointer_falls_back_to_the_bundle_in_the_image(
    store: Store, s3: UnreliableS3, make_version: Callable[[float], Path]
) -> None:
    promote(store, NAME, publish(make_version(1.5), store).manifest.version)
    s3.plan = lambda method, path, _: "half" if path.endswith("/current") else None
    answer = health(model_uri=f"{REGISTRY}/{NAME}/current")
    assert "Cannot read the pointer 'current' from S3" in answer["fallback"]


def test_rollback_goes_back_one_version_at_a_time(store: Store, make_version: Callable) -> None:
    versions = [publish(make_version(t), store).manifest.version for t in (1.5, 2.5, 3.5)]
    for version in versions:
        promote(store, NAME, version)

    assert rollback(store, NAME).version == versions[1]
    assert rollback(store, NAME).version == versions[0]
    with pytest.raises(RegistryError, match="there is no previous version"):
        rollback(store, NAME)


def test_promoting_the_promoted_version_changes_nothing(
    store: Store, make_version: Callable
) -> None:
    first, second = (publish(make_version(t), store).manifest.version for t in (1.5, 2.5))
    promote(store, NAME, first)
    promote(store, NAME, second)

    assert promote(store, NAME, second).previous == (first,)


def test_one_of_two_concurrent_promotions_succeeds(store: Store, make_version: Callable) -> None:
    versions = [publish(make_version(t), store).manifest.version for t in (1.5, 2.5, 3.5)]
    promote(store, NAME, versions[0])

    def attempt(version: str) -> str:
        try:
            return promote(store, NAME, version).version
        except ConflictError as error:
            return str(error)

    for _ in range(5):
        with ThreadPoolExecutor(2) as pool:
            outcomes = list(pool.map(attempt, versions[1:]))
        serving = current(store, NAME)
        assert serving is not None
        assert serving.version in outcomes
        assert all(x in versions or "at the same time" in x for x in outcomes)


def test_promotion_between_reading_and_writing_is_a_conflict(
    store: Store, s3: UnreliableS3, make_version: Callable
) -> None:
    first, second, third = (
        publish(make_version(t), store).manifest.version for t in (1.5, 2.5, 3.5)
    )
    promote(store, NAME, first)
    s3.seen.clear()
    other = Store.at(REGISTRY)

    def plan(method: str, path: str, _: int) -> str | None:
        if method == "PUT":
            s3.plan = lambda *_: None
            boto3.client("s3", endpoint_url=s3.upstream).put_object(
                Bucket="registry",
                Key=f"models/{NAME}/current",
                Body=json.dumps({"version": third}).encode(),
            )
        return None

    s3.plan = plan

    with pytest.raises(ConflictError, match="another client promoted another version"):
        promote(other, NAME, second)
    serving = current(store, NAME)
    assert serving is not None
    assert serving.version == third


def test_pull_keeps_an_existing_folder(store: Store, bundle: Path, tmp_path: Path) -> None:
    version = publish(bundle, store).manifest.version
    (tmp_path / "mine").mkdir()

    with pytest.raises(RegistryError, match="already exists"):
        pull(store, NAME, version, tmp_path / "mine")
    assert list((tmp_path / "mine").iterdir()) == []


def test_commands_publish_promote_roll_back_list_and_pull(
    s3: UnreliableS3,
    make_version: Callable[[float], Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    first, second = make_version(1.5), make_version(2.5)
    v1, v2 = (read_bundle(folder)[0].version for folder in (first, second))

    assert main(["list", REGISTRY]) == 0
    assert capsys.readouterr().out == ""
    assert main(["publish", str(first), REGISTRY]) == 0
    assert f"{REGISTRY}/{NAME}/{v1} was published" in capsys.readouterr().out
    assert main(["publish", str(first), REGISTRY]) == 0
    assert "was already published" in capsys.readouterr().out

    monkeypatch.setenv("MODEL_REGISTRY", REGISTRY)
    assert main(["publish", str(second)]) == 0
    assert main(["promote", NAME, v1]) == 0
    assert main(["promote", NAME, v2]) == 0
    assert main(["rollback", NAME]) == 0
    assert f"{v1} is current again" in capsys.readouterr().out
    assert main(["list", "--name", NAME]) == 0
    rows = {row.split()[1]: row for row in capsys.readouterr().out.splitlines()}
    assert rows.keys() == {v1, v2}
    assert rows[v1].endswith("current")
    assert not rows[v2].endswith("current")
    assert main(["pull", NAME, "--out", str(tmp_path / "served")]) == 0
    assert read_bundle(tmp_path / "served")[0].version == v1
    assert main(["pull", NAME, v2, "--out", str(tmp_path / "other")]) == 0
    assert read_bundle(tmp_path / "other")[0].version == v2


def test_unreadable_version_does_not_hide_the_others(
    store: Store, bundle: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    version = publish(bundle, store).manifest.version
    store.create(f"{NAME}/{'0' * 12}/{MANIFEST_FILE}", b'{"schema_version": 1}', "text/plain")

    assert main(["list", REGISTRY]) == 0
    rows = {row.split()[1]: row for row in capsys.readouterr().out.splitlines()}
    assert "unreadable" in rows["0" * 12]
    assert "test 0.9" in rows[version]


@pytest.mark.parametrize(
    ("command", "message"),
    [
        (["promote", NAME, "0" * 12, "--registry", REGISTRY], "is missing or incomplete"),
        (["rollback", NAME, "--registry", REGISTRY], "there is no previous version"),
        (["pull", NAME, "--out", "nowhere", "--registry", REGISTRY], "no version is promoted"),
        (["list", "models"], "'models' is not a registry"),
        (["list", "s3://"], "'s3://' is not a registry"),
        (["list"], "MODEL_REGISTRY"),
        (["list", "s3://other/models"], "Create the bucket first"),
    ],
)
def test_registry_errors_exit_with_code_4(
    s3: UnreliableS3, command: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(command) == 4
    assert message in capsys.readouterr().err
    assert not Path("nowhere").exists()


def test_missing_credentials_are_reported(
    s3: UnreliableS3,
    bundle: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/nonexistent")

    assert main(["publish", str(bundle), REGISTRY]) == 4
    assert "Set AWS_PROFILE, or AWS_ACCESS_KEY_ID" in capsys.readouterr().err
    assert s3.seen == []


def test_aws_region_sets_the_region(s3: UnreliableS3, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_REGION", "eu-central-1")  # boto3 itself does not read it

    assert Store.at(REGISTRY).client.meta.region_name == "eu-central-1"


def test_altered_bundle_is_not_published(
    store: Store, s3: UnreliableS3, make_version: Callable, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = make_version(1.5)
    (folder / MODEL_FILE).write_bytes((folder / MODEL_FILE).read_bytes()[:-1])

    assert main(["publish", str(folder), REGISTRY]) == 2
    assert "model.tflite has" in capsys.readouterr().err
    assert s3.seen == []
