"""Our plugin of kernel-install over boot loader entries, run by the shell and awk that will run it there."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from bpa.core.host import bls

FEDORA = """title Fedora Linux (6.8.5-301.fc40.x86_64) 40 (Cloud Edition)
version 6.8.5-301.fc40.x86_64
linux /boot/vmlinuz-6.8.5-301.fc40.x86_64
initrd /boot/initramfs-6.8.5-301.fc40.x86_64.img
options root=UUID=a0b1 ro rootflags=subvol=root  no_timer_check console=ttyS0,115200n8
grub_class fedora
"""
RHEL8 = "title RHEL\nlinux /vmlinuz-4.18\noptions $kernelopts $tuned_params\n"


class Host:
    """A directory that the plugin takes for /."""

    def __init__(self, root: Path) -> None:
        self.root = root
        (root / "boot/loader/entries").mkdir(parents=True)
        (root / "etc/kernel").mkdir(parents=True)

    def entry(self, name: str, text: str | None = None) -> str:
        path = self.root / "boot/loader/entries" / name
        if text is not None:
            path.write_text(text)
        return path.read_text()

    def run(self, *wanted: str, verb: str = "all", before: str | None = None) -> str:
        text = bls.render_plugin(wanted, before)
        script = text.replace("/boot", f"{self.root}/boot").replace(" /efi", f" {self.root}/efi")
        for folder in ("/etc/kernel", "/usr/lib/kernel"):
            script = script.replace(folder, f"{self.root}{folder}")
        ran = subprocess.run(["sh", "-c", script, "plugin", verb, "6.9"], capture_output=True, text=True, check=False)
        assert (ran.returncode, ran.stderr) == (0, "")
        assert sorted(path.name for path in (self.root / "boot/loader/entries").iterdir() if "bpa-new" in path.name) == []
        return text

    def read(self) -> tuple[bls.Entry, ...]:
        folder = self.root / "boot/loader/entries"
        ran = subprocess.run(["sh", "-c", rf"grep -sHE '^(options[[:space:]]|# bpa:)' {folder}/*.conf"],
                             capture_output=True, text=True, check=False)
        return bls.parse_entries(ran.stdout)


@pytest.fixture
def host(tmp_path: Path) -> Host:
    return Host(tmp_path)


@pytest.mark.parametrize("text", [FEDORA, RHEL8])
def test_our_arguments_come_and_go_and_all_else_stays(host: Host, text: str) -> None:
    host.entry("a.conf", text)
    plugin = host.run("intel_iommu=on", "iommu=pt")
    (entry,) = host.read()
    assert entry.options[-2:] == ("intel_iommu=on", "iommu=pt") and entry.ours == ("intel_iommu=on", "iommu=pt")
    assert bls.check_entries(("intel_iommu=on", "iommu=pt"), plugin, (entry,)) is None
    once = host.entry("a.conf")
    host.run("intel_iommu=on", "iommu=pt")
    assert host.entry("a.conf") == once
    host.run("iommu=pt", "quiet")
    assert host.read()[0].ours == ("iommu=pt", "quiet")
    host.run()
    assert host.entry("a.conf") == text


def test_an_argument_that_others_gave_is_not_taken_away(host: Host) -> None:
    host.entry("a.conf", FEDORA.replace("ro ", "ro iommu=pt "))
    host.run("intel_iommu=on", "iommu=pt")
    assert host.read()[0].ours == ("intel_iommu=on",)
    host.run()
    assert "iommu=pt" in host.read()[0].options


def test_a_new_kernel_s_entry_gets_our_arguments_and_knows_which_are_ours(host: Host) -> None:
    host.entry("a.conf", FEDORA)
    host.run("intel_iommu=on")
    # kernel-install without /etc/kernel/cmdline takes the running kernel's, in which ours are already.
    host.entry("b.conf", FEDORA.replace("n8\n", "n8 intel_iommu=on\n"))
    host.run("intel_iommu=on", verb="add")
    assert [entry.ours for entry in host.read()] == [("intel_iommu=on",)] * 2
    host.run()
    assert [host.entry(name) for name in ("a.conf", "b.conf")] == [FEDORA] * 2


def test_what_the_configured_command_line_has_is_not_ours_in_a_new_entry(host: Host) -> None:
    host.entry("a.conf", FEDORA)
    host.run("intel_iommu=on")
    (host.root / "etc/kernel/cmdline").write_text("root=UUID=a0b1 ro intel_iommu=on\n")
    host.entry("b.conf", "linux /b\noptions root=UUID=a0b1 ro intel_iommu=on\n")
    host.run("intel_iommu=on", verb="add")
    host.run()
    assert host.read()[1].options == ("root=UUID=a0b1", "ro", "intel_iommu=on")


def test_the_removal_of_a_kernel_is_nothing_to_us(host: Host) -> None:
    host.entry("a.conf", FEDORA)
    host.run("iommu=pt", verb="remove")
    assert host.entry("a.conf") == FEDORA


def test_an_entry_without_options_gets_some(host: Host) -> None:
    host.entry("a.conf", "linux /a\n")
    host.run("iommu=pt")
    assert host.read()[0].options == ("iommu=pt",)


def test_a_host_without_entries_is_no_failure(host: Host) -> None:
    host.run("iommu=pt")


def test_the_plugin_remembers_what_it_gave_once() -> None:
    text = bls.render_plugin(("quiet",), bls.render_plugin(("iommu=pt",), None))
    assert bls.arguments_in(text) == ("quiet",) and "# Taken back: iommu=pt\n" in text
    assert bls.render_plugin(("quiet",), text) == text
