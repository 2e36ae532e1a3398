"""Documentation: links, commands and figures."""

import json
import re
from collections import Counter
from pathlib import Path
from statistics import median
from typing import Any, get_args
from urllib.parse import unquote

import pytest
from pydantic import BaseModel
from pydantic_core import PydanticUndefined

import convert.__main__
import frontend.settings
import infra.__main__
import infra.settings
import lambda_api.__main__
import lambda_api.settings
import training.__main__
from lambda_api.classifier import Classifier
from lambda_api.manifest import read_bundle
from tests.conftest import ROOT
from training.config import Architecture, Preset

README = ROOT / "README.md"
PAGES = [
    README,
    ROOT / "CONTRIBUTING.md",
    *sorted((ROOT / "docs").glob("*.md")),
    *sorted(ROOT.glob("models/*/*.md")),
    ROOT / "benchmarks" / "results" / "service.md",
    ROOT / "frontend" / "samples" / "CREDITS.md",
]
MAX_README_LINES = 150
MAINS = {
    "convert": convert.__main__.main,
    "infra": infra.__main__.main,
    "lambda_api": lambda_api.__main__.main,
    "training": training.__main__.main,
}
CODE_FOLDERS = "benchmarks|convert|env_file|frontend|infra|lambda_api|scripts|tests|training"


def name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def prose(page: Path) -> str:
    """Return the page without code blocks."""
    text = page.read_text(encoding="utf-8")
    return re.sub(r"(?ms)^```.*?^```|^ {4,}[^\n]*$", "", text)


def anchors(page: Path) -> set[str]:
    """Return the anchors that GitHub creates for the headings of the page."""
    found: set[str] = set()
    repeated: Counter[str] = Counter()
    for heading in re.findall(r"^#+ (.+)$", prose(page), re.MULTILINE):
        text = re.sub(r"\[(.*?)\]\(.*?\)", r"\1", heading).strip().lower()
        slug = re.sub(r"[^\w\- ]", "", text).replace(" ", "-")
        found.add(f"{slug}-{repeated[slug]}" if repeated[slug] else slug)
        repeated[slug] += 1
    return found


def links(page: Path) -> list[str]:
    """Return the targets of links and pictures in the repository."""
    targets = re.findall(r"\]\(([^)\s]+)\)", prose(page))
    return [unquote(target) for target in targets if not re.match(r"[a-z]+:", target)]


