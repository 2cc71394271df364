"""VfsCreated: the asked number of virtual functions on each matching PF, again after every restart.

Kernel: Documentation/PCI/pci-iov-howto.rst; Documentation/ABI/testing/sysfs-bus-pci (sriov_totalvfs, sriov_numvfs:
a number can be changed to another only through 0).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase

from bpa.core.facts import Facts
from bpa.core.host.probe import shell, told
from bpa.core.requirement import Change, HostRequirement
from bpa.core.steps import RunOnHost, WriteFile
from bpa.core.verdict import Act, Met, Stuck, Verdict
from bpa.core.want import HostWant, PfMatch, VfWant

UNIT = "/etc/systemd/system/bpa-sriov.service"

PROBES = {"pci": shell("""
PATH=$PATH:/usr/sbin:/sbin
echo '@@ devices'
cd /sys/bus/pci/devices || exit 0
for d in *; do
  [ -e "$d/vendor" ] && [ ! -e "$d/physfn" ] || continue
  read -r vendor <"$d/vendor"; read -r device <"$d/device"; read -r class <"$d/class"
  total=-; num=-; nics=
  if [ -e "$d/sriov_totalvfs" ]; then read -r total <"$d/sriov_totalvfs"; read -r num <"$d/sriov_numvfs"; fi
  for n in "$d"/net/* "$d"/virtio*/net/*; do
    [ -e "$n/address" ] || continue
    read -r mac <"$n/address"; nics="$nics${nics:+,}${n##*/}=$mac"
  done
  echo "$d $vendor $device $class $total $num ${nics:--}"
