"""Size of pillow-heif, and its effect on a cold start: `python -m benchmarks.heic`.

Processes that answer one JPEG are started in turn, with pillow-heif installed and without it. The
figures are medians of their processor time.
"""

import json
import os
import subprocess
import sys
from importlib.metadata import files
from pathlib import Path
from tempfile import TemporaryDirectory

import pillow_heif

from benchmarks.machine import description
from benchmarks.service.child import ENVIRONMENT, event, percentile, picture

TURNS = 15
_ANSWER = """
import json, sys, time
from lambda_api.handler import handler
assert handler(json.load(sys.stdin), None)["statusCode"] == 200
assert "pillow_heif" not in sys.modules
print(1000 * time.process_time())
"""
_IMPORT = """
import time
import PIL.Image
start = time.process_time()
import pillow_heif
print(1000 * (time.process_time() - start))
"""


def main() -> None:
    """Measure, and print the figures."""
    site_packages = Path(pillow_heif.__file__).parents[1]
    print(json.dumps(description("pillow", "pillow-heif")))
    print(f"installed size: {_installed_bytes() / 1e6:.1f} MB")
    times: dict[str, list[float]] = {"installed": [], "not installed": []}
    with TemporaryDirectory() as folder:
        paths = {name: Path(folder) / name for name in times}
        for name, path in paths.items():
            path.mkdir()
            for entry in site_packages.iterdir():
                if name == "installed" or not entry.name.startswith("pillow_heif"):
                    (path / entry.name).symlink_to(entry)
        for turn in range(TURNS + 1):  # the first turn compiles byte code
            for name, path in paths.items():
                taken = _run(_ANSWER, path)
                if turn:
                    times[name].append(taken)
        imports = [_run(_IMPORT, paths["installed"]) for _ in range(TURNS)]
    for name, taken_ms in times.items():
        print(f"first JPEG, {name}: {percentile(taken_ms, 0.5):.0f} ms of processor time")
    print(f"import when the first HEIC arrives: {percentile(imports, 0.5):.0f} ms")


def _installed_bytes() -> int:
    """Size of the files of the package, with the libraries of its wheel, without byte code."""
    paths = [Path(str(file.locate())) for file in files("pillow-heif") or []]
    return sum(path.stat().st_size for path in paths if path.suffix != ".pyc" and path.exists())


def _run(code: str, site_packages: Path) -> float:
    """Run code with the packages of a folder. Returns the number on its last line."""
    environment = {**os.environ, **ENVIRONMENT, "PYTHONPATH": f".{os.pathsep}{site_packages}"}
    output = subprocess.run(  # noqa: S603 - no shell
        [sys.executable, "-S", "-c", code],
        input=json.dumps(event(picture(), as_form=False)),
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    return float(output.splitlines()[-1])


if __name__ == "__main__":
    main()
