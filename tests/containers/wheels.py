"""Download the wheels that pip would choose in an image."""

import subprocess
import sys
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory

from filelock import FileLock

PYTHON = "3.13"
# Amazon Linux 2023 has glibc 2.34. Wheels for older versions are compatible (https://peps.python.org/pep-0600/).
PLATFORMS = ["manylinux2014", *(f"manylinux_2_{minor}" for minor in range(17, 35))]


def fetch(requirements: Path, cache: Path, machine: str = "x86_64") -> Path:
    """Return a folder with the wheels of a requirements file that pins all packages with hashes.

    Args:
        requirements: the file.
        cache: folder of such folders.
        machine: x86_64 or aarch64.
    """
    platforms = [f"--platform={name}_{machine}" for name in PLATFORMS]
    options = [f"--python-version={PYTHON}", *platforms]
    digest = sha256(" ".join(options).encode() + requirements.read_bytes()).hexdigest()
    folder = cache / digest[:16]
    cache.mkdir(parents=True, exist_ok=True)
    with FileLock(f"{folder}.lock"):
        if folder.exists():
            return folder
        with TemporaryDirectory(dir=cache) as unfinished:
            wheels = Path(unfinished) / "wheels"
            download = [sys.executable, "-m", "pip", "download", "--quiet", f"--dest={wheels}"]
            pip_options = ["--no-deps", "--only-binary=:all:", "--require-hashes", *options]
            subprocess.run([*download, *pip_options, f"--requirement={requirements}"], check=True)
            wheels.rename(folder)
    return folder