done
echo '@@ drivers'; printf '%s\\n' /sys/bus/pci/drivers/*/*:*:*.*
echo '@@ masters'; printf '%s\\n' /sys/class/net/*/lower_*
echo '@@ addresses'; ip -o addr show 2>/dev/null
echo '@@ unit'; cat /etc/systemd/system/bpa-sriov.service 2>/dev/null
echo '@@ enabled'; [ -e /etc/systemd/system/multi-user.target.wants/bpa-sriov.service ] && echo yes
exit 0
""")}

# Runs at every boot and, by us, at once: what is proven now is what will happen then. Each argument is ADDRESS=NUMBER.
# At boot the PF's driver may still be loading, so it is waited for; 20 s for all of them together.
SET_VFS = """failed=0; left=20
for pair in "$@"; do
  pf=${pair%%=*}; number=${pair#*=}; file=/sys/bus/pci/devices/$pf/sriov_numvfs
  while [ ! -e /sys/bus/pci/devices/$pf/driver ] && [ $left -gt 0 ]; do sleep 1; left=$((left-1)); done
  [ -e $file ] || { echo "$pf has no SR-IOV" >&2; failed=1; continue; }
  read -r now <$file
  [ "$now" = "$number" ] && continue
  [ "$now" = 0 ] || echo 0 >$file || failed=1
  [ "$number" = 0 ] || echo $number >$file || failed=1
done
exit $failed
"""


@dataclass(frozen=True, slots=True)
class Nic:
    """A network interface: its MAC, and the bond or bridge that it is part of ("" = none)."""

    name: str
    mac: str
    master: str = ""


@dataclass(frozen=True, slots=True)
class PciDevice:
    """A PCI function that is not a VF. device "vendor:device" in hex; total and vfs None = it shows no SR-IOV."""

    address: str
    device: str
    pci_class: str
    driver: str
    total: int | None
    vfs: int | None
    nics: tuple[Nic, ...] = ()

    @property
    def text(self) -> str:
        nics = "".join(f" {nic.name}" for nic in self.nics)
        return f"{self.address} ({self.device} {self.driver or 'no driver'}{nics})"


@dataclass(frozen=True, slots=True)
class Pci:
    """All PCI functions but VFs; addresses: interface -> its IP addresses; our unit's text and whether it is enabled."""

    devices: tuple[PciDevice, ...]
    addresses: Mapping[str, tuple[str, ...]]
    unit: str
    enabled: bool


def parse_pci(text: dict[str, str]) -> Pci:
    """The sections of probe `pci`."""
    # Paths such as /sys/bus/pci/drivers/igb/0000:01:00.0 and /sys/class/net/bond0/lower_eth0.
    drivers = {line.split("/")[6]: line.split("/")[5] for line in text.get("drivers", "").splitlines()}
    masters = {line.split("/")[5].removeprefix("lower_"): line.split("/")[4]
               for line in text.get("masters", "").splitlines()}
    devices = []
    for line in text.get("devices", "").splitlines():
        address, vendor, device, pci_class, total, vfs, nics = line.split()
        named = [nic.split("=") for nic in nics.split(",") if nic != "-"]
        devices.append(PciDevice(
            address, f"{vendor[2:]}:{device[2:]}".lower(), pci_class, drivers.get(address, ""),
            None if total == "-" else int(total), None if vfs == "-" else int(vfs),
            tuple(Nic(name, mac.lower(), masters.get(name, "")) for name, mac in named)))
    addresses: dict[str, tuple[str, ...]] = {}
    for line in text.get("addresses", "").splitlines():
        words = line.split()
        if len(words) >= 4 and words[2] in ("inet", "inet6"):
            addresses[words[1]] = (*addresses.get(words[1], ()), words[3].partition("/")[0])
    return Pci(tuple(devices), addresses, text.get("unit", ""), text.get("enabled", "").strip() == "yes")


def matches(match: PfMatch, device: PciDevice) -> bool:
    """Whether every field that `match` gives agrees. MACs and hex compare without regard to case."""
    same = [
        match.pci_address is None or _full(match.pci_address) == device.address,
        match.device is None or match.device.lower().removeprefix("0x") == device.device,
        match.driver is None or match.driver == device.driver,
        match.mac is None or any(match.mac.lower() == nic.mac for nic in device.nics),
        match.interface is None or any(fnmatchcase(nic.name, match.interface) for nic in device.nics),
    ]
    return all(same)


def render_unit(numbers: Mapping[str, int]) -> str:
    """The systemd unit that sets VF numbers (PCI address -> number) at boot, before the network is configured.

    Without default dependencies: cloud-init orders sysinit.target after the network, which would make a cycle.
    """
    script = SET_VFS
    for plain, escaped in (("\\", "\\\\"), ("%", "%%"), ("$", "$$"), ('"', '\\"'), ("\n", "\\n")):
        script = script.replace(plain, escaped)
    pairs = " ".join(f"{address}={number}" for address, number in sorted(numbers.items()))
    return f"""# Written by BPA from the HardwareProfile; changes made here are lost.
[Unit]
Description=Virtual functions as the BPA HardwareProfile asks
DefaultDependencies=no
After=systemd-udevd.service systemd-udev-trigger.service systemd-modules-load.service
Wants=network-pre.target
Before=network-pre.target shutdown.target
Conflicts=shutdown.target

[Service]
Type=oneshot
RemainAfterExit=yes
TimeoutStartSec=60
ExecStart=/bin/sh -c "{script}" sh {pairs}

[Install]
WantedBy=multi-user.target
"""


def check(want: HostWant, have: Facts) -> Verdict:
    if not want.profile.vfs:
        return Met("not asked")
    text = told(have, "pci")
    if not isinstance(text, dict):
        return text
    seen = parse_pci(text)
    chosen = choose(want.profile.vfs, seen)
    if isinstance(chosen, Stuck):
        return chosen
    numbers = {device.address: wanted.vfs for device, wanted in chosen}
    unit = render_unit(numbers)
    if seen.unit != unit or not seen.enabled:
        # `enable` makes systemd read its units anew; a daemon-reload before it would only do so twice.
        return Act(WriteFile(UNIT, unit, "stage the VFs that every start creates",
                             then=(("systemctl", "enable", "bpa-sriov.service"),)),
                   f"{UNIT} is not as the profile asks")
    assert have.os is not None
    for device, wanted in chosen:
        if device.vfs == wanted.vfs:
            continue
        if device.vfs and (nic := carrying(device, have.os.address, seen)):
            return Stuck(f"{device.text} has {device.vfs} VFs, {wanted.vfs} are asked; that goes through 0, and {nic} "
                         f"carries the address {have.os.address} by which BPA reaches the host",
                         "change it by hand on the console, or reach the host by another port")
        if not device.driver:
            return Stuck(f"no driver is bound to {device.text}", "load the PF's driver: only it can make VFs")
        return Act(RunOnHost((*shell(SET_VFS), f"{device.address}={wanted.vfs}"),
                             f"create {wanted.vfs} VFs on {device.address}"),
                   f"{device.text} has {device.vfs} VFs, {wanted.vfs} are asked ({wanted.what})")
    return Met(", ".join(f"{wanted.vfs} VFs on {device.address}" for device, wanted in chosen))


def choose(wants: Iterable[VfWant], seen: Pci) -> tuple[tuple[PciDevice, VfWant], ...] | Stuck:
    """Each PF that a want matches, with that want; or why the machine cannot do it."""
    chosen: dict[str, tuple[PciDevice, VfWant]] = {}
    for wanted in wants:
        matching = [device for device in seen.devices if matches(wanted.match, device)]
        able = [device for device in matching if device.total]
        if not able:
            return _none(wanted, matching, seen)
        for device in able:
            assert device.total is not None
            if wanted.vfs > device.total:
                return Stuck(f"{device.text} can have {device.total} VFs at most, {wanted.vfs} are asked ({wanted.what})",
                             "ask for fewer in the HardwareProfile; if the card can do more, SR-IOV is cut down in the BIOS "
                             "or in the card's firmware")
            other = chosen.get(device.address)
            if other and other[1].vfs != wanted.vfs:
                return Stuck(f"two sections of the profile match {device.text}: {other[1].vfs} VFs ({other[1].what}) "
                             f"and {wanted.vfs} VFs ({wanted.what})", "match more narrowly, by pciAddress or mac")
            chosen[device.address] = (device, wanted)
    return tuple(chosen[address] for address in sorted(chosen))


def carrying(device: PciDevice, address: str, seen: Pci) -> str:
    """The interface through which `address` reaches the host, if it belongs to this PF, itself or as part of a bond."""
    for nic in device.nics:
        for name in filter(None, (nic.name, nic.master)):
            if address in seen.addresses.get(name, ()):
                return name
    return ""


def changes(want: HostWant, have: Facts) -> tuple[Change, ...]:
    text = told(have, "pci")
    if not isinstance(text, dict):
        return tuple(Change(f"{one.what} VFs on {one.match.text or 'every PF'}", None, str(one.vfs))
                     for one in want.profile.vfs)
    chosen = choose(want.profile.vfs, parse_pci(text))
    if isinstance(chosen, Stuck):
        return ()
    return tuple(Change(f"{wanted.what} VFs on {device.address}", str(device.vfs), str(wanted.vfs))
                 for device, wanted in chosen if device.vfs != wanted.vfs)


def _none(wanted: VfWant, matching: list[PciDevice], seen: Pci) -> Stuck:
    if matching:
        return Stuck(f"{', '.join(d.text for d in matching)} shows no SR-IOV: it is off in the BIOS or in the device's "
                     "firmware, or the device has none",
                     "switch it on by the BIOS intent `sriov` of the HardwareProfile, then apply again")
    able = ", ".join(f"{d.text}, {d.total} VFs at most" for d in seen.devices if d.total)
    return Stuck(f"no PCI device matches {wanted.match.text or 'nothing at all'} ({wanted.what}); with SR-IOV there are: "
                 f"{able or 'none'}", "correct the match in the HardwareProfile; if the card is missing from the list, "
                 "SR-IOV or the slot is off in the BIOS")


def _full(address: str) -> str:
    return (address if address.count(":") == 2 else f"0000:{address}").lower()


CREATED = HostRequirement("VfsCreated", "os", check, "each matching PF has the asked number of VFs", changes,
                          seconds=5.0)
