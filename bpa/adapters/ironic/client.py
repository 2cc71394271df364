"""What BPA asks of Ironic. Reads of a whole fleet are one request; every write makes the next read fresh."""

from __future__ import annotations

import secrets
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from bpa.adapters.errors import Refused
from bpa.adapters.ironic.api import Api
from bpa.adapters.ironic.endpoint import IronicEndpoint
from bpa.adapters.ironic.node import (
    Json,
    NodeSpec,
    access_digest,
    is_current,
    latest_error,
    notes,
    parse_inventory,
    parse_node,
    ramdisk_due,
    render_driver_info,
    render_instance_info,
    render_properties,
    seen_mark,
)
from bpa.core.config_drive import ConfigDrive
from bpa.core.facts import Inventory, NodeFacts
from bpa.core.root_device import HintValue
from bpa.core.steps import ProvisionTarget
from bpa.core.want import Image

SNAPSHOT_AGE = 1.0
PAGE = 1000
FAILED = ("deploy failed", "inspect failed", "clean failed", "error", "rescue failed", "service failed", "adopt failed")
NO_NODE = NodeFacts(provision_state="")


class Ironic:
    """One Ironic. `expected` tells what a node should be, by name, so that a look can say whether it still is.

    Every method raises Unreachable, Busy (locked, 503), Refused or Unsupported.
    """

    def __init__(
        self, endpoint: IronicEndpoint, expected: Callable[[str], NodeSpec | None] = lambda name: None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._api = Api(endpoint)
        self._expected, self._clock = expected, clock
        self._lock = threading.Lock()
        self._snapshot: dict[str, Json] = {}
        self._taken: float | None = None
        self._inventories: dict[tuple[str, str], Inventory] = {}
        self._errors: dict[tuple[str, str], str] = {}

    # -- reading

    def look(self, name: str) -> NodeFacts:
        """The node as facts. Served from one fleet-wide read of at most SNAPSHOT_AGE seconds, shared by all hosts."""
        node = self._fleet().get(name)
        if node is None:
            return NO_NODE
        facts = parse_node(self._with_error(node), self._expected(name), self._inventory(node))
        return replace(facts, ramdisk_due=ramdisk_due(node, datetime.now(UTC)))

    def look_anew(self) -> None:
        """Make the next look ask Ironic, however young the last answer is."""
        with self._lock:
            self._taken = None

    def names(self) -> tuple[str, ...]:
        """The names of all nodes, sorted; a node without a name is left out."""
        return tuple(sorted(self._fleet()))

    def _fleet(self) -> Mapping[str, Json]:
        # One thread reads while the others wait for what it brings: a fleet costs one request, not one per host.
        with self._lock:
            if self._taken is None or self._clock() - self._taken > SNAPSHOT_AGE:
                self._snapshot = {str(node["name"]): node for node in self._read_all() if node.get("name")}
                self._taken = self._clock()
            return self._snapshot

    def _read_all(self) -> list[Json]:
        nodes: list[Json] = []
        params: dict[str, str | int] | None = {"limit": PAGE}
        while params is not None:
            answer = self._api.call("GET", "/nodes/detail", params=params)
            nodes.extend(answer["nodes"])
            further = answer.get("next")
            params = dict(parse_qsl(urlsplit(further).query)) if further else None
        return nodes

    def _with_error(self, node: Json) -> Json:
        """The node with its last_error, which Ironic loses when it powers a host off after a failure: history has it."""
        if node.get("last_error") or node.get("provision_state") not in FAILED:
            return node
        key = str(node["uuid"]), seen_mark(node)
        if key not in self._errors:
            answer = self._api.call("GET", f"/nodes/{node['uuid']}/history", params={"detail": "True"}, absent=(404,))
            self._errors[key] = latest_error(answer or {}) or "Ironic does not say why"
        return {**node, "last_error": self._errors[key]}

    def _inventory(self, node: Json) -> Inventory | None:
        finished = node.get("inspection_finished_at")
        if not finished or node.get("provision_state") in ("inspecting", "inspect wait", "inspect failed"):
            return None
        key = str(node["uuid"]), str(finished)
        if key not in self._inventories:
            answer = self._api.call("GET", f"/nodes/{node['uuid']}/inventory", absent=(404,))
            self._inventories[key] = parse_inventory(answer) if answer else Inventory()
        return self._inventories[key]

    def _fresh(self, name: str) -> Json:
        self.look_anew()
        node = self._fleet().get(name)
        if node is None:
            raise Refused(f"Ironic has no node {name}", "apply again: it will be enrolled")
        return node

    def _write(self, method: str, path: str, body: object = None, microversion: str | None = None) -> Any:
        try:
            if microversion is not None:
                return self._api.call(method, path, body, microversion=microversion)
            return self._api.call(method, path, body)
        finally:
            self.look_anew()

    # -- enrolment

    def enrol(self, spec: NodeSpec) -> None:
        """Create the node and its port, or patch what differs from the documents. May be repeated at any point.

        automated_clean is off for our nodes: a site's Ironic may else wipe disks on `provide`, before anybody agreed.

        Refused when a node of this name stands for another machine.
        """
        self.look_anew()
        node = self._fleet().get(spec.name)
        if node is None:
            node = self._write("POST", "/nodes", {
                "name": spec.name, "driver": spec.driver, "resource_class": "baremetal", **spec.interfaces,
                "automated_clean": False,
                "driver_info": self._with_password(spec), "properties": render_properties(spec, {}),
                "extra": {"bpa": {"access": access_digest(spec.password, secrets.token_hex(8))}},
            })
        elif not is_current(spec, node):
            _refuse_another_machine(spec, node)
            self._bring_in_line(spec, node)
        if notes(node).get("port") != spec.boot_mac.lower():
            self._make_port(spec, node)

    def _with_password(self, spec: NodeSpec) -> dict[str, object]:
        info = render_driver_info(spec)
        if spec.driver == "redfish":
            info["redfish_password"] = spec.password.reveal()
        return info

    def _bring_in_line(self, spec: NodeSpec, node: Json) -> None:
        info = {**(node.get("driver_info") or {}), **self._with_password(spec)}
        mine = notes(node) | {
            "access": access_digest(spec.password, secrets.token_hex(8)), "seen": seen_mark(node), "retries": 0,
        }
        properties = render_properties(spec, node.get("properties") or {})
        patch = [_set("/automated_clean", False), _set("/driver_info", info), _set("/properties", properties),
                 _set("/extra/bpa", mine)]
        different = {key: value for key, value in spec.interfaces.items() if node.get(key) != value}
        if node.get("driver") != spec.driver:
            patch.append(_set("/driver", spec.driver))
        patch.extend(_set(f"/{key}", value) for key, value in different.items())
        self._write("PATCH", f"/nodes/{node['uuid']}", patch)

    def _make_port(self, spec: NodeSpec, node: Json) -> None:
        uuid, mac = str(node["uuid"]), spec.boot_mac.lower()
        ports = self._api.call("GET", "/ports", params={"node_uuid": uuid})["ports"]
        if mac not in (port["address"].lower() for port in ports):
            self._write("POST", "/ports", {"node_uuid": uuid, "address": mac})
        was = notes(node).get("port")
        for port in ports:
            if was and port["address"].lower() == was != mac:
                self._write("DELETE", f"/ports/{port['uuid']}")
        self._write("PATCH", f"/nodes/{uuid}", _note(node, port=mac))

    # -- the life of a node

    def set_provision_state(self, name: str, target: ProvisionTarget) -> None:
        """Ask for a verb that puts no image on a disk. A way out of a failed state is counted as one retry."""
        node = self._fresh(name)
        if target == "manage" and str(node.get("provision_state")).endswith("failed"):
            count = int(notes(node).get("retries") or 0) + 1
            self._write("PATCH", f"/nodes/{node['uuid']}", _note(node, retries=count))
        self._write("PUT", f"/nodes/{node['uuid']}/states/provision", {"target": target})

    def deploy(
        self, name: str, image: Image, root_device: Mapping[str, HintValue], config_drive: ConfigDrive,
        rebuild: bool = False,
    ) -> None:
        """Write `image` to the disk that `root_device` picks, with the config drive; `rebuild` = over an image."""
        node = self._fresh(name)
        # Until the state has changed, the new image is asked for and not there: we may be killed between the two calls.
        noted = {"url": image.url, "checksum": image.checksum, "asked": seen_mark(node)}
        self._write("PATCH", f"/nodes/{node['uuid']}", [
            _set("/instance_info", render_instance_info(image, root_device)), *_note(node, image=noted),
        ])
        drive: dict[str, object] = {
            "meta_data": {**config_drive.meta_data, "uuid": config_drive.meta_data.get("uuid") or node["uuid"]},
            "user_data": config_drive.user_data.reveal(),
        }
        if config_drive.network_data:
            drive["network_data"] = dict(config_drive.network_data)
        self._write("PUT", f"/nodes/{node['uuid']}/states/provision",
                    {"target": "rebuild" if rebuild else "active", "configdrive": drive})

    def restart(self, name: str) -> None:
        """Restart the host: power off and on, or ForceRestart, as Ironic's power interface does it."""
        self._write("PUT", f"/nodes/{self._fresh(name)['uuid']}/states/power", {"target": "rebooting"})

    def clear_maintenance(self, name: str) -> None:
        """Take the node out of maintenance."""
        self._write("DELETE", f"/nodes/{self._fresh(name)['uuid']}/maintenance")

    def acknowledge(self, name: str) -> None:
        """A person has dealt with the node's last error: it counts as answered, and what failed may be tried again."""
        node = self._fleet().get(name)
        if node is not None and node.get("last_error"):
            self._write("PATCH", f"/nodes/{node['uuid']}", _note(node, seen=seen_mark(node), retries=0))

    def remove(self, name: str) -> None:
        """Forget the node; the host goes on running. Nothing to do where there is no such node."""
        self.look_anew()
        node = self._fleet().get(name)
        if node is None:
            return
        # Ironic lets a node of any state go while it is in maintenance, and asks a BMC that may be gone no more.
        self._write("PUT", f"/nodes/{node['uuid']}/maintenance", {"reason": "being removed by BPA"})
        self._write("DELETE", f"/nodes/{node['uuid']}")

    def close(self) -> None:
        """Give the connections back."""
        self._api.close()


def _set(path: str, value: object) -> dict[str, object]:
    return {"op": "add", "path": path, "value": value}


def _note(node: Json, **changed: object) -> list[dict[str, object]]:
    return [_set("/extra/bpa", notes(node) | changed)]


def _refuse_another_machine(spec: NodeSpec, node: Json) -> None:
    if notes(node) or spec.driver != "redfish":
        return
    address = str((node.get("driver_info") or {}).get("redfish_address") or "another BMC")
    if urlsplit(address).hostname != urlsplit(spec.bmc_address).hostname:
        raise Refused(
            f"Ironic already has a node {spec.name} that BPA did not enrol, with BMC {address}",
            "rename the BareMetalHost, or remove that node from Ironic if it is obsolete",
        )
