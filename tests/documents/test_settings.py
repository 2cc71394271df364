"""The Site document: how BPA reaches a site."""

from __future__ import annotations

from pathlib import Path

import pytest
from whole_site import site_of, with_good

from bpa.core.secret import Secret
from bpa.documents import (
    DocumentErrors,
    EmbeddedIronicSettings,
    IronicCloudSettings,
    IronicEndpointSettings,
    SiteSettings,
)


def test_a_site_without_a_site_document_has_the_defaults_and_the_name_of_its_directory(tmp_path: Path) -> None:
    directory = tmp_path / "south"
    directory.mkdir()

    site = with_good(directory)

    assert site.name == "south"
    assert site.settings == SiteSettings()
    assert site.hosts[0].want.profile.name == "minimal"
    assert site.clusters == ()


@pytest.mark.parametrize(
    ("file", "mode", "problem"),
    [
        ("kud", 0o755, ""),
        ("kud", 0o644, "/kud is not executable"),
        ("kud/installer", 0o755, ""),
        ("kud/installer.sh", 0o755, ""),
        ("kud/installer.sh", 0o644, "/kud/installer.sh is not executable"),
        ("kud/other.sh", 0o755, "there is no installer in "),
        ("other", 0o755, "/kud does not exist"),
    ],
)
def test_an_installer_is_an_executable_or_a_directory_with_one(tmp_path: Path, file: str, mode: int, problem: str) -> None:
    (tmp_path / file).parent.mkdir(exist_ok=True)
    (tmp_path / file).touch()
    (tmp_path / file).chmod(mode)

    try:
        found = with_good(tmp_path, site_of("  kud: {installer: kud}\n")).settings.kud.installer
    except DocumentErrors as refusal:
        (error,) = refusal.errors
        assert problem and problem in error.message
        assert error.expected == "an executable file, or a directory with an executable installer or installer.sh"
    else:
        assert (found, problem) == (tmp_path / "kud", "")


def test_paths_of_a_site_are_relative_to_its_document(tmp_path: Path) -> None:
    for name in ("ca.pem", "key", "kernel", "edge.conf"):
        (tmp_path / name).write_text("")
    (tmp_path / "installer").mkdir()
    (tmp_path / "installer/installer.sh").touch(0o755)

    settings = with_good(
        tmp_path,
        site_of("""
  network: {namespace: bpa-lab}
  bmc: {caFile: ca.pem}
  images: {directory: ., kernel: kernel, ramdisk: "http://192.0.2.1/ramdisk"}
  ssh: {user: debian, keyFile: key, port: 2222}
  kud: {installer: installer, directory: clusters}
  kubernetes: {kubeconfig: edge.conf}
  concurrency: {hosts: 3, perBmc: 2}
"""),
    ).settings

    assert settings.kubernetes.kubeconfig == tmp_path / "edge.conf"
    assert settings.namespace == "bpa-lab"
    assert settings.bmc_ca == tmp_path / "ca.pem"
    assert settings.images.directory == tmp_path
    assert (settings.images.kernel, settings.images.ramdisk) == (str(tmp_path / "kernel"), "http://192.0.2.1/ramdisk")
    assert (settings.ssh.user, settings.ssh.key_file, settings.ssh.port) == ("debian", tmp_path / "key", 2222)
    assert (settings.kud.installer, settings.kud.directory) == (tmp_path / "installer", tmp_path / "clusters")
    assert (settings.concurrency.hosts, settings.concurrency.per_bmc) == (3, 2)
    assert settings.ironic == EmbeddedIronicSettings()


@pytest.mark.parametrize(
    ("spec", "ironic"),
    [
        ("{embedded: {listen: 192.0.2.1, apiPort: 0, httpPort: 0}}", EmbeddedIronicSettings("192.0.2.1", 0, 0)),
        ("{cloud: metal}", IronicCloudSettings("metal")),
        ("{endpoint: {url: 'http://ironic:6385/'}}", IronicEndpointSettings("http://ironic:6385")),
        (
            "{endpoint: {url: 'https://ironic:6385', username: bpa, passwordFrom: {name: good-bmc-secret}}}",
            IronicEndpointSettings("https://ironic:6385", "bpa", Secret("correct-horse")),
        ),
    ],
)
def test_an_ironic_is_one_of_three(tmp_path: Path, spec: str, ironic: object) -> None:
    assert with_good(tmp_path, site_of(f"  ironic: {spec}\n")).settings.ironic == ironic
