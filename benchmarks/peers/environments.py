"""Environments of the peers, one each, in `.venv-peers/`."""

import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / ".venv-peers"
PROGRAMS = Path(__file__).parent / "programs"
SEARCH = os.pathsep.join([str(ROOT), str(PROGRAMS)])  # PYTHONPATH of programs with our code
# The versions of the service, for what it shares with the peers.
_SHARED = ("-c", str(ROOT / "requirements.txt"))
_MODEL = ("ai-edge-litert", "backports-strenum<1.3", "numpy", "pillow")
PACKAGES: dict[str, tuple[str, ...]] = {
    "lambda-service": ("--no-deps", "-r", str(ROOT / "lambda_api" / "requirements.txt")),
    "lambda-settings": (
        *_SHARED, "-r", str(ROOT / "lambda_api" / "requirements.txt"), "pydantic-settings",
    ),
    "lambda-fastapi": (*_SHARED, *_MODEL, "fastapi", "mangum", "python-multipart"),
    "lambda-bare": (*_SHARED, *_MODEL),
    "boto3": (*_SHARED, *_MODEL, "boto3"),
    "lambda-tensorflow": (*_SHARED, "tensorflow", "pillow"),
    # AWS' Runtime Interface Emulator (in aws-sam-cli) and Client, without what sam itself needs.
    "emulator": (
        "--no-deps", "aws-sam-cli==1.170.0", "awslambdaric==4.2.2", "simplejson==4.3.0",
        "snapshot-restore-py==1.0.0",
    ),
    "service": ("--no-deps", "-r", str(ROOT / "lambda_api" / "requirements-serve.txt")),
    "fastapi": (*_SHARED, *_MODEL, "fastapi", "python-multipart", "uvicorn", "uvloop", "httptools"),
    "flask": (*_MODEL, "flask==3.1.3", "gunicorn==27.0.1"),
    "litserve": (*_MODEL, "litserve==0.2.19", "python-multipart"),
    "bentoml": (*_MODEL, "bentoml==1.4.40", "python-multipart"),
    "ray": (*_MODEL, "ray[serve]==2.60.0", "python-multipart"),
    "decoders": (
        "numpy", "pillow==13.0.0", "simplejpeg==1.9.0", "pyvips==3.2.0", "pyvips-binary==8.18.7",
    ),
    "onnxruntime": ("numpy", "pillow", "onnxruntime==1.32.0"),
    "tf2onnx": (*_SHARED, "tensorflow", "tf2onnx==1.17.0", "onnx==1.23.2"),
    "openvino": ("numpy", "pillow", "openvino==2026.4.1"),
    "tflite-runtime": ("tflite-runtime==2.14.0", "numpy<2", "pillow"),
}  # fmt: skip


def python(name: str) -> Path:
    """Return the Python of a peer's environment. It is created if its packages have changed."""
    folder = FOLDER / name
    stamp, interpreter = folder / ".complete", folder / "bin" / "python"
    options = PACKAGES[name]
    digest = hashlib.sha256(repr((options, sys.version)).encode()).hexdigest()
    if not (stamp.exists() and stamp.read_text() == digest):
        print(f"Creating {folder} ...", flush=True)
        install = ["pip", "install", "--quiet", "--compile-bytecode"]
        uv = str(Path(sys.executable).with_name("uv"))
        for command in (
            [uv, "venv", "--quiet", "--clear", f"--python={sys.executable}", str(folder)],
            [uv, *install, f"--python={interpreter}", *options],
        ):
            subprocess.run(command, check=True)  # noqa: S603 - our own command
        stamp.write_text(digest)
    return interpreter


def run(name: str, program: str, *arguments: str | Path, variables: Mapping[str, str]) -> Any:
    """Run a file of `programs/` in a peer's environment; return the JSON of its last line."""
    output = subprocess.run(  # noqa: S603 - our own command
        [str(part) for part in (python(name), PROGRAMS / program, *arguments)],
        env={**os.environ, **variables}, stdout=subprocess.PIPE, text=True, check=True,
    ).stdout  # fmt: skip
    return json.loads(output.splitlines()[-1])


def size(name: str) -> int:
    """Return the bytes of a peer's packages, without byte code."""
    files = (FOLDER / name).rglob("*")
    return sum(path.lstat().st_size for path in files if path.suffix != ".pyc")
