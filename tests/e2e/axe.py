"""axe-core, which finds what keeps people from using a page; fetched once for a machine."""

import subprocess
import tarfile
from functools import cache
from hashlib import sha256
from io import BytesIO
from shutil import which
from typing import Any

from playwright.sync_api import Page

from tests.conftest import CACHE, _missing

VERSION = "4.14.1"
SHA256 = "e6b0ce02b84d892e2e33e403485e7f3d6c29e2be6df65daf44d89ba564139745"


@cache
def source() -> str:
    """axe-core's JavaScript, out of the package that npm has; checked each time."""
    package = CACHE / f"axe-core-{VERSION}.tgz"
    if not package.exists():
        if which("npm") is None:
            _missing("no npm here to fetch axe-core; on Debian: apt-get install npm")
        CACHE.mkdir(parents=True, exist_ok=True)
        subprocess.run(
            ["npm", "pack", f"axe-core@{VERSION}", f"--pack-destination={CACHE}"],
            check=True,
            capture_output=True,
        )
    content = package.read_bytes()
    if sha256(content).hexdigest() != SHA256:
        package.unlink()
        raise RuntimeError(f"axe-core {VERSION} is not the package that was tried out")
    with tarfile.open(fileobj=BytesIO(content)) as files:
        file = files.extractfile("package/axe.min.js")
        assert file
        return file.read().decode()


def serious_violations(page: Page) -> list[str]:
    """What axe-core finds serious or critical, as a line for each place."""
    page.wait_for_timeout(500)  # what moves in has arrived: half transparent, contrast is low
    page.evaluate(source())
    found: dict[str, Any] = page.evaluate("axe.run()")
    return [
        f"{violation['id']}: {node['target']} {node['html'][:200]} {node['failureSummary'][:300]}"
        for violation in found["violations"]
        if violation["impact"] in ("serious", "critical")
        for node in violation["nodes"]
    ]
