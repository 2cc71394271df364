"""The image cache: its key, what it accepts, what a failed build leaves."""

from __future__ import annotations

import hashlib
import os
from dataclasses import replace
from pathlib import Path

import pytest

from bpa.images import ImageError, build, cached
from bpa.images import build as build_function
from bpa.images.build import content_key, file_names
from bpa.images.distribution import Distribution, detect, parse_os_release

builder = __import__("sys").modules[build_function.__module__]


@pytest.fixture
def distribution(tmp_path: Path) -> Distribution:
    source = tmp_path / "debian.sources"
    source.write_text("Suites: bookworm\n")
    return Distribution("debian-12", "bookworm", "linux-image-amd64", (source,))


def fill(cache: Path, distribution: Distribution, kind: str = "os", spoil: str = "") -> Path:
    directory = cache / f"{kind}-{distribution.suite}-{content_key(kind, distribution)}"  # type: ignore[arg-type]
    directory.mkdir(parents=True)
    lines = []
    for name in file_names(kind, distribution).values():  # type: ignore[arg-type]
        if name != spoil:
            (directory / name).write_bytes(name.encode())
        lines.append(f"{hashlib.sha256(name.encode()).hexdigest()}  {name}\n")
    (directory / "SHA256SUMS").write_text("".join(lines))
    return directory


def test_the_key_changes_with_all_that_goes_in_and_with_nothing_else(distribution: Distribution, tmp_path: Path) -> None:
    key = content_key("os", distribution)
    assert content_key("os", distribution) == key
    assert content_key("ipa", distribution) != key
    assert content_key("os", replace(distribution, suite="trixie")) != key
    assert content_key("os", replace(distribution, kernel="linux-image-cloud-amd64")) != key
    distribution.sources[0].write_text("Suites: bookworm-updates\n")
    assert content_key("os", distribution) != key


def test_a_complete_set_is_taken_from_the_cache_without_root_or_tools(distribution: Distribution, tmp_path: Path) -> None:
    directory = fill(tmp_path / "cache", distribution)
    found = build("os", tmp_path / "cache", distribution=distribution)
    assert found.files == {"disk": directory / "debian-12.raw"}
    assert found.sha256["disk"] == hashlib.sha256(b"debian-12.raw").hexdigest()


def test_a_set_with_a_file_missing_is_no_set(distribution: Distribution, tmp_path: Path) -> None:
    fill(tmp_path / "cache", distribution, "ipa", spoil="ipa.initramfs")
    assert cached("ipa", tmp_path / "cache", distribution) is None


