"""The initial ramdisk is made anew just where it holds a module that our options are about: the real script, in a real shell."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from bpa.core.host.initramfs import FORGETTING, REMAKE, modules_in

HOLDS = "usr/lib/modules/6.1.0/kernel/drivers/block/floppy.ko.zst\nusr/lib/modules/6.1.0/kernel/drivers/net/tg3.ko\n"


@pytest.mark.parametrize(("modules", "listed", "made"), [
    (("floppy",), HOLDS, True),
    (("vfio_iommu_type1", "floppy"), HOLDS, True),
    (("vfio_iommu_type1",), HOLDS, False),
    (("tg",), HOLDS, False),
    (("snd_hda",), HOLDS + "kernel/sound/snd-hda.ko.xz\n", True),
    (("floppy",), "", True),
    (("vfio",), None, True),
])
def test_it_is_made_anew_where_it_holds_one_of_the_modules_or_cannot_be_read(
    tmp_path: Path, modules: tuple[str, ...], listed: str | None, made: bool
) -> None:
    tools, boot, state = tmp_path / "bin", tmp_path / "boot", tmp_path / "state"
    for folder in (tools, boot, state):
        folder.mkdir()
    (boot / "initrd.img-6.1.0").touch()
    (tmp_path / "list").write_text(listed or "")
    for name, text in (("lsinitramfs", f"cat {tmp_path}/list" if listed is not None else "exit 1"),
                       ("update-initramfs", f"echo $* >{tmp_path}/made")):
        (tools / name).write_text(f"#!/bin/sh\n{text}\n")
        (tools / name).chmod(0o755)
    script = REMAKE.replace("/boot/", f"{boot}/").replace("/var/lib/bpa", str(state))
    subprocess.run(["sh", "-c", script, "sh", *modules], check=True, env={**os.environ, "PATH": f"{tools}:{os.environ['PATH']}"})
    assert (tmp_path / "made").exists() == made
    assert (state / "initramfs-checked").exists()


def test_what_is_being_forgotten_still_counts_and_kvm_never_does() -> None:
    assert modules_in("options kvm_intel nested=1\noptions ixgbe max_vfs=0\nblacklist floppy\n") == ("floppy", "ixgbe")
    assert modules_in(f"{FORGETTING}floppy ixgbe\n") == ("floppy", "ixgbe")
