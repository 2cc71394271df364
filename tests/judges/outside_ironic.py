"""Ironic's API as its users call it (docs.openstack.org/api-ref/baremetal), without any code of BPA in between."""

from __future__ import annotations

import urllib.parse
from collections.abc import Mapping
from typing import Any

import requests
from polling import until

SETTLED = ("enroll", "manageable", "available", "clean failed", "inspect failed")
FAILED = ("clean failed", "inspect failed")


class Said(AssertionError):
    """What Ironic gives as the reason why a thing failed."""


class OutsideIronic:
    def __init__(self, url: str, username: str, password: str) -> None:
        self._url = f"{url}/v1"
        self._http = requests.Session()
        self._http.auth = (username, password)
        self._http.headers["X-OpenStack-Ironic-API-Version"] = "1.101"

    def ask(self, method: str, path: str, body: Any = None) -> Any:
        """The JSON it answers. Said where it refuses; while the node is locked it is asked again."""
        answer = until(lambda: self._http.request(method, f"{self._url}{path}", json=body, timeout=120),
                       lambda one: one.status_code != 409 or "locked" not in one.text)
        if not answer.ok:
            raise Said(f"{answer.status_code} {answer.text}")
        return answer.json() if answer.content else None

    def node(self, name: str) -> dict[str, Any]:
        return dict(self.ask("GET", f"/nodes/{name}"))

    def enrol(self, name: str, address: str, system: str, user: str, password: str) -> None:
        self.ask("POST", "/nodes", {
            "name": name, "driver": "redfish", "inspect_interface": "redfish", "bios_interface": "redfish",
            "boot_interface": "redfish-virtual-media", "deploy_interface": "direct",
            "driver_info": {"redfish_address": address, "redfish_system_id": system, "redfish_username": user,
                            "redfish_password": password, "redfish_verify_ca": False},
        })

    def move(self, name: str, verb: str, **more: Any) -> dict[str, Any]:
        """Send a provisioning verb and wait for its end. Said with last_error where it fails."""
        self.ask("PUT", f"/nodes/{name}/states/provision", {"target": verb, **more})
        node = until(lambda: self.node(name), lambda one: one["provision_state"] in SETTLED and not one["reservation"],
                     seconds=180)
        if node["provision_state"] in FAILED or node["last_error"]:
            raise Said(node["last_error"])
        return node

    def back(self, name: str) -> None:
        """To manageable after a failure."""
        if self.node(name)["provision_state"] in FAILED:
            self.ask("PATCH", f"/nodes/{name}", [{"op": "replace", "path": "/maintenance", "value": False}])
            self.ask("PUT", f"/nodes/{name}/states/provision", {"target": "manage"})
            self._idle(name, lambda one: one["provision_state"] == "manageable")

    def power(self, name: str, target: str) -> str:
        """The power state in the end."""
        self.ask("PUT", f"/nodes/{name}/states/power", {"target": target})
        node = self._idle(name, lambda one: one["target_power_state"] is None)
        if node["last_error"]:
            raise Said(node["last_error"])
        return str(node["power_state"])

    def clean(self, name: str, interface: str, step: str, args: Mapping[str, Any]) -> dict[str, Any]:
        """A manual clean step without a ramdisk, as the step needs none."""
        steps = [{"interface": interface, "step": step, "args": dict(args)}]
        return self.move(name, "clean", clean_steps=steps, disable_ramdisk=True)

    def attach(self, name: str, image: str) -> list[dict[str, Any]]:
        """Virtual media afterwards. image_download_source http: the BMC fetches it, Ironic does not look at it."""
        self.ask("POST", f"/nodes/{name}/vmedia",
                 {"device_type": "cdrom", "image_url": image, "image_download_source": "http"})
        return self._media(name)

    def detach(self, name: str) -> list[dict[str, Any]]:
        self.ask("DELETE", f"/nodes/{name}/vmedia?" + urllib.parse.urlencode({"device_types": "cdrom"}))
        return self._media(name)

    def bios(self, name: str) -> dict[str, dict[str, Any]]:
        settings = self.ask("GET", f"/nodes/{name}/bios?detail=true")["bios"]
        return {one["name"]: one for one in settings}

    def _media(self, name: str) -> list[dict[str, Any]]:
        node = self._idle(name, lambda one: True)
        if node["last_error"]:
            raise Said(node["last_error"])
        return list(self.ask("GET", f"/nodes/{name}/vmedia"))

    def _idle(self, name: str, accept: Any) -> dict[str, Any]:
        return until(lambda: self.node(name), lambda one: not one["reservation"] and accept(one), seconds=180)
