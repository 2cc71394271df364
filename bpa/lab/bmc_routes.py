"""The views of the lab's BMC: those that replace sushy-emulator's, and those for resources that it does not have."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

import flask
from sushy_tools import error

from bpa.lab import bmc_resources as resources
from bpa.lab import firmware
from bpa.lab.bmc_access import SERVICE, SESSIONS
from bpa.lab.bmc_driver import RESET_TYPES, LabDriver
from bpa.lab.hosts import LabHost

_V1 = "/redfish/v1"


class Routes:
    """Replaces and adds the emulator's views. Flask calls them with the URL's parts as keyword arguments."""

    def __init__(self, app: flask.Flask, driver: LabDriver) -> None:
        self.app, self.driver = app, driver

    def install(self) -> None:
        views = self.app.view_functions
        views["root_resource"] = self._patched(views["root_resource"], self._root)
        views["system_resource"] = self._patched(views["system_resource"], self._system)
        views["chassis_resource"] = self._patched(views["chassis_resource"], self._chassis)
        views["manager_resource"] = self._patched(views["manager_resource"], self._manager)
        views |= {
            "bios": self.bios,
            "bios_settings": self.bios_settings,
            "bios_registry": self.registry,
            "bios_attribute_registry_file": self.registry_file,
            "registry_file_collection": self.registries,
            "processors_collection": self.processors,
            "processor": self.processor,
            "storage_collection": self.storages,
            "storage": self.storage,
            "drive_resource": self.drive,
            "volumes_collection": self.volumes,
        }
        for rule, view in (
            (f"{_V1}/Registries/{firmware.REGISTRY_FILE}", self.registry_file),
            (f"{_V1}/Registries/BpaLab/BiosRegistry", self.registry),
            (f"{_V1}/UpdateService/FirmwareInventory", self.firmwares),
            (f"{_V1}/UpdateService/FirmwareInventory/<identity>", self.firmware),
            (f"{_V1}/UpdateService/SoftwareInventory", self.softwares),
            (f"{_V1}/Systems/<identity>/Memory", self.memories),
            (f"{_V1}/Systems/<identity>/Memory/<module>", self.memory),
            (f"{_V1}/Chassis/<identity>/NetworkAdapters", self.adapters),
            (f"{_V1}/Chassis/<identity>/NetworkAdapters/<adapter>", self.adapter),
            (f"{_V1}/Chassis/<identity>/NetworkAdapters/<adapter>/NetworkDeviceFunctions", self.functions),
            (f"{_V1}/Chassis/<identity>/NetworkAdapters/<adapter>/NetworkDeviceFunctions/<function>", self.function),
        ):
            self.app.add_url_rule(rule, endpoint=f"lab {rule}", view_func=view, methods=["GET"])

    def _patched(self, view: Callable[..., Any], change: Callable[..., None]) -> Callable[..., Any]:
        def patched(**parts: str) -> flask.Response:
            response = self.app.make_response(view(**parts))
            if flask.request.method == "GET" and response.status_code == 200:
                body = json.loads(response.get_data())
                change(body, **parts)
                response.set_data(json.dumps(body))
            return response

        return patched

    def _root(self, body: dict[str, Any]) -> None:
        body |= {
            "SessionService": {"@odata.id": SERVICE},
            "Links": {"Sessions": {"@odata.id": SESSIONS}},
            "Vendor": "BPA",
            "Product": "BPA virtual lab",
        }

    def _system(self, body: dict[str, Any], identity: str) -> None:
        host = self._host(identity)
        body |= resources.system_extra(host)
        body["Links"]["Chassis"] = [{"@odata.id": resources.chassis(host)}]
        body["Actions"]["#ComputerSystem.Reset"]["ResetType@Redfish.AllowableValues"] = list(RESET_TYPES)
        boot = body["Boot"]
        boot["BootSourceOverrideTarget@Redfish.AllowableValues"] = ["Pxe", "Cd", "Hdd"]
        for key in ("HttpBootUri", "UefiTargetBootSourceOverride"):
            boot.pop(key, None)

    def _chassis(self, body: dict[str, Any], identity: str) -> None:
        host = next((h for h in self.driver.bmc.hosts if h.chassis == identity.lower()), None)
        if host is not None:
            body |= resources.chassis_extra(host)

    def _manager(self, body: dict[str, Any], identity: str) -> None:
        body["Links"]["ManagerForChassis"] = [{"@odata.id": resources.chassis(self._host(identity))}]

    def _host(self, identity: str) -> LabHost:
        host = self.driver.bmc.host(identity)
        if host is None:
            raise error.NotFound(f"there is no system {identity}")
        return host

    def bios(self, identity: str) -> Any:
        uri = f"{resources.system(self._host(identity))}/BIOS"
        return resources.resource(
            uri,
            "Bios.v1_2_0.Bios",
            "BIOS",
            "BIOS Configuration Current Settings",
            {
                "AttributeRegistry": firmware.REGISTRY_ID,
                "Attributes": self.driver.get_bios(identity),
                "@Redfish.Settings": {
                    "@odata.type": "#Settings.v1_3_5.Settings",
                    "SupportedApplyTimes": ["OnReset"],
                    "SettingsObject": {"@odata.id": f"{uri}/Settings"},
                },
                "Actions": {"#Bios.ResetBios": {"target": f"{uri}/Actions/Bios.ResetBios"}},
            },
        )

    def bios_settings(self, identity: str) -> Any:
        host = self._host(identity)
        if flask.request.method == "PATCH":
            body = flask.request.get_json(silent=True)
            attributes = body.get("Attributes") if isinstance(body, dict) else None
            if not isinstance(attributes, dict) or not attributes:
                raise error.BadRequest("Attributes is required")
            refused = firmware.refusals(attributes)
            if refused:
                return _refusal(refused), 400
            self.driver.set_bios(identity, attributes)
            return "", 204
        pending = self.driver.memory(identity)
        return resources.resource(
            f"{resources.system(host)}/BIOS/Settings",
            "Bios.v1_2_0.Bios",
            "Settings",
            "BIOS Configuration Pending Settings",
            {"AttributeRegistry": firmware.REGISTRY_ID, "Attributes": {**pending.current(), **pending.pending()}},
        )

    def registries(self) -> Any:
        return resources.collection(
            f"{_V1}/Registries", "MessageRegistryFile", "Registry File Collection", ["Messages", firmware.REGISTRY_FILE]
        )

    def registry_file(self) -> Any:
        return resources.resource(
            f"{_V1}/Registries/{firmware.REGISTRY_FILE}",
            "MessageRegistryFile.v1_1_0.MessageRegistryFile",
            firmware.REGISTRY_FILE,
            "BIOS Attribute Registry File",
            {
                "Languages": ["en"],
                "Registry": firmware.REGISTRY_ID,
                "Location": [{"Language": "en", "Uri": f"{_V1}/Registries/BpaLab/BiosRegistry"}],
            },
        )

    def registry(self) -> Any:
        return firmware.registry()

    def firmwares(self) -> Any:
        uri = f"{_V1}/UpdateService/FirmwareInventory"
        return resources.collection(uri, "SoftwareInventory", "Firmware Inventory", list(resources.firmware_inventory()))

    def firmware(self, identity: str) -> Any:
        return _one(resources.firmware_inventory(), identity)

    def softwares(self) -> Any:
        return resources.collection(f"{_V1}/UpdateService/SoftwareInventory", "SoftwareInventory", "Software Inventory", [])

    def memories(self, identity: str) -> Any:
        host = self._host(identity)
        return resources.collection(
            f"{resources.system(host)}/Memory", "Memory", "Memory", list(resources.memory(host))
        )

    def memory(self, identity: str, module: str) -> Any:
        return _one(resources.memory(self._host(identity)), module)

    def processors(self, identity: str) -> Any:
        host = self._host(identity)
        uri = f"{resources.system(host)}/Processors"
        return resources.collection(uri, "Processor", "Processors", list(resources.processors(host)))

    def processor(self, identity: str, processor_id: str) -> Any:
        return _one(resources.processors(self._host(identity)), processor_id)

    def storages(self, identity: str) -> Any:
        host = self._host(identity)
        return resources.collection(
            f"{resources.system(host)}/Storage", "Storage", "Storage", list(resources.storage(host))
        )

    def storage(self, identity: str, storage_id: str) -> Any:
        return _one(resources.storage(self._host(identity)), storage_id)

    def drive(self, identity: str, stg_id: str, drv_id: str) -> Any:
        host = self._host(identity)
        _one(resources.storage(host), stg_id)
        return _one(resources.drives(host), drv_id)

    def volumes(self, identity: str, storage_id: str) -> Any:
        if flask.request.method != "GET":
            raise error.FishyError("this controller makes no volumes", 405)
        uri = f"{resources.system(self._host(identity))}/Storage/{storage_id}/Volumes"
        return resources.collection(uri, "Volume", "Volumes", [])

    def adapters(self, identity: str) -> Any:
        host = self._by_chassis(identity)
        return resources.collection(
            f"{resources.chassis(host)}/NetworkAdapters",
            "NetworkAdapter",
            "Network Adapters",
            list(resources.adapters(host, self._sriov(host))),
        )

    def adapter(self, identity: str, adapter: str) -> Any:
        host = self._by_chassis(identity)
        return _one(resources.adapters(host, self._sriov(host)), adapter)

    def functions(self, identity: str, adapter: str) -> Any:
        self.adapter(identity, adapter)
        host = self._by_chassis(identity)
        return resources.collection(
            f"{resources.chassis(host)}/NetworkAdapters/{adapter}/NetworkDeviceFunctions",
            "NetworkDeviceFunction",
            "Network Device Functions",
            list(resources.device_functions(host, adapter, self._sriov(host))),
        )

    def function(self, identity: str, adapter: str, function: str) -> Any:
        self.adapter(identity, adapter)
        host = self._by_chassis(identity)
        return _one(resources.device_functions(host, adapter, self._sriov(host)), function)

    def _by_chassis(self, identity: str) -> LabHost:
        host = next((h for h in self.driver.bmc.hosts if h.chassis == identity.lower()), None)
        if host is None:
            raise error.NotFound(f"there is no chassis {identity}")
        return host

    def _sriov(self, host: LabHost) -> bool:
        return self.driver.get_bios(host.uuid).get("SriovGlobalEnable") == "Enabled"


def _one(found: Mapping[str, Any], identity: str) -> Any:
    if identity not in found:
        raise error.NotFound(f"there is no {identity} here")
    return found[identity]


def _refusal(refused: tuple[tuple[str, str], ...]) -> dict[str, object]:
    return {
        "error": {
            "code": "Base.1.0.GeneralError",
            "message": "; ".join(why for _, why in refused),
            "@Message.ExtendedInfo": [
                {
                    "MessageId": "Base.1.0.PropertyValueNotInList",
                    "Message": why,
                    "MessageArgs": [name],
                    "RelatedProperties": [f"#/Attributes/{name}"],
                }
                for name, why in refused
            ],
        }
    }
