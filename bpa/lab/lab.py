"""The virtual lab: up, down, status. Every call finds out what is there and does only what is missing."""

from __future__ import annotations

import os
import shutil
import sys
import time
from collections.abc import Callable, Iterable
from pathlib import Path

import libvirt

from bpa.core.secret import Secret
from bpa.images import ImageSet
from bpa.lab import bmc_config, faults, hypervisor, kvm, machine, namespace, network, processes, site, state, tls
from bpa.lab.bmc_config import BmcConfig
from bpa.lab.errors import LabError
from bpa.lab.faults import Fault
from bpa.lab.hosts import MAX_HOSTS, LabHost
from bpa.lab.layout import ADDRESS, BMC_PORT, NAMESPACE, Layout
from bpa.lab.state import HostStatus, LabStatus

Progress = Callable[[str], None]
USERNAME = "admin"
__all__ = ["HostStatus", "LabStatus", "down", "fault", "power", "status", "up"]


def up(
    hosts: int,
    ramdisk: ImageSet,
    system: ImageSet,
    mirror: ImageSet,
    *,
    kvm_mode: kvm.Mode = "auto",
    switch_on: Iterable[str] = (),
    layout: Layout | None = None,
    progress: Progress = lambda _text: None,
) -> LabStatus:
    """Bring the lab up with `hosts` powered-off hosts, or add what is missing of it.

    ramdisk, system and mirror are what the site refers to. Hosts that exist stay as they are; fewer hosts than there are
    is refused, because a host in use would vanish. LabError: no root, a tool missing, a part that does not start.
    """
    layout = layout or Layout.default()
    _demand_root()
    if not 1 <= hosts <= MAX_HOSTS:
        raise LabError(f"a lab has 1 to {MAX_HOSTS} hosts, not {hosts}")
    with state.locked(layout):
        before = state.read_state(layout)
        if before and before["hosts"] > hosts:
            raise LabError(f"the lab has {before['hosts']} hosts; take it down first to have only {hosts}")
        use_kvm = before["kvm"] if before else kvm.decide(kvm_mode, ramdisk.files["kernel"])
        plan = tuple(LabHost(n) for n in range(hosts))
        progress("network namespace and certificates")
        namespace.create()
        certificates = tls.ensure(layout.tls, ADDRESS)
        password = state.password_of(layout)
        state.remember(layout, {"hosts": hosts, "kvm": use_kvm})
        progress("libvirtd")
        hypervisor.start(layout, use_kvm)
        progress(f"{hosts} virtual host{'s' if hosts > 1 else ''}")
        with hypervisor.connect(layout) as connection:
            hypervisor.define_network(
                connection, network.render_provisioning(LabHost(n) for n in range(MAX_HOSTS)), network.PROVISIONING
            )
            hypervisor.define_network(connection, network.render_data(), network.DATA)
            for host in plan:
                _define(connection, layout, host, use_kvm)
        progress("BMC")
        _start_bmc(layout, plan, certificates, password)
        _start_time_server(layout)
        for name in switch_on:
            faults.switch(layout.faults, name)
        kept = site.write(
            layout.site,
            site.render(
                layout,
                plan,
                site.serve(layout, system, mirror),
                USERNAME,
                password,
            ),
        )
        return state.look(layout, kept)


def down(layout: Layout | None = None, progress: Progress = lambda _text: None) -> tuple[str, ...]:
    """Remove every trace of the lab: processes, domains with NVRAM and disks, networks, namespace, files.

    Files of the site directory that the user changed stay, and with them the BMC's password; their names are returned.
    """
    layout = layout or Layout.default()
    _demand_root()
    if not layout.root.exists() and not namespace.exists():
        return ()
    with state.locked(layout):
        progress("BMC")
        processes.stop(layout.pid("bmc"))
        processes.stop(layout.pid("ntp"))
        progress("virtual hosts")
        if processes.alive(layout.pid("libvirtd")):
            hypervisor.remove_all(layout)
        hypervisor.stop(layout)
        processes.end_users_of(layout.disks, "qemu-system")
        progress("network namespace")
        namespace.remove()
        left = site.remove(layout.site)
        for entry in layout.root.iterdir():
            if entry == layout.lock or (left and entry in (layout.site, layout.bmc)):
                continue
            if entry.is_dir():
                shutil.rmtree(entry)
            else:
                entry.unlink()
        if left:
            for entry in layout.bmc.iterdir():
                if entry.name != "password":
                    shutil.rmtree(entry) if entry.is_dir() else entry.unlink()
            layout.lock.unlink(missing_ok=True)
        else:
            shutil.rmtree(layout.root)
    return left


