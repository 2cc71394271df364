#!/usr/bin/python3
"""Ansible module, run on a host by its own Python: what KuD and Kata will need of it. Changes nothing.

Answers with facts and `checks`: a list of {name, ok, found, advice}. Sources: kernel sysfs and procfs ABI,
linux/kvm.h (KVM_GET_API_VERSION, KVM_CREATE_VM), Kubespray 2.16 preinstall assertions, `kata-runtime check`.
"""

from __future__ import annotations

import fcntl
import os
import platform
import shutil
import socket
import subprocess
import time
from pathlib import Path
from typing import Any

KVM_GET_API_VERSION = 0xAE00
KVM_CREATE_VM = 0xAE01
KVM_API = 12


def read(path: str) -> str:
    """A small text file, "" where it cannot be read."""
    try:
        return Path(path).read_text(errors="replace").strip()
    except OSError:
        return ""


def module(name: str) -> str:
    """loaded, loadable or missing: a kernel module, or the same thing built in."""
    builtin = read(f"/lib/modules/{os.uname().release}/modules.builtin")
    if Path("/sys/module", name).is_dir() or f"/{name}.ko" in builtin:
        return "loaded"
    modprobe = shutil.which("modprobe", path="/usr/sbin:/sbin:/usr/bin:/bin")
    if modprobe and subprocess.run([modprobe, "-n", "-q", name], check=False).returncode == 0:
        return "loadable"
    return "missing"


def kvm() -> str:
    """"usable" after /dev/kvm has created a virtual machine, else why not."""
    try:
        device = os.open("/dev/kvm", os.O_RDWR | os.O_CLOEXEC)
    except OSError as error:
        return f"/dev/kvm: {error.strerror}"
    try:
        api = fcntl.ioctl(device, KVM_GET_API_VERSION, 0)
        if api != KVM_API:
            return f"KVM API {api} instead of {KVM_API}"
        os.close(fcntl.ioctl(device, KVM_CREATE_VM, 0))
    except OSError as error:
        return f"no virtual machine can be created: {error.strerror}"
    finally:
        os.close(device)
    return "usable"


def physical_functions() -> list[dict[str, Any]]:
    """PCI devices that can have VFs: address, id, driver, how many VFs are set and how many are there."""
    found = []
    for total in sorted(Path("/sys/bus/pci/devices").glob("*/sriov_totalvfs")):
        device = total.parent
        vendor, product = read(f"{device}/vendor")[2:], read(f"{device}/device")[2:]
        driver = device / "driver"
        found.append({
            "address": device.name,
            "id": f"{vendor}:{product}",
            "driver": driver.resolve().name if driver.exists() else "",
            "vfs": int(read(f"{device}/sriov_numvfs") or 0),
            "present": len(list(device.glob("virtfn*"))),
        })
    return found


