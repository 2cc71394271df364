"""The figures of a host in the lab: python -m tests.bench_host --lab, with a lab that is up and handed over (`make demo`).

First a look at lab-0. Then sections are taken out of the lab's profile, given to the host by Ansible (tests/bench/host.yaml),
taken back, and given by `bpa apply`; both with the restart that the kernel's arguments cost. The profile is put back in the end.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import yaml

from bpa.adapters.ssh import Ssh, SshAccess
from bpa.core.secret import Secret
from bpa.lab import namespace
from bpa.lab.layout import NAMESPACE, Layout
from bpa.place import states_of
from tests.ansible_runs import Target, ansible
from tests.bench_configuration import PLAYBOOK
from tests.bench_host import against_ansible, line, looked
from tests.loopback_host import HERE

HOST = "lab-0"
BPA = Path(sys.executable).parent / "bpa"
UNDO = str(HERE / "undo.yaml")
LEFT = ("bios", "minimum", "software")
"""Sections of the profile that neither has to do with."""


def in_lab() -> None:
    site = Layout.default().site
    namespace.enter(NAMESPACE)
    state = next(one for one in states_of(str(site)) if (one / "hosts" / HOST).is_dir())
    address = json.loads(_bpa("facts", HOST, "--site", str(site)))["os"]["address"]
    key = state / "ssh" / "id_ed25519"
    public = subprocess.run(["ssh-keygen", "-y", "-f", state / "hosts" / HOST / "ssh_host_ed25519_key"], check=True, text=True,
                            capture_output=True).stdout
    access = SshAccess(address, Secret(key.read_text()), public)
    target = Target(address, 22, "root", key)
    look = looked("lab", access)
    against_ansible("lab", look, target)
    profile = site / "profile.yaml"
    text = profile.read_text()
    try:
        _compare(site, profile, access, target)
    finally:
        profile.write_text(text)


def _compare(site: Path, profile: Path, access: SshAccess, target: Target) -> None:
    whole = profile.read_text()
    document: dict[str, Any] = yaml.safe_load(whole)
    asked = document["spec"]
    document["spec"] = {name: section for name, section in asked.items() if name in LEFT}
    profile.write_text(yaml.safe_dump(document))
    took, restart = _applied(site)
    line("lab: BPA takes all sections back", f"{took:.1f} s", f"{restart:.1f} s of it restarts")
    variables = _variables(asked, access)
    run = ansible(target, PLAYBOOK, **variables)
    theirs, their_restart, ramdisk = run.seconds, run.tasks.get("restart", 0.0), run.tasks.get("initial ramdisk", 0.0)
    line("lab: Ansible, a host as new", f"{theirs:.1f} s", f"{their_restart:.1f} s the restart, {ramdisk:.1f} s the ramdisk")
    again = ansible(target, PLAYBOOK, **variables).seconds
    line("lab: Ansible, nothing to do", f"{again:.1f} s")
    ansible(target, UNDO, **{name: variables[name] for name in ("vfs", "point") if name in variables})
    profile.write_text(whole)
    ours, our_restart = _applied(site)
    line("lab: BPA, a host as new", f"{ours:.1f} s", f"{our_restart:.1f} s of it restarts")
    line("lab: BPA without restarts", f"{ours - our_restart:.1f} s", "goal 60 s")
    line("lab: BPA against Ansible, without restarts", f"{(ours - our_restart) / (theirs - their_restart):.2f} x", "goal 1")
    # BPA makes a ramdisk only where it holds one of the modules; a playbook could learn that too.
    line("lab: the same without the ramdisk", f"{(ours - our_restart) / (theirs - their_restart - ramdisk):.2f} x", "goal 1")
    line("lab: BPA against Ansible, whole", f"{ours / theirs:.2f} x", "goal 1")
    took, _ = _applied(site)
    line("lab: BPA, nothing to do", f"{took:.1f} s")


def _variables(asked: dict[str, Any], access: SshAccess) -> dict[str, Any]:
    """What the profile asks, in the playbook's words; of VFs and namespaces only what the playbook can make."""
    kernel = asked.get("kernel", {})
    modules = kernel.get("modules", {})
    mounted = next((one for one in asked.get("pmem", ()) if one.get("mountPoint")), None)
    given: dict[str, Any] = {
        "arguments": kernel.get("arguments", []), "modules": modules.get("load", []), "forbidden": modules.get("forbid", []),
        "options": {name: " ".join(said) for name, said in modules.get("options", {}).items()}
        | {"kvm_intel": "nested=1", "kvm_amd": "nested=1"},
        "sysctls": kernel.get("sysctls", {}), "vfs": {}, "mount": mounted is not None,
        "hugepages": {str(one.get("node", 0)): one["count"] for one in kernel.get("hugepages", ()) if one["size"] == "2Mi"},
    }
    with Ssh(access) as ssh:
        for one in asked.get("sriov", ()):
            vendor, device = one["match"]["device"].split(":")
            found = ssh.run(("sh", "-c", 'cd /sys/bus/pci/devices; for d in *; do [ -e "$d/sriov_totalvfs" ] && '
                             f'[ "$(cat "$d/vendor")$(cat "$d/device")" = 0x{vendor}0x{device} ] && echo "$d"; done; exit 0'))
            given["vfs"] |= dict.fromkeys(found.stdout.split(), one["vfs"])
        if mounted:
            said = ssh.run(("ndctl", "list", "-N")).stdout
            name = re.compile(rf'"name":"{re.escape(mounted["name"])}"')
            block = next((one for one in json.loads(said or "[]") if name.search(json.dumps(one, separators=(",", ":")))), None)
            given |= {"point": mounted["mountPoint"], "device": f"/dev/{block['blockdev']}"} if block else {"mount": False}
    return given


def _applied(site: Path) -> tuple[float, float]:
    """(seconds of `bpa apply`, seconds in which the host restarted), by when the lines of its progress came."""
    began = time.perf_counter()
    command = [str(BPA), "apply", str(site), "--yes", "--disrupt", HOST, "--no-drain"]
    restart, since = 0.0, 0.0
    with subprocess.Popen(command, text=True, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          env=dict(os.environ)) as process:
        assert process.stdout is not None
        lines = []
        for text in process.stdout:
            lines.append(text)
            if HOST not in text:
                continue
            if "restart the host" in text:
                since = since or time.perf_counter()
            elif since and "KernelApplied" not in text and "AccessGranted" not in text:
                restart, since = restart + time.perf_counter() - since, 0.0
    assert process.returncode == 0, "".join(lines[-30:])
    return time.perf_counter() - began, restart


def _bpa(*argv: str) -> str:
    return subprocess.run([str(BPA), *argv], check=True, text=True, stdout=subprocess.PIPE).stdout
