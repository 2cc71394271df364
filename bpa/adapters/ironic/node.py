"""Ironic's JSON about a node, and ours: pure translation in both directions.

Ironic keeps our notes about a node in `extra.bpa`: `port` (boot MAC whose port we made), `access` (a salted digest that
tells a changed BMC password, which Ironic itself never shows), `image` (what was last deployed), `seen` (the
provision_updated_at of errors that the documents or a person have answered), `retries`.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any

from bpa.core.facts import Drive, InspectedNic, Inventory, NodeFacts
from bpa.core.root_device import HintValue
from bpa.core.secret import Secret
from bpa.core.want import Image

Json = Mapping[str, Any]
REDFISH_INTERFACES: Mapping[str, str] = {
    "boot_interface": "redfish-virtual-media", "deploy_interface": "direct", "inspect_interface": "agent",
    "network_interface": "noop",
}
FAKE_INTERFACES: Mapping[str, str] = {
    f"{kind}_interface": "fake" for kind in ("bios", "boot", "deploy", "inspect", "management", "power", "raid")
} | {"network_interface": "noop"}
RAMDISK_REPORTS_WITHIN = timedelta(seconds=45)
INTERFACES_FREE = ("enroll", "manageable", "available", "inspect failed")
"""States in which Ironic lets a node's interfaces change."""


@dataclass(frozen=True, slots=True)
class NodeSpec:
    """An Ironic node as documented. bmc_address is scheme://host:port; verify is a bool or the path of a CA file.

    system is the Redfish path of the System (None: the BMC has one only). root_device are Ironic hints. Further
    driver_info may go into `driver_info`, without secrets.
    """

    name: str
    bmc_address: str
    username: str
    password: Secret
    boot_mac: str
    system: str | None = None
    verify: bool | str = True
    root_device: Mapping[str, HintValue] = field(default_factory=dict)
    deploy_kernel: str | None = None
    deploy_ramdisk: str | None = None
    properties: Mapping[str, object] = field(default_factory=dict)
    driver: str = "redfish"
    interfaces: Mapping[str, str] = field(default_factory=lambda: REDFISH_INTERFACES)
    driver_info: Mapping[str, object] = field(default_factory=dict)


def render_driver_info(spec: NodeSpec) -> dict[str, object]:
    """driver_info without the password."""
    info: dict[str, object] = dict(spec.driver_info)
    if spec.driver == "redfish":
        info |= {"redfish_address": spec.bmc_address, "redfish_username": spec.username,
                 "redfish_verify_ca": spec.verify}
        if spec.system:
            info["redfish_system_id"] = spec.system
    if spec.deploy_kernel:
        info["deploy_kernel"] = spec.deploy_kernel
    if spec.deploy_ramdisk:
        info["deploy_ramdisk"] = spec.deploy_ramdisk
    return info


def render_properties(spec: NodeSpec, old: Json) -> dict[str, object]:
    """properties with the documents' in place and what inspection found (cpu_arch and the like) kept."""
    keep = {key: value for key, value in old.items() if key != "root_device"}
    out: dict[str, object] = {**keep, "capabilities": "boot_mode:uefi", **spec.properties}
    if spec.root_device:
        out["root_device"] = dict(spec.root_device)
    return out


def render_instance_info(image: Image, root_device: Mapping[str, HintValue]) -> dict[str, object]:
    """instance_info for a whole-disk image. A checksum file (URL), and a type left open, is Ironic's to resolve."""
    info: dict[str, object] = {"image_source": image.url, "image_disk_format": image.format}
    kind, value = image.checksum_type if image.checksum_type != "auto" else "", image.checksum
    if value.startswith(("md5:", "sha256:", "sha512:")):
        kind, _, value = value.partition(":")
    if value.startswith(("http://", "https://")) or not kind:
        info["image_checksum"] = value
    else:
        info |= {"image_os_hash_algo": kind, "image_os_hash_value": value.lower()}
    if root_device:
        info["root_device"] = dict(root_device)
    return info


@lru_cache(maxsize=4096)
def access_digest(password: Secret, salt: str) -> str:
    """"salt:digest" of a BMC password (scrypt): enough to see that it changed, too slow to search."""
    made = hashlib.scrypt(password.reveal().encode(), salt=salt.encode(), n=2**12, r=8, p=1, dklen=16)
    return f"{salt}:{made.hex()}"


def notes(node: Json) -> dict[str, Any]:
    """Our notes in extra.bpa; empty for a node that is not ours."""
    mine = (node.get("extra") or {}).get("bpa")
    return dict(mine) if isinstance(mine, dict) else {}


def is_current(spec: NodeSpec, node: Json) -> bool:
    """Whether the node is as documented, as far as the state it is in lets it be changed."""
    mine = notes(node)
    info, properties = node.get("driver_info") or {}, node.get("properties") or {}
    same = all(_same(info.get(key), value) for key, value in render_driver_info(spec).items())
    same = same and all(properties.get(k) == v for k, v in render_properties(spec, properties).items())
    same = same and node.get("automated_clean") is False
    same = same and mine.get("port") == spec.boot_mac.lower() and node.get("driver") == spec.driver
    salt = str(mine.get("access") or "").partition(":")[0]
    same = same and bool(salt) and hmac.compare_digest(str(mine["access"]), access_digest(spec.password, salt))
    if node.get("provision_state") in INTERFACES_FREE:
        same = same and all(node.get(key) == value for key, value in spec.interfaces.items())
    return same


