"""`python -m training audit`: its files, its page, errors and Ctrl-C."""

import json
import shutil
import signal
import subprocess
import sys
import time
from html.parser import HTMLParser
from pathlib import Path

import pytest
from PIL import Image
from playwright.sync_api import sync_playwright

from tests.conftest import ROOT
from tests.lambda_api.pictures import china, encode
from training.__main__ import main
from training.audit import page
from training.audit.findings import Audit, read_exclusions

SPITEFUL = "<img src=x onerror=alert(1)> & 雪.jpg"


def run(*arguments: object) -> int:
    return main(["audit", *(str(argument) for argument in arguments)])


@pytest.fixture
def data(crops: Path, tmp_path: Path) -> Path:
    """Crops of photos, with a leak, a contradiction, a broken file and a panorama."""
    root = tmp_path / "données <i>"
    shutil.copytree(crops, root)
    shutil.copy(root / "train" / "coffee" / "00.jpg", root / "test" / "coffee" / "leak.jpg")
    shutil.copy(root / "train" / "flower" / "01.jpg", root / "train" / "hubble" / SPITEFUL)
    (root / "train" / "hubble" / "<s>text.jpg").write_text("text")
    for part in ("train", "test"):
        china(6000, 8).save(root / part / "flower" / "panorama.png")
        Image.new("RGB", (8, 6000)).save(root / part / "flower" / "tower.png")
    return root


@pytest.fixture
def audited(data: Path, tmp_path: Path) -> Path:
    out = tmp_path / "new" / "out"
    assert run(data, "--out", out) == 0
    return out


class _Page(HTMLParser):
    """What a page's elements refer to, and its text."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.addresses: list[str] = []
        self.text = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        names = ("src", "href", "srcset", "action", "data", "poster", "background")
        self.addresses += [value or "" for name, value in attrs if name in names]

    def handle_data(self, data: str) -> None:
        self.text += data


def test_page_and_json_contain_the_findings(audited: Path, data: Path) -> None:
    assert sorted(path.name for path in audited.iterdir()) == ["audit.html", "audit.json"]
    audit = Audit.model_validate_json((audited / "audit.json").read_bytes())
    exclusions = read_exclusions(audited / "audit.json")
    assert {"coffee/00.jpg", "flower/01.jpg", f"hubble/{SPITEFUL}"} < set(exclusions)
    source = (audited / "audit.html").read_text(encoding="utf-8")
    html = _Page(source)
    assert f"Audit of {data.name}" in html.text
    for name in (SPITEFUL, "<s>text.jpg", *(count.label for count in audit.counts)):
        assert name in html.text
    members = [
        member
        for group in audit.groups
        for member in group.members * (group.leaks + group.contradicts or 1)  # once a section
    ]
    assert html.tags.count("img") == sum(map(len, audit.samples.values())) + len(members) + 1
    marked = [m for m in members if m.path.removeprefix("train/") in exclusions]
    assert source.count('<em class="out">excluded') == len(marked) > 0


def test_the_page_is_self_contained_and_escapes_names(audited: Path) -> None:
    source = (audited / "audit.html").read_text(encoding="utf-8")
    html = _Page(source)
    assert html.addresses
    assert all(address.startswith("data:image/") for address in html.addresses)
    assert not {"script", "link", "iframe", "object", "s"} & set(html.tags)
    assert "url(" not in source
    assert "@import" not in source


def test_a_browser_shows_all_pictures_without_requests(audited: Path, chromium: str) -> None:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=chromium, args=["--no-sandbox", "--disable-gpu", "--disable-quic"]
        )
        tab = browser.new_page()
        asked: list[str] = []
        tab.on("request", lambda request: asked.append(request.url))
        tab.goto((audited / "audit.html").as_uri())
        broken = tab.evaluate(
            "[...document.images].filter(i => !(i.naturalWidth && i.width && i.height)).length"
        )
        browser.close()
    assert broken == 0
    assert [url for url in asked if not url.startswith("data:")] == [
        (audited / "audit.html").as_uri()
    ]


def test_a_page_with_many_groups_counts_the_hidden_ones(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for i in range(3):
        shutil.copy(data / "train" / "coffee" / "00.jpg", data / "test" / "coffee" / f"{i}.jpg")
        shutil.copy(
            data / "train" / "flower" / f"1{i}.jpg", data / "train" / "hubble" / f"same{i}.jpg"
        )
    monkeypatch.setattr(page, "GROUPS", 1)
    monkeypatch.setattr(page, "MEMBERS", 2)
    assert run(data, "--out", tmp_path) == 0
    text = _Page((tmp_path / "audit.html").read_text(encoding="utf-8")).text
    audit = Audit.model_validate_json((tmp_path / "audit.json").read_bytes())
    contradicting = [group for group in audit.groups if group.contradicts]
    leaking = [group for group in audit.groups if group.leaks]
    assert len(contradicting) > 1
    assert f"… and {len(contradicting) - 1} more groups in audit.json." in text
    assert f"… and {len(leaking[0].members) - 2} more pictures in audit.json." in text


def test_standard_output_contains_only_the_json(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(data, "--out", tmp_path, "--json") == 0
    assert json.loads(capsys.readouterr().out)["data"] == data.name


def test_the_summary_counts_the_findings(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(data, "--out", tmp_path) == 0
    out = capsys.readouterr().out
    assert "Pictures: 75 train, 27 test" in out
    assert "Unreadable files: 1\nFiles left out: none\n" in out
    assert f"--exclude {tmp_path / 'audit.json'}" in out


def test_the_default_folder_is_below_runs(
    crops: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert run(crops / "train") == 0
    assert (tmp_path / "runs" / "audit-train" / "audit.json").is_file()


def test_unusable_folders_are_errors_and_leave_nothing(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    assert run(tmp_path / "nowhere", "--out", out) == 2
    assert "nowhere: no such folder." in capsys.readouterr().err
    assert not out.exists()
    out.write_text("a file")
    assert run(data, "--out", out) == 2
    assert "File exists" in capsys.readouterr().err


def test_ctrl_c_ends_without_a_traceback_and_leaves_nothing(tmp_path: Path) -> None:
    first = tmp_path / "data" / "a" / "0.jpg"
    first.parent.mkdir(parents=True)
    first.write_bytes(encode(china(1200, 800), "PNG"))
    for i in range(1, 400):
        (first.parent / f"{i}.jpg").hardlink_to(first)
    out = tmp_path / "out"
    process = subprocess.Popen(
        [sys.executable, "-m", "training", "audit", tmp_path / "data", "--out", out],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    while not out.exists():
        assert process.poll() is None
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "Interrupted." in errors
    assert "Traceback" not in errors
    assert not list(out.iterdir())