def status(layout: Layout | None = None) -> LabStatus:
    """The lab as it is now; changes nothing. LabError without root, when there is a lab to look at."""
    layout = layout or Layout.default()
    return state.look(layout)


def fault(
    name: str, host: str | None = None, on: bool = True, seconds: float | None = None, layout: Layout | None = None
) -> tuple[Fault, ...]:
    """Switch a fault of the running lab's BMC on or off; see bpa.lab.faults for the names."""
    layout = layout or Layout.default()
    _demand_root()
    known = state.read_state(layout)
    if known is None:
        raise LabError("no lab is up")
    if host is not None and host not in [LabHost(n).name for n in range(known["hosts"])]:
        raise LabError(f"the lab has no host {host!r}")
    return faults.switch(layout.faults, name, host, on, seconds)


def power(name: str, on: bool, layout: Layout | None = None) -> None:
    """Plug a host in and press its button, or pull the plug: without its BMC, Ironic or BPA knowing. Idempotent."""
    layout = layout or Layout.default()
    _demand_root()
    known = state.read_state(layout)
    host = next((h for n in range(known["hosts"] if known else 0) if (h := LabHost(n)).name == name), None)
    if host is None:
        raise LabError(f"the lab has no host {name!r}")
    with hypervisor.connect(layout) as connection:
        domain = connection.lookupByUUIDString(host.uuid)
        if on and not domain.isActive():
            domain.create()
        elif not on and domain.isActive():
            domain.destroy()


def _define(connection: libvirt.virConnect, layout: Layout, host: LabHost, use_kvm: bool) -> None:
    if any(d.UUIDString() == host.uuid for d in connection.listAllDomains()):
        return
    layout.disks.mkdir(parents=True, exist_ok=True)
    layout.logs.mkdir(parents=True, exist_ok=True)
    files = machine.Files(
        layout.disks / f"{host.name}.qcow2",
        tuple(layout.disks / f"{host.name}.nvdimm{number}" for number in range(machine.NVDIMMS)),
        layout.disks / f"{host.name}.nvme",
        layout.disks / f"{host.name}.nvram",
        layout.log(f"{host.name}-console"),
    )
    processes.run("qemu-img", "create", "-q", "-f", "qcow2", str(files.disk), f"{host.disk}M")
    for path, size in (*((nvdimm, host.pmem) for nvdimm in files.nvdimms), (files.nvme, host.nvme)):
        with path.open("wb") as file:
            file.truncate(size * 1024 * 1024)
    connection.defineXML(machine.render(host, files, use_kvm, kvm.intel_processor()))


def _start_bmc(layout: Layout, hosts: tuple[LabHost, ...], certificates: tls.Certificates, password: Secret) -> None:
    config = BmcConfig(
        ADDRESS,
        BMC_PORT,
        USERNAME,
        password,
        layout.libvirt_uri,
        layout.bmc / "state",
        layout.faults,
        hosts,
        certificates.certificate,
        certificates.key,
    )
    file, media = layout.bmc / "config.json", layout.bmc / "media"
    media.mkdir(parents=True, exist_ok=True)
    if processes.alive(layout.pid("bmc")) and file.exists() and bmc_config.read(file) == config:
        return
    processes.stop(layout.pid("bmc"))
    bmc_config.write(config, file)
    ready = layout.bmc / "ready"
    ready.unlink(missing_ok=True)
    # The daemon starts in / and must still find the code it was started from.
    processes.start(
        ("ip", "netns", "exec", NAMESPACE, sys.executable, "-m", "bpa.lab.bmc", str(file), str(ready)),
        layout.pid("bmc"),
        layout.log("bmc"),
        {"TMPDIR": str(media), "PYTHONPATH": str(Path(__file__).parents[2])},
    )
    deadline = time.monotonic() + 60
    while not ready.exists():
        if processes.alive(layout.pid("bmc")) is None or time.monotonic() > deadline:
            raise LabError(f"the lab's BMC does not start; see {layout.log('bmc')}")
        time.sleep(0.1)


def _start_time_server(layout: Layout) -> None:
    if processes.alive(layout.pid("ntp")) is None:
        processes.start(("ip", "netns", "exec", NAMESPACE, sys.executable, "-m", "bpa.lab.ntp", ADDRESS),
                        layout.pid("ntp"), layout.log("ntp"), {"PYTHONPATH": str(Path(__file__).parents[2])})


def _demand_root() -> None:
    if os.geteuid():
        raise LabError("the lab needs root: it makes a network namespace and runs libvirtd")
