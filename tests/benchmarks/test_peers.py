"""`make bench-peers` with few processes, and with the packages of this environment."""

import sys
from pathlib import Path

import pytest

from benchmarks.peers import (
    batch,
    cold_start,
    emulator,
    environments,
    folder,
    inference,
    report,
    throughput,
    tutorial,
)
from tests.conftest import ROOT, skip_or_fail
from tests.environments import python_environment


@pytest.fixture(autouse=True)
def _this_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """The environments of the peers would be downloaded."""
    monkeypatch.setattr(environments, "python", lambda _: Path(sys.executable))


def test_cold_starts_of_all_kinds_without_tensorflow() -> None:
    kinds = {
        name: kind for name, kind in cold_start.PEERS.items() if "TensorFlow" not in name
    } | cold_start.VARIANTS

    results = cold_start.measure(1, kinds)

    assert results["FastAPI, Mangum, LiteRT"]["cpu_ratio"] == 1
    bare, service = results["LiteRT without a framework"], results["the service"]
    assert 0 < bare["cpu_ms"] < service["cpu_ms"] < results["without byte code"]["cpu_ms"]
    assert all(20 < result["rss_mb"] < 500 for result in results.values())
    assert len(report.cold_start(results).splitlines()) == 6 + len(kinds)


def test_handlers_answer_behind_the_emulator(monkeypatch: pytest.MonkeyPatch) -> None:
    lock = ROOT / "tests" / "containers" / "sam" / "requirements.txt"
    pythons = {"emulator": python_environment("sam", lock) / "python"}
    monkeypatch.setattr(
        environments, "python", lambda name: pythons.get(name, Path(sys.executable))
    )
    names = ("FastAPI, Mangum, LiteRT", "the service", "LiteRT without a framework")

    results = emulator.measure(1, {name: emulator.KINDS[name] for name in names})

    for result in results.values():
        assert 0 < result["warm_ms"] < result["first_ms"]
        assert result["cpu_ms"] > 0
        assert 20 < result["rss_mb"] < 500
    assert results[names[0]]["first_ratio"] == 1
    assert len(report.emulator(results).splitlines()) == 6 + len(names)


def test_every_way_classifies_the_whole_folder() -> None:
    results = folder.measure(1, [(folder.SMALL, 70), (folder.LARGE, 2)])

    assert {name.partition(" | ")[0] for name in results} == {"70 of 150x150", "2 of 12 megapixels"}
    for found in results.values():
        assert list(found) == list(folder.KINDS)
        for result in found.values():
            assert 0 < result["min"] <= result["pictures_a_second"] <= result["max"]
            assert result["cpu_ms"] > 0
    assert len(report.folder(results).splitlines()) == 6 + 3 * len(results)


def test_every_worker_classifies_the_batch(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batch, "DELAYS_MS", (20,))

    results = batch.measure(1, 30)

    one_by_one, *others = (
        results[name]["20"]["pictures_a_second"]
        for name in ("boto3, one object after the other", "the service", "boto3, eight threads")
    )
    assert 0 < one_by_one < 50  # it waits 20 ms for each
    assert min(others) > 0
    assert "| the service |" in report.batch(results)


def test_tutorial_gets_parts_that_share_no_picture(tmp_path: Path) -> None:
    for name in ("forest", "sea"):
        (tmp_path / "all" / name).mkdir(parents=True)
        for number in range(10):
            (tmp_path / "all" / name / f"{number}.jpg").touch()

    tutorial.link_parts(tmp_path / "all", tmp_path / "parts", training=12, validation=4)

    parts = [
        {path.resolve() for path in (tmp_path / "parts" / part).glob("*/*")}
        for part in ("train", "valid")
    ]
    assert [len(part) for part in parts] == [12, 4]
    assert not parts[0] & parts[1]


def test_litert_labels_pictures_without_the_other_runtimes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    runtime = {"LiteRT, int8": inference.RUNTIMES["LiteRT, int8"]}
    monkeypatch.setattr(inference, "RUNTIMES", runtime)
    monkeypatch.setattr(environments, "size", lambda _: 142_000_000)
    sea = tmp_path / "sea" / "1.jpg"
    sea.parent.mkdir()
    sea.write_bytes((ROOT / "infra" / "pretraffic" / "sea.jpg").read_bytes())
    other = tmp_path / "forest" / "1.jpg"
    other.parent.mkdir()
    other.write_bytes(sea.read_bytes())

    results = inference.measure(2, 3, tmp_path, [sea, other])

    (found,) = results.values()
    assert found["accuracy"] == 0.5
    assert found["agreement"] == 1
    assert 0 < found["inference_ms"] < found["load_ms"] + found["import_ms"]
    assert "| 142 | 0.500 | 1.000 |" in report.inference(results)


def test_floor_counts_the_layers_of_the_network() -> None:
    ((name, found),) = inference.floor(5).items()

    assert "282 million" in name  # EfficientNet-Lite0 at 192 pixels
    assert 0.1 < found["inference_ms"] < 100


def test_every_response_under_load_is_right(monkeypatch: pytest.MonkeyPatch) -> None:
    if throughput.which("wrk") is None:
        skip_or_fail("wrk not found; on Debian: apt-get install wrk")
    servers = {name: throughput.SERVERS[name] for name in ("the service", "FastAPI, uvicorn")}
    monkeypatch.setattr(throughput, "SERVERS", servers)

    results = throughput.measure(rounds=1, seconds=1)

    for result in results.values():
        assert [result[str(n)]["failed"] for n in throughput.CLIENTS] == [0, 0, 0]
        assert result["1"]["requests_a_second"] > 0
    assert "| the service |" in report.throughput(results)
