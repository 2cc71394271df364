"""The lab's own libvirtd: inside the lab's network namespace and a private mount namespace, so the machine's libvirt,
its configuration and its directories are not touched and nothing is left behind."""

from __future__ import annotations

import contextlib
import shutil
import time
from collections.abc import Iterator
from pathlib import Path

import libvirt

from bpa.lab import processes
from bpa.lab.errors import LabError
from bpa.lab.layout import NAMESPACE, Layout

_PRIVATE = {
    "etc": "/etc/libvirt",
    "lib": "/var/lib/libvirt",
    "run": "/run/libvirt",
    "cache": "/var/cache/libvirt",
    "log": "/var/log/libvirt",
}

_QEMU_CONF = """user = "root"
group = "root"
dynamic_ownership = 0
remember_owner = 0
security_driver = "none"
cgroup_controllers = [ ]
namespaces = [ ]
stdio_handler = "file"
"""
_LIBVIRTD_CONF = """auth_unix_ro = "none"
auth_unix_rw = "none"
unix_sock_rw_perms = "0700"
log_filters = "3:object 3:rpc 3:event 3:util.dbus"
log_outputs = "3:stderr"
"""

# The outer shell becomes the daemon itself (exec all the way), so the pid that is kept is the daemon's.
_ENTER = (
    'set -e; for m in $BINDS; do mkdir -p "${m#*:}"; mount --bind "${m%%:*}" "${m#*:}"; done; '
    'if [ -n "$KVM_HIDDEN_BY" ] && [ -e /dev/kvm ]; then mount --bind "$KVM_HIDDEN_BY" /dev/kvm; '
    'mount -o remount,bind,ro /dev/kvm; fi; exec "$@"'
)


def start(layout: Layout, kvm: bool) -> None:
    """Start virtlogd and libvirtd unless they run; returns when libvirtd answers. /dev/kvm is hidden unless `kvm`.

    libvirtd asks KVM what it can do as soon as it starts: where KVM is there but of no use, that alone would be wrong.
    """
    if processes.alive(layout.pid("libvirtd")):
        return
    for name in _PRIVATE:
        (layout.libvirt / name).mkdir(parents=True, exist_ok=True)
    etc = layout.libvirt / "etc"
    for name, text in (
        ("qemu.conf", _QEMU_CONF),
        ("libvirtd.conf", _LIBVIRTD_CONF),
        ("virtlogd.conf", ""),
        ("network.conf", ""),
        ("libvirt.conf", ""),
    ):
        (etc / name).write_text(text)
    (etc / "qemu" / "networks").mkdir(parents=True, exist_ok=True)
    for stale in (layout.libvirt / "run").glob("*.pid"):
        stale.unlink()
    shutil.rmtree(layout.libvirt / "cache" / "qemu" / "capabilities", ignore_errors=True)
    # A regular file on a read-only mount is what not even root may open for writing. With /dev/null instead, libvirtd
    # finds KVM accessible yet absent in QEMU, distrusts its cache and asks QEMU again at every call: 40 s per start.
    no_kvm = layout.libvirt / "no-kvm"
    no_kvm.touch()
    environment = {
        "BINDS": " ".join(f"{layout.libvirt / name}:{place}" for name, place in _PRIVATE.items()),
        "KVM_HIDDEN_BY": "" if kvm else str(no_kvm),
    }
    for daemon in ("virtlogd", "libvirtd"):
        if processes.alive(layout.pid(daemon)):
            continue
        argv = (
            "ip",
            "netns",
            "exec",
            NAMESPACE,
            "unshare",
            "--mount",
            "--propagation",
            "private",
            "sh",
            "-c",
            _ENTER,
            "sh",
            f"/usr/sbin/{daemon}",
            "--config",
            f"/etc/libvirt/{daemon}.conf",
            "--pid-file",
            f"/run/libvirt/{daemon}.pid",
        )
        processes.start(argv, layout.pid(daemon), layout.log(daemon), environment)
    _await_answer(layout)


def _await_answer(layout: Layout, seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while True:
        if processes.alive(layout.pid("libvirtd")) is None:
            raise LabError(f"libvirtd does not start: {_tail(layout.log('libvirtd'))}")
        with contextlib.suppress(LabError), connect(layout):
            return
        if time.monotonic() > deadline:
            raise LabError(f"libvirtd does not answer within {seconds:.0f} s: {_tail(layout.log('libvirtd'))}")
        time.sleep(0.1)


@contextlib.contextmanager
def connect(layout: Layout) -> Iterator[libvirt.virConnect]:
    """A connection to the lab's libvirtd; libvirt's errors become LabError."""
    libvirt.registerErrorHandler(lambda _context, _error: None, None)
    try:
        connection = libvirt.open(layout.libvirt_uri)
        try:
            yield connection
        finally:
            connection.close()
    except libvirt.libvirtError as e:
        raise LabError(f"libvirt: {e}") from e


def define_network(connection: libvirt.virConnect, xml: str, name: str) -> None:
    """Define and start a network; one of that name that has other content is replaced."""
    for network in connection.listAllNetworks():
        if network.name() == name:
            if network.isActive():
                return
            network.undefine()
    connection.networkDefineXML(xml).create()


def remove_all(layout: Layout) -> None:
    """Destroy and undefine every domain (with its NVRAM) and every network of the lab's libvirtd."""
    with connect(layout) as connection:
        for domain in connection.listAllDomains():
            if domain.isActive():
                domain.destroy()
            domain.undefineFlags(libvirt.VIR_DOMAIN_UNDEFINE_NVRAM | libvirt.VIR_DOMAIN_UNDEFINE_SNAPSHOTS_METADATA)
        for network in connection.listAllNetworks():
            if network.isActive():
                network.destroy()
            if network.isPersistent():
                network.undefine()


def stop(layout: Layout) -> None:
    for daemon in ("libvirtd", "virtlogd"):
        processes.stop(layout.pid(daemon))


def _tail(log: Path, lines: int = 5) -> str:
    with contextlib.suppress(OSError):
        return " | ".join(log.read_text(errors="replace").splitlines()[-lines:])
    return "no log"