def _same(seen: object, wanted: object) -> bool:
    return str(seen).rstrip("/") == str(wanted).rstrip("/")


def parse_node(node: Json, spec: NodeSpec | None, inventory: Inventory | None) -> NodeFacts:
    """One entry of GET /v1/nodes/detail as facts."""
    mine, instance = notes(node), node.get("instance_info") or {}
    answered = bool(mine.get("seen")) and mine.get("seen") == seen_mark(node)
    url = str(instance.get("image_source") or "")
    deployed = mine.get("image") if isinstance(mine.get("image"), dict) else {}
    checksum = str(instance.get("image_os_hash_value") or instance.get("image_checksum") or "")
    if deployed and deployed.get("url") and (not url or deployed["url"] == url):
        # Ironic resolves checksum files and may convert an image: the note says what the documents said.
        checksum = str(deployed.get("checksum") or "")
    if deployed and node.get("provision_state") == "active" and deployed.get("asked") == seen_mark(node):
        url = checksum = ""
    return NodeFacts(
        provision_state=str(node.get("provision_state") or "available"), uuid=str(node.get("uuid") or ""),
        target=str(node.get("target_provision_state") or ""), power_state=str(node.get("power_state") or ""),
        maintenance=bool(node.get("maintenance")), maintenance_reason=str(node.get("maintenance_reason") or ""),
        fault=str(node.get("fault") or ""), last_error="" if answered else str(node.get("last_error") or "").strip(),
        image_url=url, image_checksum=checksum, current=spec is None or is_current(spec, node),
        inventory=inventory, retries=int(mine.get("retries") or 0),
    )


def latest_error(answer: Json) -> str:
    """The latest error in GET /v1/nodes/{id}/history, "" = there is none."""
    errors = [entry for entry in answer.get("history") or () if str(entry.get("severity")).upper() == "ERROR"]
    latest: Json = max(errors, key=lambda entry: str(entry.get("created_at")), default={})
    return str(latest.get("event") or "").strip()


def ramdisk_due(node: Json, now: datetime) -> bool:
    """Whether the ramdisk that has just inspected the host still runs and has not reported in to be used again.

    A deployment asked for now would boot it a second time (Ironic's fast track needs the agent's heartbeat first).
    """
    finished = node.get("inspection_finished_at")
    if not finished or node.get("power_state") != "power on" or node.get("provision_state") != "available":
        return False
    if (node.get("driver_internal_info") or {}).get("agent_url"):
        return False
    age = now - datetime.fromisoformat(str(finished)).replace(tzinfo=UTC)
    return timedelta() <= age < RAMDISK_REPORTS_WITHIN


def seen_mark(node: Json) -> str:
    """What tells one failure of a node from the next: when its provision state last changed."""
    return f"{node.get('provision_updated_at')}"


def parse_inventory(answer: Json) -> Inventory:
    """GET /v1/nodes/{id}/inventory (ironic-python-agent's inventory) as facts."""
    found = answer.get("inventory") or {}
    cpu, memory = found.get("cpu") or {}, found.get("memory") or {}
    return Inventory(
        cpus=int(cpu.get("count") or 0),
        memory_mib=int(memory.get("physical_mb") or (memory.get("total") or 0) // 1024**2),
        serial=str((found.get("system_vendor") or {}).get("serial_number") or ""),
        drives=tuple(_drive(disk) for disk in found.get("disks") or ()),
        addresses={str(nic["mac_address"]).lower(): str(nic.get("ipv4_address") or "")
                   for nic in found.get("interfaces") or () if nic.get("mac_address")},
        flags=tuple(cpu.get("flags") or ()),
        boot_mode=str((found.get("boot") or {}).get("current_boot_mode") or ""),
        cpu_model=str(cpu.get("model_name") or ""), sockets=_count(cpu.get("socket_count")),
        nics=tuple(_nic(nic) for nic in found.get("interfaces") or () if nic.get("mac_address")),
    )


def _nic(nic: Json) -> InspectedNic:
    """ironic-python-agent's NetworkInterface. Of virtio its vendor and product are no PCI ids, and told as none."""
    vendor, product = (str(nic.get(key) or "").lower().removeprefix("0x") for key in ("vendor", "product"))
    device = f"{vendor}:{product}" if len(vendor) == len(product) == 4 and vendor != "1af4" else ""
    return InspectedNic(str(nic.get("name") or ""), str(nic["mac_address"]).lower(), device, _count(nic.get("speed_mbps")),
                        str(nic.get("driver") or ""), str(nic.get("pci_address") or ""))


def _count(value: object) -> int:
    """A number that the ramdisk may not know, or not tell."""
    return value if isinstance(value, int) and value > 0 else 0


def _drive(disk: Json) -> Drive:
    def text(key: str) -> str:
        return str(disk.get(key) or "")

    return Drive(
        name=text("name"), serial=text("serial"), size=int(disk.get("size") or 0), model=text("model"), wwn=text("wwn"),
        rotational=disk.get("rotational"), vendor=text("vendor"), hctl=text("hctl"), by_path=text("by_path"),
        wwn_with_extension=text("wwn_with_extension"), wwn_vendor_extension=text("wwn_vendor_extension"),
    )
