"""The lab's BMC: sushy-emulator over HTTPS with sessions, a BIOS that acts, and the resources a real BMC has.

Run as `python -m bpa.lab.bmc CONFIG [READY]` (CONFIG as bmc_config writes it) inside the lab's network namespace.
"""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import flask
from cheroot.ssl.builtin import BuiltinSSLAdapter
from cheroot.wsgi import Server
from sushy_tools import error
from sushy_tools.emulator import main as emulator

from bpa.lab import bmc_resources as resources
from bpa.lab import firmware
from bpa.lab.bmc_access import SERVICE, SESSIONS, Gate, WsgiApp
from bpa.lab.bmc_config import BmcConfig, read
from bpa.lab.bmc_driver import RESET_TYPES, LabDriver, emulator_settings, watch_restarts
from bpa.lab.hosts import LabHost

_V1 = "/redfish/v1"


def build(config: BmcConfig) -> tuple[WsgiApp, LabDriver]:
    """The whole application behind its gate, and the driver that acts on libvirt. Once per process: the emulator's
    Flask application is a module-level object."""
    app: flask.Flask = emulator.app
    LabDriver.bmc = config
    app.config.update(emulator_settings(config))
    emulator.libvirtdriver.LibvirtDriver = LabDriver
    driver: LabDriver = emulator.app.systems
    Routes(app, driver).install()
    return Gate(
        app.wsgi_app, config.username, config.password, config.faults, {h.name: h.uuid for h in config.hosts}
    ), driver


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
            "storage_collection": self.storages,
            "storage": self.storage,
            "drive_resource": self.drive,
            "volumes_collection": self.volumes,
            "simple_storage_collection": self.simple_storages,
        }
        for rule, view in (
            (f"{_V1}/Registries/{firmware.REGISTRY_FILE}", self.registry_file),
            (f"{_V1}/Registries/BpaLab/BiosRegistry", self.registry),
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

    def memories(self, identity: str) -> Any:
        host = self._host(identity)
        return resources.collection(
            f"{resources.system(host)}/Memory", "Memory", "Memory", list(resources.memory(host))
        )

    def memory(self, identity: str, module: str) -> Any:
        return _one(resources.memory(self._host(identity)), module)

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

    def simple_storages(self, identity: str) -> Any:
        return resources.collection(
            f"{resources.system(self._host(identity))}/SimpleStorage", "SimpleStorage", "Simple Storage", []
        )

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


def main(config_file: Path, ready: Path | None = None) -> None:
    """Serve until killed; makes the file `ready` as soon as it listens."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    config = read(config_file)
    application, driver = build(config)
    watch_restarts(driver)
    # cheroot answers "Connection: close" with the same and closes; sushy sends it with every request and would
    # otherwise go on using a dead connection, at 3 s each.
    server = Server((config.address, config.port), application, numthreads=16, request_queue_size=64)
    if config.certificate and config.key:
        server.ssl_adapter = BuiltinSSLAdapter(str(config.certificate), str(config.key))
    server.prepare()
    if ready is not None:
        ready.touch()
    server.serve()


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:3]))