def test_building_without_root_says_so(distribution: Distribution, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    with pytest.raises(ImageError, match="root"):
        build("os", tmp_path / "cache", distribution=distribution)
    assert not (tmp_path / "cache").exists()


def test_missing_tools_are_named(distribution: Distribution, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(ImageError, match="mmdebstrap.*make apt-lab"):
        build("os", tmp_path / "cache", distribution=distribution)


@pytest.fixture
def recipe(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A recipe of our own in place of the real one, as root would run it."""
    recipes = tmp_path / "recipes"
    recipes.mkdir()
    monkeypatch.setattr(builder, "RECIPES", recipes)
    monkeypatch.setattr(builder, "_TOOLS", {"os": (), "ipa": ()})
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    return recipes / "os.sh"


def test_a_build_reports_progress_and_lands_in_the_cache_whole(distribution: Distribution, tmp_path: Path, recipe: Path) -> None:
    recipe.write_text('echo "@progress one $SUITE"; echo noise; printf data > os.raw\n')
    told: list[str] = []
    made = build("os", tmp_path / "cache", told.append, distribution)
    assert told[0] == "one bookworm"
    assert made.files["disk"].read_bytes() == b"data"
    assert cached("os", tmp_path / "cache", distribution) == made


def test_a_failed_build_tells_its_last_lines_and_leaves_nothing(distribution: Distribution, tmp_path: Path, recipe: Path) -> None:
    recipe.write_text("echo the mirror is gone >&2; exit 3\n")
    with pytest.raises(ImageError, match="the mirror is gone"):
        build("os", tmp_path / "cache", distribution=distribution)
    assert [p.name for p in (tmp_path / "cache").iterdir()] == [".os.lock"]


def test_what_a_killed_build_left_is_swept(distribution: Distribution, tmp_path: Path, recipe: Path) -> None:
    (tmp_path / "cache" / ".os-left").mkdir(parents=True)
    recipe.write_text("printf data > os.raw\n")
    build("os", tmp_path / "cache", distribution=distribution)
    assert not (tmp_path / "cache" / ".os-left").exists()


def test_a_recipe_is_told_where_the_sets_are_that_go_into_its_own(
    distribution: Distribution, tmp_path: Path, recipe: Path, monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in ("containerd.sh", "containerd-requirements.txt", "containerd-go.mod", "containerd-go.sum"):
        (recipe.parent / name).write_text("touch bpa-lab-containerd.deb bpa-lab-kata.deb\n")
    (recipe.parent / "mirror-packages.txt").write_text("")
    (recipe.parent / "mirror.sh").write_text('mkdir -p dists/bpa; touch key.asc; ls "$CONTAINERD" > dists/bpa/InRelease\n')
    monkeypatch.setattr(builder, "_TOOLS", {"containerd": (), "mirror": ()})
    made = build("mirror", tmp_path / "cache", distribution=distribution)
    assert made.files["release"].read_text().split() == ["SHA256SUMS", "bpa-lab-containerd.deb", "bpa-lab-kata.deb"]


def test_the_key_changes_with_the_sets_that_go_in(distribution: Distribution, recipe: Path) -> None:
    for name in (name for names in builder._RECIPES.values() for name in names):
        (recipe.parent / name).write_text("")
    mirror, system = content_key("mirror", distribution), content_key("os", distribution)
    (recipe.parent / "containerd-go.mod").write_text("go 1.99\n")
    assert content_key("mirror", distribution) != mirror
    assert content_key("os", distribution) == system


def test_a_recipe_sees_where_this_machine_gets_modules_from(
    distribution: Distribution, tmp_path: Path, recipe: Path, monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("GOPROXY", "https://modules.example")
    recipe.write_text('printf %s "$GOPROXY" > os.raw\n')
    assert build("os", tmp_path / "cache", distribution=distribution).files["disk"].read_text() == "https://modules.example"


@pytest.mark.parametrize("kind", builder._RECIPES)
def test_the_files_of_a_recipe_are_there(kind: str) -> None:
    assert builder._RECIPES[kind][0] == f"{kind}.sh"
    assert [name for name in builder._RECIPES[kind] if not (builder.RECIPES / name).is_file()] == []


@pytest.mark.parametrize(("release", "name", "suite"), [
    ('ID=debian\nVERSION_ID="12"\nVERSION_CODENAME=bookworm\n', "debian-12", "bookworm"),
    ('ID=ubuntu\nVERSION_ID="24.04"\nVERSION_CODENAME=noble\n', "ubuntu-24.04", "noble"),
])
def test_the_suite_is_the_machines_own(release: str, name: str, suite: str, tmp_path: Path) -> None:
    (tmp_path / "etc/apt").mkdir(parents=True)
    (tmp_path / "etc/os-release").write_text(release)
    (tmp_path / "etc/apt/sources.list").write_text("deb http://archive.example.org x main\n")
    found = detect(tmp_path)
    assert (found.name, found.suite) == (name, suite)


def test_a_system_without_a_recipe_is_refused_by_name(tmp_path: Path) -> None:
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc/os-release").write_text('ID=fedora\nPRETTY_NAME="Fedora 41"\n')
    with pytest.raises(ImageError, match="Fedora 41"):
        detect(tmp_path)


def test_os_release_quoting() -> None:
    assert parse_os_release("# c\nA=\"b c\"\nD='e'\n") == {"A": "b c", "D": "e"}
