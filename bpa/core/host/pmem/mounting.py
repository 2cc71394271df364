"""A file system on a namespace: made only where nothing is, mounted by UUID through a systemd unit that we own.

systemd.mount(5), systemd-escape(1); blkid(8): exit code 2 = nothing recognised on the device.
"""

from __future__ import annotations

from bpa.core.host.owned import HEADER, Owned
from bpa.core.host.pmem.persistent import Namespace, Nvdimm
from bpa.core.host.probe import shell
from bpa.core.steps import RunOnHost, WriteFile
from bpa.core.verdict import Act, Stuck, Verdict
from bpa.core.want import NamespaceWant

UNITS = "/etc/systemd/system"
OWNED = (
    Owned(f"{UNITS}/*.mount", "mounts persistent memory", "pmem", "PmemReady", marked=True),
    Owned(f"{UNITS}/local-fs.target.wants/*.mount", "enables that mount", "pmem", "PmemReady", marked=True),
)
# DAX needs blocks of the page's size; small ext4 file systems would get 1 KiB. Reflink excludes dax before Linux 6.2.
MAKE = {"ext4": ("mkfs.ext4", "-q", "-b", "4096"), "xfs": ("mkfs.xfs", "-q", "-m", "reflink=0")}
FORMAT = """device=$1; shift
blkid -p "$device" >/dev/null 2>&1
[ $? -eq 2 ] || { echo "$device is not empty: not formatted" >&2; exit 1; }
exec "$@" "$device"
"""


def check_filesystem(wanted: NamespaceWant, namespace: Namespace, seen: Nvdimm) -> Verdict | None:
    """What is still to do for the file system and its mount; None = nothing."""
    if not namespace.block:
        return Stuck(f"a {namespace.mode} namespace carries no file system",
                     "ask for mode fsdax or sector, or for no file system")
    if wanted.filesystem not in MAKE:
        return Stuck(f"BPA does not make {wanted.filesystem} on persistent memory", f"ask for {' or '.join(MAKE)}")
    device, content = f"/dev/{namespace.block}", seen.content(namespace)
    if not content.signature:
        return Act(RunOnHost((*shell(FORMAT), device, *MAKE[wanted.filesystem]),
                             f"make {wanted.filesystem} on {namespace.dev}", timeout=600), f"{device} is empty")
    if content.signature != wanted.filesystem:
        return Stuck(f"{device} ({namespace.dev}) holds {content.signature}, asked is {wanted.filesystem}; BPA does not "
                     "overwrite it",
                     f"save what is on it, then `wipefs -a {device}`, then apply again")
    return _check_mount(wanted, namespace, seen, content.uuid) if wanted.mount_point else None


def unit_name(mount_point: str) -> str:
    """The name that systemd demands of the mount unit for a path, as `systemd-escape -p --suffix=mount` prints it."""
    path = "/".join(part for part in mount_point.split("/") if part) or "/"
    if path == "/":
        return "-.mount"
    escaped = "".join(
        "-" if char == "/" else char if char.isascii() and (char.isalnum() or char in ":_.") and (char != "." or at)
        else "".join(f"\\x{byte:02x}" for byte in char.encode())
        for at, char in enumerate(path))
    return escaped + ".mount"


def render_mount(wanted: NamespaceWant, uuid: str) -> str:
    """The systemd mount unit. local-fs.target wants it, but starts without: a lost DIMM must not stop the host."""
    options = "dax" if wanted.mode == "fsdax" else "defaults"
    point = wanted.mount_point.replace("%", "%%")
    return f"""{HEADER}[Unit]
Description=Persistent memory {wanted.name or wanted.region}

[Mount]
What=/dev/disk/by-uuid/{uuid}
Where={point}
Type={wanted.filesystem}
Options={options}

[Install]
WantedBy=local-fs.target
"""


def our_unit(mount_point: str, seen: Nvdimm) -> str:
    """The name of the unit of ours that mounts there, "" = there is none."""
    name = unit_name(mount_point)
    return name if seen.units.get(f"{UNITS}/{name}", "").startswith(HEADER) else ""


def _check_mount(wanted: NamespaceWant, namespace: Namespace, seen: Nvdimm, uuid: str) -> Verdict | None:
    device, point, at = f"/dev/{namespace.block}", wanted.mount_point.rstrip("/"), seen.mounted_at(namespace)
    if at and at != point:
        return Stuck(f"{device} ({namespace.dev}) is mounted at {at}, asked is {point}",
                     f"`umount {at}`, then apply again")
    if point in seen.mounts and not at:
        return Stuck(f"{seen.mounts[point][0]} is mounted at {point}, where {namespace.dev} is to be",
                     "choose another mount point")
    name = unit_name(point)
    path, unit = f"{UNITS}/{name}", render_mount(wanted, uuid)
    if seen.units.get(path) != unit or name not in seen.enabled:
        return Act(WriteFile(path, unit, f"mount {namespace.dev} at {point} now and at every start",
                             then=(("systemctl", "enable", "--now", name),)),
                   f"{path} is not as the profile asks")
    if not at:
        return Act(RunOnHost(("systemctl", "start", name), f"mount {namespace.dev} at {point}"),
                   f"{point} is not mounted")
    return None
