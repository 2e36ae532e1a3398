"""Compatibility of the wheels in the Lambda image with Amazon Linux 2023.

The stand-in for the base image is a Debian, so the other tests do not cover this.
"""

import re
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from zipfile import ZipFile

import pytest
from elftools.elf.elffile import ELFFile

# Amazon Linux 2023 has glibc 2.34: https://docs.aws.amazon.com/linux/al2023/ug/core-glibc.html
# Its libstdc++ was that of GCC 11 at first, and is that of GCC 14 in images since 2025:
# https://github.com/amazonlinux/container-images/issues/132
# Symbol versions of libstdc++: https://gcc.gnu.org/onlinedocs/libstdc++/manual/abi.html
GCC_11 = {"GLIBC": (2, 34), "GLIBCXX": (3, 4, 29), "CXXABI": (1, 3, 13)}
GCC_14 = {"GLIBC": (2, 34), "GLIBCXX": (3, 4, 33), "CXXABI": (1, 3, 15)}
# LiteRT's wheel for arm64 does not load on the older images: the build of the image would fail.
NEWEST = {"x86_64": GCC_11, "aarch64": GCC_14}


def needed_versions(library: bytes) -> Iterator[str]:
    """Yield the symbol versions that a shared library requires, such as GLIBC_2.17."""
    for section in ELFFile(BytesIO(library)).iter_sections("SHT_GNU_verneed"):
        for _, versions in section.iter_versions():
            yield from (version.name for version in versions)


def needed(wheels: Path) -> dict[str, dict[str, tuple[int, ...]]]:
    """Return the newest version that each library requires, by family and file."""
    found: dict[str, dict[str, tuple[int, ...]]] = {family: {} for family in GCC_11}
    for wheel in wheels.glob("*.whl"):
        with ZipFile(wheel) as archive:
            for file in (name for name in archive.namelist() if ".so" in Path(name).suffixes):
                for version in needed_versions(archive.read(file)):
                    if match := re.fullmatch(r"(GLIBC|GLIBCXX|CXXABI)_([\d.]+)", version):
                        numbers = tuple(map(int, match[2].split(".")))
                        newest = found[match[1]].get(file, (0,))
                        found[match[1]][file] = max(newest, numbers)
    return found


@pytest.mark.parametrize("machine", NEWEST)
def test_libraries_only_need_symbols_of_amazon_linux_2023(
    machine: str, request: pytest.FixtureRequest
) -> None:
    """Every pinned package has a wheel for both architectures: pip would fail otherwise."""
    names = {"x86_64": "lambda_wheels", "aarch64": "lambda_arm64_wheels"}
    found = needed(request.getfixturevalue(names[machine]))

    for family, newest in NEWEST[machine].items():
        assert any("litert" in file for file in found[family])
        assert {file: n for file, n in found[family].items() if n > newest} == {}
