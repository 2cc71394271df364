"""Our systemd unit: VFs are made and set up at every start, before the network is configured.

The arguments of its script, one for each PF: ADDRESS=NUMBER[,mac=XX:XX/XX:XX:XX][,vlan=N][,spoofchk=on|off][,trust=on|off]
[,state=auto|enable|disable][,max=MBIT][,min=MBIT][,mtu=BYTES][,driver=netdev|vfio-pci][,services=A+B][,only=I+J].
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from bpa.core.host.owned import HEADER
from bpa.core.host.sriov.functions import PciDevice
from bpa.core.host.sriov.script import SCRIPT_PATH
from bpa.core.want import VfSettings, VfWant

UNIT = "/etc/systemd/system/bpa-sriov.service"
_SWITCH = {True: "on", False: "off"}


def mac_of(port: str, index: int) -> str:
    """The MAC of VF `index` of the port with MAC `port`, by a rule that people can follow.

    aa:bb:cc:dd:ee:ff -> (aa, locally administered):(bb xor cc):index:dd:ee:ff. So it is the same after every restart,
    the port can be told from it, and VFs of ports with neighbouring MACs never meet. For 256 VFs at most. Where aa is
    locally administered already (a port of a virtual machine), its next bit is turned over: no VF has its port's MAC.
    """
    first, second = _halves(port)
    return f"{first}:{index:02x}:{second}"


def _halves(port: str) -> tuple[str, str]:
    octets = [int(octet, 16) for octet in port.split(":")]
    first = octets[0] ^ 0x04 if octets[0] & 0x02 else octets[0] | 0x02
    return f"{first:02x}:{octets[1] ^ octets[2]:02x}", port[9:].lower()


def number_of(device: PciDevice, wanted: VfWant) -> int | str:
    """What our script is told: a number, or "max"."""
    return (device.total or 0) if wanted.vfs == "all" else wanted.vfs


def argument(device: PciDevice, wanted: VfWant) -> str:
    """The script's argument for one PF."""
    asked: VfSettings = wanted.settings
    said: list[tuple[str, object]] = []
    if asked.macs and device.nics:
        said.append(("mac", "/".join(_halves(device.nics[0].mac))))
    said += [("vlan", asked.vlan), ("spoofchk", None if asked.spoof_check is None else _SWITCH[asked.spoof_check]),
             ("trust", None if asked.trust is None else _SWITCH[asked.trust]), ("state", asked.link_state),
             ("max", asked.max_rate), ("min", asked.min_rate), ("mtu", asked.mtu), ("driver", wanted.driver),
             ("services", wanted.services.replace(";", "+") or None)]
    return f"{device.address}={number_of(device, wanted)}" + "".join(f",{name}={value}" for name, value in said
                                                                   if value is not None)


def render_unit(arguments: Iterable[str]) -> str:
    """The unit that runs our script with these arguments.

    Without default dependencies: cloud-init orders sysinit.target after the network, which would make a cycle.
    """
    return f"""{HEADER}[Unit]
Description=Virtual functions as the BPA HardwareProfile asks
DefaultDependencies=no
After=systemd-udevd.service systemd-udev-trigger.service systemd-modules-load.service
Wants=network-pre.target
Before=network-pre.target shutdown.target
Conflicts=shutdown.target

[Service]
Type=oneshot
RemainAfterExit=yes
TimeoutStartSec=300
ExecStart=/bin/sh {SCRIPT_PATH} {" ".join(sorted(arguments))}

[Install]
WantedBy=multi-user.target
"""


def arguments_in(unit: str) -> dict[str, str]:
    """PCI address -> the argument that our unit has for it. Units of older versions had the script in themselves."""
    line = next((line for line in unit.splitlines() if line.startswith("ExecStart=")), "")
    return {found[1]: found[0].strip() for found in re.finditer(r" ([0-9a-f]+:[0-9a-f]+:[0-9a-f]+\.[0-9a-f])=\S+",
                                                                line.rpartition('"')[2])}


def number_in(argument: str) -> str:
    """The number that an argument asks for, as it is written."""
    return argument.partition("=")[2].partition(",")[0]
