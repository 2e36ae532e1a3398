"""The wheels that pip would choose in an image, fetched by the machine's own pip."""

import subprocess
import sys
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory

from filelock import FileLock

PYTHON = "3.13"
# Amazon Linux 2023 has glibc 2.34; what is older fits (https://peps.python.org/pep-0600/).
PLATFORMS = ["manylinux2014_x86_64", *(f"manylinux_2_{minor}_x86_64" for minor in range(17, 35))]


def fetch(requirements: Path, cache: Path) -> Path:
    """A folder with what a file of pinned and hashed requirements names, dependencies included."""
    options = [f"--python-version={PYTHON}", *(f"--platform={name}" for name in PLATFORMS)]
    digest = sha256(" ".join(options).encode() + requirements.read_bytes()).hexdigest()
    folder = cache / digest[:16]
    cache.mkdir(parents=True, exist_ok=True)
    with FileLock(f"{folder}.lock"):
        if folder.exists():
            return folder
        with TemporaryDirectory(dir=cache) as unfinished:
            wheels = Path(unfinished) / "wheels"
            download = [sys.executable, "-m", "pip", "download", "--quiet", f"--dest={wheels}"]
            how = ["--no-deps", "--only-binary=:all:", "--require-hashes", *options]
            subprocess.run([*download, *how, f"--requirement={requirements}"], check=True)
            wheels.rename(folder)
    return folder
