"""The documented commands on a folder of pictures in many formats."""

import json
import re
import shlex
import subprocess
import sys
from collections.abc import Callable
from importlib import import_module
from pathlib import Path

import pytest
from PIL import Image

from lambda_api.manifest import read_bundle
from tests.small_line import LENIENT, SMALL_NETWORK

ROOT = Path(__file__).parents[2]

# Options that keep the test short; they override those of the documented commands.
SHORT = {
    "train": [*SMALL_NETWORK, "--epochs", "3", "--upscale", "1"],
    "bundle": [
        "--calibration-pictures=20",
        *(f"--{name.replace('_', '-')}={limit}" for name, limit in LENIENT.items()),
    ],
}

NAMES = {"coffee": "café au lait", "flower": "цветы & 花", "hubble": "Deep Field"}
KINDS = [
    (".jpg", "RGB", (96, 96)),
    (".JPG", "L", (150, 100)),
    (".jpeg", "CMYK", (64, 48)),
    (".png", "L", (33, 120)),
    (".png", "RGBA", (200, 150)),
    (".png", "P", (96, 96)),
    (".webp", "RGB", (120, 80)),
]


def _own_pictures(crops: Path, root: Path) -> None:
    """Save the pictures in `crops` (`<class>/*.jpg`) in many sizes, color modes and formats."""
    for path in crops.glob("*/*.jpg"):
        number = int(path.stem)
        suffix, mode, size = KINDS[number % len(KINDS)]
        folder = root / NAMES[path.parent.name]
        folder.mkdir(parents=True, exist_ok=True)
        with Image.open(path) as picture:
            picture.resize(size).convert(mode).save(folder / f"bild {number} – é{suffix}")
        (folder / "Thumbs.db").write_bytes(b"\xd0\xcf\x11\xe0")


def _commands() -> dict[str, list[str]]:
    """The documented commands, split into words, by subcommand."""
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    (section,) = re.findall(r"(?ms)^## [^\n]*own pictures\n(.*?)^## ", readme)
    found = re.findall(r"(?m)^    \.venv/bin/python (-m (?:training|convert) (\w+) .*)$", section)
    return {verb: shlex.split(line, comments=True) for line, verb in found}


Run = Callable[[list[str]], str]


@pytest.fixture
def process(tmp_path: Path) -> Run:
    """Return a function that runs Python in `tmp_path`."""

    def run(words: list[str]) -> str:
        command = [sys.executable, *words]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        return done.stdout

    return run


@pytest.fixture
def in_process(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Run:
    """Return a function that runs a command in this process, which has imported TensorFlow."""
    monkeypatch.chdir(tmp_path)

    def run(words: list[str]) -> str:
        option, package, *arguments = words
        assert option == "-m"
        code = import_module(f"{package}.__main__").main(arguments)
        output, errors = capsys.readouterr()
        assert code == 0, errors
        return output

    return run


@pytest.mark.parametrize(
    ("train", "test", "measured_on", "runner"),
    [
        (".", None, "validation", "process"),
        ("seg_train/seg_train", "seg_test/seg_test", "test", "in_process"),
    ],
    ids=["one folder a class", "as Kaggle packs them"],
)
def test_two_commands_make_a_working_bundle(
    crops: Path,
    tmp_path: Path,
    request: pytest.FixtureRequest,
    train: str,
    test: str | None,
    measured_on: str,
    runner: str,
) -> None:
    run: Run = request.getfixturevalue(runner)
    commands = _commands()
    pictures = tmp_path / commands["train"][3]
    _own_pictures(crops / "train", pictures / train)
    if test:
        _own_pictures(crops / "test", pictures / test)
        (pictures / "seg_pred" / "seg_pred").mkdir(parents=True)  # it has no class folders
    for name in ("env_file", "lambda_api", "training", "convert"):  # as in a checkout
        (tmp_path / name).symlink_to(ROOT / name)

    for verb in ("train", "bundle"):
        run([*commands[verb], *SHORT[verb]])
    bundle = tmp_path / commands["bundle"][commands["bundle"].index("--out") + 1]
    manifest, _ = read_bundle(bundle)
    assert manifest.classes == ("Deep Field", "café au lait", "цветы & 花")
    assert manifest.evaluation.pictures == measured_on
    assert manifest.dataset.train + manifest.dataset.validation == 72
    assert manifest.dataset.test == (24 if test else 0)
    assert "цветы & 花" in (bundle / "MODEL_CARD.md").read_text(encoding="utf-8")

    classify = ["-m", "lambda_api", "classify", str(pictures), "--json", "--model", str(bundle)]
    predictions = [json.loads(line) for line in run(classify).splitlines()]
    assert len(predictions) == (96 if test else 72)
    right = sum(x["label"] == Path(x["file"]).parent.name for x in predictions)
    assert right / len(predictions) > 0.4  # more than chance, after three epochs


def test_the_documented_commands_use_the_same_paths() -> None:
    train, bundle = _commands()["train"], _commands()["bundle"]
    assert bundle[3] == train[4]  # the run folder
    assert bundle[bundle.index("--data") + 1] == train[3]
    assert re.fullmatch(r"models/[a-z0-9][a-z0-9-]*", bundle[bundle.index("--out") + 1])