def make_targets() -> set[str]:
    return set(re.findall(r"^([a-z0-9-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))


def settings_table(section: str) -> dict[str, str]:
    """Return the names and defaults in a table of docs/configuration.md."""
    page = (ROOT / "docs" / "configuration.md").read_text(encoding="utf-8")
    (text,) = re.findall(rf"(?ms)^## {section}\n(.*?)^## ", page)
    return {
        setting: default.replace("`", "")
        for setting, default in re.findall(r"^\| `(\w+)` \| (.+?) \|", text, re.MULTILINE)
    }


def shown(default: object) -> str:
    """Format a default value as in the tables."""
    match default:
        case _ if default is PydanticUndefined:
            return "required"
        case None | () | {}:
            return "none"
        case bool():
            return str(default).lower()
        case int() if default >= 10_000:
            return f"{default:,}"
        case _:
            return str(default).removeprefix(f"{ROOT}/")


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_link_targets_exist(page: Path) -> None:
    for link in links(page):
        target, _, anchor = link.partition("#")
        file = (page.parent / target).resolve() if target else page

        assert file.exists(), link
        assert not anchor or anchor in anchors(file), link


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_files_named_in_the_documentation_exist(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    named = re.findall(rf"(?<![\w/.])(?:{CODE_FOLDERS}|docs)/[\w/.-]*\w\.\w+", text)

    assert [path for path in named if not (ROOT / path).exists()] == []


def test_pages_named_in_the_code_exist() -> None:
    files = [
        *(path for folder in CODE_FOLDERS.split("|") for path in (ROOT / folder).rglob("*.py")),
        ROOT / "Makefile",
        ROOT / ".env.example",
    ]
    named = {
        (path, page)
        for path in files
        for page in re.findall(r"\bdocs/[\w.-]+\.(?:md|json)\b", path.read_text(encoding="utf-8"))
    }

    assert named
    assert [(name(path), page) for path, page in named if not (ROOT / page).exists()] == []


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_documented_make_targets_exist(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    commands = set(re.findall(r"(?:`|^ {4,}|&& |=\S+ )make ([a-z0-9-]+)", text, re.MULTILINE))

    assert commands <= make_targets()


def test_documented_commands_and_options_exist(
    capsys: pytest.CaptureFixture[str],
) -> None:
    parts = "|".join(MAINS)
    options: dict[tuple[str, str], set[str]] = {}
    for page in PAGES:
        text = page.read_text(encoding="utf-8")
        for part, command, rest in re.findall(rf"python -m ({parts}) ([a-z-]+)([^`#\n]*)", text):
            options.setdefault((part, command), set()).update(re.findall(r"--[a-z-]+", rest))

    assert {part for part, _ in options} == set(MAINS)
    for (part, command), named in options.items():
        with pytest.raises(SystemExit) as stopped:
            MAINS[part]([command, "--help"])
        offered = set(re.findall(r"--[a-z-]+", capsys.readouterr().out))
        assert stopped.value.code == 0, (part, command)
        assert named <= offered, (part, command)


def test_training_page_lists_every_architecture_and_augmentation() -> None:
    page = (ROOT / "docs" / "training.md").read_text(encoding="utf-8")
    listed = {
        option: tuple(re.findall(r"`(\w+)`", values))
        for option, values in re.findall(r"^\| `--([\w-]+)` \| (.+) \|$", page, re.MULTILINE)
    }

    assert listed["architecture"] == get_args(Architecture)
    assert listed["augmentation"] == get_args(Preset)


def test_operations_page_explains_every_alarm() -> None:
    page = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
    template = "".join(
        (ROOT / f"tests/infra/snapshots/landscape-classifier-{stack}.yaml").read_text()
        for stack in ("dev", "prod-page")
    )
    resources = re.findall(r"(?m)^  Alarms(\w+)[0-9A-F]{8}:\n((?:    .*\n)+)", template)
    alarms = [alarm for alarm, text in resources if "Type: AWS::CloudWatch::Alarm\n" in text]
    (section,) = re.findall(r"(?ms)^## Alarms\n(.*?)^## ", page)

    assert alarms
    assert sorted(re.findall(r"^\| `(\w+)`", section, re.MULTILINE)) == sorted(alarms)


def test_faults_in_the_operations_page_are_held_by_existing_tests() -> None:
    page = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| (F\d+) \| .+? \| (.+) \|$", page, re.MULTILINE)
    tests = "".join(file.read_text() for file in (ROOT / "tests").rglob("test_*.py"))

    assert [fault for fault, _ in rows] == [f"F{number}" for number in range(1, 13)]
    for fault, held_by in rows:
        named = re.findall(r"`(test_\w+)`", held_by)
        assert named, fault
        assert [name for name in named if f"def {name}(" not in tests] == []


def test_every_screenshot_is_shown() -> None:
    shown_on_pages = {(page.parent / link).resolve() for page in PAGES for link in links(page)}

    assert set((ROOT / "docs" / "images").iterdir()) <= shown_on_pages


def test_every_page_is_linked_from_the_readme() -> None:
    linked = {(ROOT / link.partition("#")[0]).resolve() for link in links(README)}

    assert set((ROOT / "docs").glob("*.md")) <= linked
    assert ROOT / "CONTRIBUTING.md" in linked


def test_readme_is_short() -> None:
    assert len(README.read_text(encoding="utf-8").splitlines()) <= MAX_README_LINES


def test_readme_results_match_the_bundle() -> None:
    readme = README.read_text(encoding="utf-8").replace("\n", " ")
    manifest, _ = read_bundle(ROOT / "models" / "intel-scenes")
    measured = manifest.evaluation

    assert f"On {measured.count:,} {measured.pictures} pictures" in readme
    assert f"{measured.bundle.accuracy:.3f} test accuracy" in readme
    assert f"{manifest.model.bytes / 1e6:.1f} MB" in readme
    assert f"calibration error is {measured.bundle.calibration_error:.3f}" in readme
    for label, figure in [
        ("accuracy", "accuracy"),
        ("macro F1", "macro_f1"),
        ("expected calibration error", "calibration_error"),
    ]:
        keras, bundle = getattr(measured.keras, figure), getattr(measured.bundle, figure)
        assert f"{label} {bundle:.3f} (Keras: {keras:.3f})" in readme


def test_readme_ratios_match_the_benchmarks() -> None:
    readme = README.read_text(encoding="utf-8")
    cold, load = (_results(name)["results"] for name in ("cold_start", "throughput"))
    rates = {name: found["8"]["requests_a_second"] for name, found in load.items()}
    fastest = max(rate for name, rate in rates.items() if not name.startswith("the service"))
    slowest = cold["TensorFlow without a framework"]["cpu_ms"] / cold["the service"]["cpu_ms"]
    warm = _results("service")["warm"]["ratios_cpu"]["handler_raw"]
    shares = [one["share_of_bare"] for one in _results("classify_folder")["rounds"]]

    assert f"plain FastAPI with Mangum | {cold['the service']['cpu_ratio']:.2f} |" in readme
    assert f"TensorFlow without a framework / the service | {slowest:.1f} |" in readme
    assert f"(no log-in, limits or log) | {rates['the service'] / fastest:.2f} |" in readme
    assert f"warm Lambda handler / bare decoding and inference | {warm:.2f} |" in readme
    assert f"bare decoding and inference on all cores | {median(shares):.2f} |" in readme


def _results(name: str) -> dict[str, Any]:
    path = ROOT / "benchmarks" / "results" / f"{name}.json"
    results: dict[str, Any] = json.loads(path.read_text())
    return results


def test_readme_costs_match_the_cost_page() -> None:
    readme = README.read_text(encoding="utf-8")
    cost = (ROOT / "docs" / "cost.md").read_text(encoding="utf-8")
    per_month = dict(re.findall(r"^\| ([\d,]+) \| ([\d.]+) \|", cost, re.MULTILINE))

    assert f"${per_month['1,000,000']} per million requests" in readme
    assert f"${per_month['0']} per idle month" in readme


def test_readme_example_matches_the_bundle() -> None:
    readme = README.read_text(encoding="utf-8")
    picture, top_k = re.findall(r'call (\S+) --route "/predict\?top_k=(\d+)"', readme)[0]
    (example,) = map(json.loads, re.findall(r"(?ms)^```json\n(.*?)^```", readme))
    classifier = Classifier(ROOT / "models" / "intel-scenes")

    prediction = classifier.classify((ROOT / picture).read_bytes())

    expected = dict(prediction.scores[: int(top_k)])
    scores = {score["label"]: score["confidence"] for score in example["predictions"]}
    assert example["model_version"] == classifier.manifest.version
    assert example["label"] == prediction.label
    assert example["confident"] == prediction.confident
    assert example["confidence"] == pytest.approx(prediction.confidence, abs=1e-3)
    assert scores == pytest.approx(expected, abs=1e-3)


@pytest.mark.parametrize(
    ("section", "settings", "is_environment"),
    [
        ("Service", lambda_api.settings.Settings, True),
        ("Page", frontend.settings.Settings, True),
        ("Deployment", infra.settings.Settings, False),
    ],
)
def test_configuration_page_lists_every_setting_with_its_default(
    section: str, settings: type[BaseModel], is_environment: bool
) -> None:
    expected = {
        field.upper() if is_environment else field: shown(info.default)
        for field, info in settings.model_fields.items()
    }

    assert settings_table(section) == expected
