"""S3 that fails in the middle: what was promoted stays, and the second try succeeds."""

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
from tests.convert.registry.unreliable import REFUSALS, UnreliableS3

NAME, REGISTRY = "intel-scenes", "s3://registry/models"
# In the order of the upload.
FILES = ["MODEL_CARD.md", "confusion.png", MODEL_FILE, "reliability.png", MANIFEST_FILE]


@pytest.fixture
def serving(store: Store, make_version: Callable[[float], Path]) -> str:
    """A version that is promoted before anything fails."""
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
def test_an_upload_that_breaks_never_becomes_current(
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
    told = capsys.readouterr().err
    assert f"{REGISTRY}/{NAME}/{version}/{broken}" in told
    assert "Traceback" not in told
    assert still_serving(s3, store, serving)

    assert main(["promote", NAME, version, "--registry", REGISTRY]) == 4
    assert "is not complete, or is not there" in capsys.readouterr().err
    assert still_serving(s3, store, serving)

    assert main(["publish", str(folder), REGISTRY]) == 0  # goes on where it broke off
    assert main(["promote", NAME, version, "--registry", REGISTRY]) == 0
    assert still_serving(s3, store, version)


@pytest.mark.parametrize("failure", sorted(REFUSALS))
def test_a_promotion_that_s3_refuses_changes_nothing(
    s3: UnreliableS3, store: Store, serving: str, make_version: Callable, failure: str
) -> None:
    version = publish(make_version(2.5), store).manifest.version
    s3.plan = lambda method, path, _: failure if method == "PUT" else None
    with pytest.raises(RegistryError):
        promote(store, NAME, version)
    assert still_serving(s3, store, serving)
    promote(store, NAME, version)
    assert still_serving(s3, store, version)


def test_a_promotion_whose_answer_is_lost_is_known_to_have_been_done(
    s3: UnreliableS3, store: Store, serving: str, make_version: Callable
) -> None:
    version = publish(make_version(2.5), store).manifest.version
    written = 0

    def plan(method: str, path: str, _: int) -> str | None:
        nonlocal written
        written += method == "PUT"
        return "answer lost" if method == "PUT" and written == 1 else None

    s3.plan = plan
    assert promote(store, NAME, version).previous == (serving,)
    assert written == 2  # the second try was refused, for the first had been done
    assert still_serving(s3, store, version)


def test_s3_that_falls_silent_is_given_up_on(
    s3: UnreliableS3, store: Store, serving: str, make_version: Callable
) -> None:
    folder = make_version(2.5)
    s3.plan = lambda method, path, _: "silent" if path.endswith(MODEL_FILE) else None
    with pytest.raises(RegistryError, match=r"Cannot write .*model\.tflite: Read timeout"):
        publish(folder, store)
    assert still_serving(s3, store, serving)


@pytest.mark.parametrize("failure", ["failing", "cut off"])
def test_a_failure_that_passes_is_survived(
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


@pytest.mark.parametrize("name", [MODEL_FILE, MANIFEST_FILE])
def test_a_version_that_was_altered_afterwards_is_not_promoted_nor_pulled(
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


def test_a_version_without_its_model_is_not_promoted(
    s3: UnreliableS3, store: Store, serving: str, make_version: Callable
) -> None:
    version = publish(make_version(2.5), store).manifest.version
    boto3.client("s3", endpoint_url=s3.upstream).delete_object(
        Bucket="registry", Key=f"models/{NAME}/{version}/{MODEL_FILE}"
    )
    with pytest.raises(RegistryError, match=r"model\.tflite is missing"):
        promote(store, NAME, version)
    assert still_serving(s3, store, serving)


def test_a_version_under_another_s_name_is_not_promoted(
    s3: UnreliableS3, store: Store, serving: str, make_version: Callable
) -> None:
    folder = make_version(2.5)
    for name in (MODEL_FILE, MANIFEST_FILE):
        store.create(f"{NAME}/{'0' * 12}/{name}", (folder / name).read_bytes(), "text/plain")
    with pytest.raises(RegistryError, match=r"is damaged\. It holds"):
        promote(store, NAME, "0" * 12)
    assert still_serving(s3, store, serving)


@pytest.mark.parametrize("failure", ["cut off", "half", "denied"])
def test_a_pull_that_breaks_leaves_nothing(
    s3: UnreliableS3, store: Store, bundle: Path, tmp_path: Path, failure: str
) -> None:
    version = publish(bundle, store).manifest.version
    s3.plan = lambda method, path, _: failure if path.endswith(MODEL_FILE) else None
    with pytest.raises(RegistryError, match=r"Cannot read .*model\.tflite"):
        pull(store, NAME, version, tmp_path / "pulled" / "bundle")
    assert list((tmp_path / "pulled").iterdir()) == []