def memory() -> dict[str, int]:
    """/proc/meminfo in MiB."""
    lines = (line.split() for line in read("/proc/meminfo").splitlines())
    return {words[0].rstrip(":"): int(words[1]) // 1024 for words in lines if len(words) > 1}


def look() -> dict[str, Any]:
    """Everything that is judged, as plain data."""
    words = {word for line in read("/proc/cpuinfo").splitlines() if line.startswith("flags") for word in line.split()}
    release = dict(line.split("=", 1) for line in read("/etc/os-release").splitlines() if "=" in line)
    root = os.statvfs("/")
    mib = memory()
    return {
        "hostname": socket.gethostname(),
        "machine_id": read("/etc/machine-id"),
        "product_uuid": read("/sys/class/dmi/id/product_uuid").lower(),
        "user_id": os.geteuid(),
        "kernel": os.uname().release,
        "kernel_arguments": read("/proc/cmdline").split(),
        "os": release.get("PRETTY_NAME", "").strip('"'),
        "python": platform.python_version(),
        "cpus": os.cpu_count() or 0,
        "virtualization_flag": "vmx" if "vmx" in words else "svm" if "svm" in words else "",
        "kvm": kvm(),
        "modules": {
            name: module(name)
            for name in ("kvm", "kvm_intel", "kvm_amd", "vhost_net", "vhost_vsock", "overlay", "br_netfilter")
        },
        "iommu_groups": len(list(Path("/sys/kernel/iommu_groups").glob("*"))),
        "physical_functions": physical_functions(),
        "pmem": [path.parent.name for path in sorted(Path("/sys/bus/nd/devices").glob("namespace*/size"))
                 if read(str(path)) != "0"],
        "memory_mib": mib.get("MemTotal", 0),
        "swap_mib": mib.get("SwapTotal", 0),
        "disk_free_mib": root.f_bavail * root.f_frsize // 2**20,
        "cgroup_controllers": read("/sys/fs/cgroup/cgroup.controllers").split(),
        "clock": time.time(),
    }


def judge(want: dict[str, Any], have: dict[str, Any]) -> list[dict[str, Any]]:
    """One entry per check; what is named in want["accept"] is told but is always ok."""
    checks: list[dict[str, Any]] = []

    def expect(name: str, ok: bool, found: object, advice: str) -> None:
        accepted = not ok and name in want["accept"]
        told = f"{found} (accepted)" if accepted else str(found)
        checks.append({"name": name, "ok": ok or accepted, "found": told, "advice": advice})

    modules = have["modules"]
    name = have["hostname"].split(".")[0].lower()
    expect("root", have["user_id"] == 0, f"user id {have['user_id']}", "KuD works as root on its hosts.")
    renamed = "" if name == want["inventory_name"].lower() else f", which KuD renames to {want['inventory_name']}"
    expect("hostname", name not in ("", "localhost"), have["hostname"] + renamed, "Give the host a name.")
    expect("machine id", len(have["machine_id"]) == 32, have["machine_id"] or "none", "See machine-id(5).")
    expect("product uuid", True, have["product_uuid"] or "none", "")
    expect("memory", have["memory_mib"] >= want["memory_mib"], f"{have['memory_mib']} MiB",
           f"At least {want['memory_mib']} MiB are needed.")
    expect("disk", have["disk_free_mib"] >= want["disk_free_mib"], f"{have['disk_free_mib']} MiB free on /",
           f"At least {want['disk_free_mib']} MiB are needed.")
    expect("swap", True, f"{have['swap_mib']} MiB" + (", KuD will switch it off" if have["swap_mib"] else ""), "")
    lacking = sorted({"cpu", "memory", "pids"} - set(have["cgroup_controllers"]))
    expect("cgroup v2", not lacking, "cpu, memory and pids" if not lacking else f"no {', '.join(lacking)}",
           "Boot with systemd.unified_cgroup_hierarchy=1.")
    absent = [each for each in ("overlay", "br_netfilter") if modules[each] == "missing"]
    expect("container modules", not absent, f"overlay {modules['overlay']}, br_netfilter {modules['br_netfilter']}",
           "Install the kernel's module package.")
    skew = round(have["clock"] - want["clock"])
    expect("clock", abs(skew) <= want["clock_seconds"], f"{skew:+d} s from the installer's clock",
           "Certificates fail on a wrong clock: set it, or give the host an NTP server.")
    arguments = have["kernel_arguments"]
    asked = {"intel_iommu=on", "amd_iommu=on"} & set(arguments) or {"sriov", "qat"} & set(want["plugins"])
    if asked:
        expect("iommu", have["iommu_groups"] > 0, f"{have['iommu_groups']} IOMMU groups",
               "Switch the IOMMU on in the BIOS and boot with intel_iommu=on.")
    if want["kata"]:
        expect("cpu virtualization", bool(have["virtualization_flag"]),
               have["virtualization_flag"] or "neither vmx nor svm", "Switch virtualization on in the BIOS.")
        expect("kvm", have["kvm"] == "usable", have["kvm"], "Kata runs each pod in a virtual machine.")
        vendor = "kvm_intel" if have["virtualization_flag"] == "vmx" else "kvm_amd"
        needed = {each: modules[each] for each in ("kvm", vendor, "vhost_net", "vhost_vsock")}
        expect("kata modules", needed["kvm"] == needed[vendor] == "loaded" and "missing" not in needed.values(),
               ", ".join(f"{each} {state}" for each, state in needed.items()), "See `kata-runtime check`.")
    functions = have["physical_functions"]
    short = [each for each in functions if each["vfs"] != each["present"]]
    told = ", ".join(f"{each['present']} on {each['address']}" for each in functions if each["vfs"]) or "none"
    if functions:
        expect("virtual functions", not short, told, "The kernel did not create what sriov_numvfs says.")
    if "sriov" in want["plugins"]:
        expect("sriov plugin", any(each["present"] for each in functions), told, "The plugin sriov needs VFs on a NIC.")
    if "qat" in want["plugins"]:
        qat = [each for each in functions if each["id"] in ("8086:37c8", "8086:0435", "8086:6f54", "8086:19e2")]
        expect("qat plugin", any(each["present"] for each in qat), told, "The plugin qat needs VFs on a QAT device.")
    if "optane" in want["plugins"]:
        expect("optane plugin", bool(have["pmem"]), ", ".join(have["pmem"]) or "none", "It needs a PMem namespace.")
    return checks


def main() -> None:
    from ansible.module_utils.basic import AnsibleModule  # type: ignore[import-untyped, unused-ignore]

    ansible = AnsibleModule(supports_check_mode=True, argument_spec={
        "inventory_name": {"type": "str", "required": True},
        "kata": {"type": "bool", "required": True},
        "plugins": {"type": "list", "elements": "str", "required": True},
        "memory_mib": {"type": "int", "required": True},
        "disk_free_mib": {"type": "int", "required": True},
        "clock": {"type": "float", "required": True},
        "clock_seconds": {"type": "int", "required": True},
        "accept": {"type": "list", "elements": "str", "default": []},
    })
    have = look()
    ansible.exit_json(changed=False, **have, checks=judge(ansible.params, have))


if __name__ == "__main__":
    main()
