"""Which Debian packages are missing, and where they come from."""

from __future__ import annotations

from pathlib import Path

import pytest

from bpa.lab import packages
from bpa.lab.packages import Package

LISTS = [Path(packages.__file__).parent / "apt.txt"]
STATUS = (
    "qemu-system-x86 1:7.2+dfsg-7 install ok installed\nlibc6:amd64 2.36 install ok installed\n"
    "zstd 1.5 deinstall ok config-files\nseabios 1.16.3-2~bpo12+1 install ok installed\n"
)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a\n# no\n\n b # yes\n", (Package("a"), Package("b"))),
        ("qemu/backports\n", (Package("qemu", True),)),
        ("", ()),
    ],
)
def test_a_list_is_read(text: str, expected: tuple[Package, ...]) -> None:
    assert packages.parse(text) == expected


@pytest.mark.parametrize("text", ["a b", "a/testing", "/backports"])
def test_a_line_that_names_no_package_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="not a package"):
        packages.parse(text)


@pytest.mark.parametrize(
    ("package", "suite", "is_missing"),
    [
        (Package("qemu-system-x86"), "bookworm", False),
        (Package("qemu-system-x86", True), "bookworm", True),
        (Package("qemu-system-x86", True), "trixie", False),
        (Package("seabios", True), "bookworm", False),
        (Package("libc6"), "bookworm", False),
        (Package("zstd"), "bookworm", True),
        (Package("cpio"), "bookworm", True),
    ],
)
def test_what_is_missing(package: Package, suite: str, is_missing: bool) -> None:
    assert packages.missing([package], STATUS, suite) == ((package,) if is_missing else ())


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "Types: deb\nURIs: http://a/debian\nSuites: bookworm bookworm-updates\nComponents: main\n"
            "\nTypes: deb\nURIs: http://b\nSuites: s\n",
            "Types: deb\nURIs: http://a/debian\nSuites: bookworm-backports\nComponents: main\n",
        ),
        (
            "# x\ndeb [signed-by=/k] http://a/debian bookworm main\n",
            "deb [signed-by=/k] http://a/debian bookworm-backports main\n",
        ),
    ],
)
def test_the_backports_source_is_the_machines_own_archive(text: str, expected: str) -> None:
    assert packages.backports_source(text, "bookworm") == expected


def test_without_an_archive_of_the_suite_there_are_no_backports() -> None:
    with pytest.raises(ValueError, match="no archive"):
        packages.backports_source("deb http://a other main\n", "bookworm")


@pytest.mark.parametrize("file", LISTS, ids=lambda p: p.name)
def test_our_own_lists_are_well_formed(file: Path) -> None:
    names = [p.name for p in packages.parse(file.read_text())]
    assert names and len(set(names)) == len(names)
