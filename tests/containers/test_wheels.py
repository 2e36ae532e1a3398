"""Compatibility of the wheels in the Lambda image with Amazon Linux 2023.

The stand-in for the base image is a Debian, so the other tests do not cover this.
"""

import re
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from zipfile import ZipFile

from elftools.elf.elffile import ELFFile

# Amazon Linux 2023 has glibc 2.34 and GCC 11:
# https://docs.aws.amazon.com/linux/al2023/ug/core-glibc.html
# Symbol versions of libstdc++ in GCC 11: https://gcc.gnu.org/onlinedocs/libstdc++/manual/abi.html
NEWEST = {"GLIBC": (2, 34), "GLIBCXX": (3, 4, 29), "CXXABI": (1, 3, 13)}


def needed_versions(library: bytes) -> Iterator[str]:
    """Yield the symbol versions that a shared library requires, such as GLIBC_2.17."""
    for section in ELFFile(BytesIO(library)).iter_sections("SHT_GNU_verneed"):
        for _, versions in section.iter_versions():
            yield from (version.name for version in versions)


def test_libraries_only_need_symbols_of_amazon_linux_2023(lambda_wheels: Path) -> None:
    needed: dict[str, dict[str, tuple[int, ...]]] = {family: {} for family in NEWEST}
    for wheel in lambda_wheels.glob("*.whl"):
        with ZipFile(wheel) as archive:
            for file in (name for name in archive.namelist() if ".so" in Path(name).suffixes):
                for version in needed_versions(archive.read(file)):
                    if match := re.fullmatch(r"(GLIBC|GLIBCXX|CXXABI)_([\d.]+)", version):
                        numbers = tuple(map(int, match[2].split(".")))
                        newest = needed[match[1]].get(file, (0,))
                        needed[match[1]][file] = max(newest, numbers)

    for family, newest in NEWEST.items():
        assert any("litert" in file for file in needed[family])
        assert {file: n for file, n in needed[family].items() if n > newest} == {}
