"""The site directory that the lab writes."""

from __future__ import annotations

from pathlib import Path

import yaml

from bpa.core.secret import Secret
from bpa.documents.gathering import Findings, gather
from bpa.documents.profiles import read_profile
from bpa.images import ImageSet, Kind
from bpa.lab import site
from bpa.lab.hosts import LabHost
from bpa.lab.layout import Layout

KEY = "-----BEGIN PGP PUBLIC KEY BLOCK-----\n\nmQGN\n=VCZU\n-----END PGP PUBLIC KEY BLOCK-----\n"
IMAGES = site.SiteImages(Path("/lab/served"), "debian-12.raw", "ab" * 32, KEY)


def files(hosts: int = 2, password: str = "p") -> dict[str, str]:
    return site.render(Layout(Path("/lab")), tuple(LabHost(n) for n in range(hosts)), IMAGES, "admin", Secret(password))


def test_the_documents_say_what_the_hosts_are() -> None:
    hosts = list(yaml.safe_load_all(files()["hosts.yaml"]))
    assert [h["metadata"]["name"] for h in hosts] == ["lab-0", "lab-1"]
    assert hosts[1]["spec"]["bmc"]["address"].startswith("redfish-virtualmedia+https://172.22.0.1:8000/redfish/v1/Systems/")
    assert hosts[1]["spec"]["rootDeviceHints"] == {"serialNumber": "LABDISK1"}
    cluster = yaml.safe_load(files()["cluster.yaml"])
    assert cluster["spec"]["workers"] == [{"lab-1": {"mac-address": "52:54:00:b0:a0:01"}}]


def test_packages_come_from_the_mirror_alone_by_the_key_of_its_build(tmp_path: Path) -> None:
    (tmp_path / "profile.yaml").write_text(files()["profile.yaml"])
    findings = Findings()
    profile, problems = read_profile(gather(tmp_path / "profile.yaml", findings)[0])
    assert not problems and not findings.problems and profile.name == "lab"
    source = profile.software.sources[0]
    assert (source.uri, source.suites, source.key) == ("http://172.22.0.1:8089/mirror", ("bpa",), KEY)
    assert not profile.software.image_sources
    assert profile.vfs, "the rest is BPA's own profile"


def test_what_is_served_are_names_for_what_lies_in_the_cache(tmp_path: Path) -> None:
    def image_set(kind: Kind, build: str, **names: str) -> ImageSet:
        directory = tmp_path / "cache" / f"{kind}-{build}"
        directory.mkdir(parents=True)
        paths = {role: directory / name for role, name in names.items()}
        for path in paths.values():
            path.write_text(build)
        return ImageSet(kind, build, directory, paths, dict.fromkeys(paths, "ab" * 32))

    layout = Layout(tmp_path / "lab")
    site.serve(layout, image_set("os", "old", disk="debian-11.raw"), image_set("mirror", "old", key="key.asc"))
    system, mirror = image_set("os", "new", disk="debian-12.raw"), image_set("mirror", "new", key="key.asc")
    for _ in range(2):
        assert site.serve(layout, system, mirror) == site.SiteImages(layout.served, "debian-12.raw", "ab" * 32, "new")
    assert sorted(path.name for path in layout.served.iterdir()) == ["debian-12.raw", "mirror"]
    assert (layout.served / "debian-12.raw").read_text() == (layout.served / "mirror" / "key.asc").read_text() == "new"


def test_only_the_secrets_file_holds_the_password() -> None:
    made = files(password="hunter2")
    assert [name for name, text in made.items() if "hunter2" in text] == ["secrets.yaml"]


def test_files_are_private_rewritten_when_ours_and_left_alone_when_changed(tmp_path: Path) -> None:
    assert site.write(tmp_path, files(1)) == ()
    assert (tmp_path / "secrets.yaml").stat().st_mode & 0o777 == 0o600
    (tmp_path / "cluster.yaml").write_text("# mine\n")
    assert site.write(tmp_path, files(2)) == ("cluster.yaml",)
    assert (tmp_path / "cluster.yaml").read_text() == "# mine\n"
    assert "lab-1" in (tmp_path / "hosts.yaml").read_text()


def test_removing_takes_what_is_ours_and_leaves_what_is_not(tmp_path: Path) -> None:
    directory = tmp_path / "site"
    site.write(directory, files())
    (directory / "hosts.yaml").write_text("# mine\n")
    (directory / "extra.yaml").write_text("")
    assert site.remove(directory) == ("extra.yaml", "hosts.yaml")
    (directory / "hosts.yaml").unlink()
    (directory / "extra.yaml").unlink()
    assert site.remove(directory) == ()
    assert not directory.exists()
