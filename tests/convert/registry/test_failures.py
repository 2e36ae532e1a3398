"""S3 failures: the promoted version stays, and a second attempt succeeds."""

from collections.abc import Callable
from pathlib import Path

import boto3
import pytest

from convert.__main__ import main
from convert.registry.errors import RegistryError
from convert.registry.promotion import current, promote
from convert.registry.store import Store
from convert.registry.versions import publish, pull
from lambda_api.manifest import MANIFEST_FILE, MODEL_FILE, read_bundle
from lambda_api.profile import KNOWN_FILE
from tests.convert.registry.unreliable import REFUSALS, UnreliableS3

NAME, REGISTRY = "intel-scenes", "s3://registry/models"
# Files in the order of their upload.
FILES = ["MODEL_CARD.md", "confusion.png", MODEL_FILE, "reliability.png", MANIFEST_FILE]


@pytest.fixture
def serving(store: Store, make_version: Callable[[float], Path]) -> str:
    """A version that is promoted before the failures."""
    version = publish(make_version(1.5), store).manifest.version
    promote(store, NAME, version)
    return version


def still_serving(s3: UnreliableS3, store: Store, version: str) -> bool:
    s3.plan = lambda *_: None
    found = current(store, NAME)
    return found is not None and found.version == version


@pytest.mark.parametrize(
    ("broken", "failure"),
    [
        *((file, "denied") for file in FILES),
        (MODEL_FILE, "cut off"),
        (MODEL_FILE, "altered"),
        (MANIFEST_FILE, "cut off"),
        (MANIFEST_FILE, "altered"),
    ],
)
def test_failed_upload_is_never_promoted(
    s3: UnreliableS3,
    store: Store,
    serving: str,
    make_version: Callable[[float], Path],
    capsys: pytest.CaptureFixture[str],
    broken: str,
    failure: str,
) -> None:
    folder = make_version(2.5)
    version = read_bundle(folder)[0].version
    s3.plan = lambda method, path, _: failure if path.endswith(f"{version}/{broken}") else None

    assert main(["publish", str(folder), REGISTRY]) == 4
    message = capsys.readouterr().err
    assert f"{REGISTRY}/{NAME}/{version}/{broken}" in message
    assert "Traceback" not in message
    assert still_serving(s3, store, serving)

    assert main(["promote", NAME, version, "--registry", REGISTRY]) == 4
    assert "is missing or incomplete" in capsys.readouterr().err
    assert still_serving(s3, store, serving)

    assert main(["publish", str(folder), REGISTRY]) == 0  # uploads the missing files
    assert main(["promote", NAME, version, "--registry", REGISTRY]) == 0
    assert still_serving(s3, store, version)


@pytest.mark.parametrize("failure", sorted(REFUSALS))
def test_failed_promotion_changes_nothing(
    s3: UnreliableS3, store: Store, serving: str, make_version: Callable, failure: str
) -> None:
    version = publish(make_version(2.5), store).manifest.version
    s3.plan = lambda method, path, _: failure if method == "PUT" else None

    with pytest.raises(RegistryError):
        promote(store, NAME, version)
    assert still_serving(s3, store, serving)
    promote(store, NAME, version)
    assert still_serving(s3, store, version)


def test_promotion_succeeds_if_only_the_response_is_lost(
    s3: UnreliableS3, store: Store, serving: str, make_version: Callable
) -> None:
    version = publish(make_version(2.5), store).manifest.version
    written = 0

    def plan(method: str, path: str, _: int) -> str | None:
        nonlocal written
        written += method == "PUT"
        return "response lost" if method == "PUT" and written == 1 else None

    s3.plan = plan

    assert promote(store, NAME, version).previous == (serving,)
    assert written == 2  # the second attempt conflicts with the first
    assert still_serving(s3, store, version)


def test_upload_times_out_if_s3_sends_no_response(
    s3: UnreliableS3, store: Store, serving: str, make_version: Callable
) -> None:
    folder = make_version(2.5)
    s3.plan = lambda method, path, _: "silent" if path.endswith(MODEL_FILE) else None

    with pytest.raises(RegistryError, match=r"Cannot write .*model\.tflite: Read timeout"):
        publish(folder, store)
    assert still_serving(s3, store, serving)


@pytest.mark.parametrize("failure", ["failing", "cut off"])
def test_temporary_failure_is_retried(
    s3: UnreliableS3, store: Store, bundle: Path, failure: str
) -> None:
    failed = 0

    def plan(method: str, path: str, _: int) -> str | None:
        nonlocal failed
        failed += path.endswith(MODEL_FILE)
        return failure if path.endswith(MODEL_FILE) and failed == 1 else None

    s3.plan = plan

    assert publish(bundle, store).new
    assert failed == 2


@pytest.mark.parametrize("name", [MODEL_FILE, KNOWN_FILE, MANIFEST_FILE])
def test_altered_version_is_neither_promoted_nor_pulled(
    s3: UnreliableS3, store: Store, serving: str, make_version: Callable, tmp_path: Path, name: str
) -> None:
    folder = make_version(2.5)
    version = publish(folder, store).manifest.version
    content = (folder / name).read_bytes()
    boto3.client("s3", endpoint_url=s3.upstream).put_object(
        Bucket="registry",
        Key=f"models/{NAME}/{version}/{name}",
        Body=content.replace(b"2.5", b"2.6") if name == MANIFEST_FILE else content[:-1] + b"?",
    )

    with pytest.raises(RegistryError, match="is damaged"):
        promote(store, NAME, version)
    with pytest.raises(RegistryError, match="is damaged"):
        pull(store, NAME, version, tmp_path / "pulled")
    assert not (tmp_path / "pulled").exists()
    assert still_serving(s3, store, serving)


def test_version_without_its_model_is_not_promoted(
    s3: UnreliableS3, store: Store, serving: str, make_version: Callable
) -> None:
    version = publish(make_version(2.5), store).manifest.version
    boto3.client("s3", endpoint_url=s3.upstream).delete_object(
        Bucket="registry", Key=f"models/{NAME}/{version}/{MODEL_FILE}"
    )

    with pytest.raises(RegistryError, match=r"there is no model\.tflite"):
        promote(store, NAME, version)
    assert still_serving(s3, store, serving)


def test_version_under_another_version_s_name_is_not_promoted(
    s3: UnreliableS3, store: Store, serving: str, make_version: Callable
) -> None:
    folder = make_version(2.5)
    for name in (*read_bundle(folder)[0].files(), MANIFEST_FILE):
        store.create(f"{NAME}/{'0' * 12}/{name}", (folder / name).read_bytes(), "text/plain")

    with pytest.raises(RegistryError, match=r"is damaged: it contains"):
        promote(store, NAME, "0" * 12)
    assert still_serving(s3, store, serving)


@pytest.mark.parametrize("failure", ["cut off", "half", "denied"])
def test_failed_pull_leaves_no_files(
    s3: UnreliableS3, store: Store, bundle: Path, tmp_path: Path, failure: str
) -> None:
    version = publish(bundle, store).manifest.version
    s3.plan = lambda method, path, _: failure if path.endswith(MODEL_FILE) else None

    with pytest.raises(RegistryError, match=r"Cannot read .*model\.tflite"):
        pull(store, NAME, version, tmp_path / "pulled" / "bundle")
    assert list((tmp_path / "pulled").iterdir()) == []
