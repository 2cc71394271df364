"""A small recorded tree, written for a test, and a client that asks a machine without a network."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from bpa.lab.recorded import Machine, Reply, Request
from bpa.lab.recorded.exchange import Headers
from bpa.lab.recorded.tree import open_tree

ROOT = "/redfish/v1"
SYSTEM = f"{ROOT}/Systems/1"
SETTINGS = f"{SYSTEM}/Bios/Settings"
CD = f"{ROOT}/Managers/BMC/VirtualMedia/CD"
ACCOUNTS = f"{ROOT}/AccountService/Accounts"
RESET = f"{SYSTEM}/Actions/ComputerSystem.Reset"
RECORDED = Path(__file__).parents[2] / ".recorded" / "redfish"


def link(path: str) -> dict[str, str]:
    return {"@odata.id": path}


def collection(path: str, kind: str, *members: str) -> dict[str, Any]:
    return {"@odata.id": path, "@odata.type": f"#{kind}.{kind}", "Name": kind, "Members": [link(m) for m in members],
            "Members@odata.count": len(members)}


def resources() -> dict[str, dict[str, Any]]:
    """Path -> resource of a machine with one System that has what most have."""
    registry = f"{ROOT}/Registries/BiosAttributeRegistry/BiosAttributeRegistry.json"
    features = {"ExpandQuery": {"NoLinks": True, "Links": True, "ExpandAll": True, "MaxLevels": 2}, "SelectQuery": True,
                "FilterQuery": True, "OnlyMemberQuery": True}
    found: dict[str, dict[str, Any]] = {
        ROOT: {"@odata.type": "#ServiceRoot.v1_15_0.ServiceRoot", "Id": "RootService", "Name": "Root", "RedfishVersion": "1.15.0",
               "ProtocolFeaturesSupported": features, "Systems": link(f"{ROOT}/Systems"), "Managers": link(f"{ROOT}/Managers"),
               "Tasks": link(f"{ROOT}/TaskService"), "EventService": link(f"{ROOT}/EventService"),
               "AccountService": link(f"{ROOT}/AccountService")},
        f"{ROOT}/Systems": collection(f"{ROOT}/Systems", "ComputerSystemCollection", SYSTEM),
        SYSTEM: {
            "@odata.type": "#ComputerSystem.v1_16_0.ComputerSystem", "Id": "1", "Name": "System", "UUID": "A1B2",
            "Manufacturer": "Contoso", "Model": "M1", "PowerState": "On", "AssetTag": "", "IndicatorLED": "Off",
            "LastResetTime": "2024-01-01T00:00:00+00:00", "BootProgress": {"LastState": "OSRunning"},
            "Bios": link(f"{SYSTEM}/Bios"), "SecureBoot": link(f"{SYSTEM}/SecureBoot"),
            "LogServices": link(f"{SYSTEM}/LogServices"),
            "Boot": {"BootSourceOverrideEnabled": "Disabled", "BootSourceOverrideTarget": "None",
                     "BootSourceOverrideMode": "UEFI", "BootOrder": ["Boot0001", "Boot0002"],
                     "BootSourceOverrideTarget@Redfish.AllowableValues": ["None", "Pxe", "Cd", "Hdd", "UefiHttp"]},
            "Actions": {"#ComputerSystem.Reset": {"target": RESET, "ResetType@Redfish.AllowableValues": [
                "On", "ForceOff", "GracefulShutdown", "GracefulRestart", "ForceRestart", "PushPowerButton", "Nmi"]}}},
        f"{SYSTEM}/Bios": {
            "@odata.type": "#Bios.v1_2_0.Bios", "Id": "Bios", "Name": "Bios", "AttributeRegistry": "BiosAttributeRegistry.v1_0_0",
            "Attributes": {"ProcVirtualization": "Disabled", "Sriov": "Disabled", "NumCores": 8, "Serial": "X", "Free": "text"},
            "@Redfish.Settings": {"SettingsObject": link(SETTINGS), "SupportedApplyTimes": ["OnReset", "Immediate"]},
            "Actions": {"#Bios.ResetBios": {"target": f"{SYSTEM}/Bios/Actions/Bios.ResetBios"}}},
        SETTINGS: {"@odata.type": "#Bios.v1_2_0.Bios", "Id": "Settings", "Name": "Settings", "Attributes": {}},
        f"{SYSTEM}/SecureBoot": {"@odata.type": "#SecureBoot.v1_1_0.SecureBoot", "Id": "SecureBoot", "Name": "SecureBoot",
                                 "SecureBootEnable": False, "SecureBootCurrentBoot": "Disabled"},
        f"{SYSTEM}/LogServices": collection(f"{SYSTEM}/LogServices", "LogServiceCollection", f"{SYSTEM}/LogServices/SEL"),
        f"{SYSTEM}/LogServices/SEL": {
            "@odata.type": "#LogService.v1_2_0.LogService", "Id": "SEL", "Entries": link(f"{SYSTEM}/LogServices/SEL/Entries"),
            "Actions": {"#LogService.ClearLog": {"target": f"{SYSTEM}/LogServices/SEL/Actions/LogService.ClearLog"}}},
        f"{SYSTEM}/LogServices/SEL/Entries": collection(
            f"{SYSTEM}/LogServices/SEL/Entries", "LogEntryCollection", *(f"{SYSTEM}/LogServices/SEL/Entries/{n}" for n in "123")),
        **{f"{SYSTEM}/LogServices/SEL/Entries/{n}": {"Id": n, "Severity": "OK" if n != "2" else "Critical"} for n in "123"},
        registry: {"@odata.type": "#AttributeRegistry.v1_3_0.AttributeRegistry", "Id": "BiosAttributeRegistry.v1_0_0",
                   "RegistryEntries": {"Attributes": [
                       {"AttributeName": "ProcVirtualization", "Type": "Enumeration", "DefaultValue": "Enabled",
                        "Value": [{"ValueName": "Enabled", "ValueDisplayName": "On"}, {"ValueName": "Disabled"}]},
                       {"AttributeName": "Sriov", "Type": "Enumeration",
                        "Value": [{"ValueName": "0", "ValueDisplayName": "Disabled"}, {"ValueName": "1",
                                                                                      "ValueDisplayName": "Enabled"}]},
                       {"AttributeName": "NumCores", "Type": "Integer", "LowerBound": 1, "UpperBound": 16},
                       {"AttributeName": "Serial", "Type": "String", "ReadOnly": True},
                       {"AttributeName": "Free", "Type": "String", "MaxLength": 5}]}},
        f"{ROOT}/Managers": collection(f"{ROOT}/Managers", "ManagerCollection", f"{ROOT}/Managers/BMC"),
        f"{ROOT}/Managers/BMC": {
            "@odata.type": "#Manager.v1_14_0.Manager", "Id": "BMC", "DateTime": "2024-01-01T00:00:00+00:00",
            "VirtualMedia": link(f"{ROOT}/Managers/BMC/VirtualMedia"),
            "Actions": {"#Manager.Reset": {"target": f"{ROOT}/Managers/BMC/Actions/Manager.Reset"}}},
        f"{ROOT}/Managers/BMC/VirtualMedia": collection(f"{ROOT}/Managers/BMC/VirtualMedia", "VirtualMediaCollection", CD),
        CD: {"@odata.type": "#VirtualMedia.v1_4_0.VirtualMedia", "Id": "CD", "Image": None, "ImageName": None, "Inserted": False,
             "ConnectedVia": "NotConnected", "WriteProtected": True, "MediaTypes": ["CD"], "Actions": {
                 "#VirtualMedia.InsertMedia": {"target": f"{CD}/Actions/VirtualMedia.InsertMedia"},
                 "#VirtualMedia.EjectMedia": {"target": f"{CD}/Actions/VirtualMedia.EjectMedia"}}},
        f"{ROOT}/AccountService": {"@odata.type": "#AccountService.v1_9_0.AccountService", "Id": "AccountService",
                                   "MinPasswordLength": 8, "MaxPasswordLength": 20, "Accounts": link(ACCOUNTS),
                                   "Roles": link(f"{ROOT}/AccountService/Roles")},
        ACCOUNTS: collection(ACCOUNTS, "ManagerAccountCollection", f"{ACCOUNTS}/1"),
        f"{ACCOUNTS}/1": {"@odata.type": "#ManagerAccount.v1_8_0.ManagerAccount", "Id": "1", "UserName": "root", "Enabled": True,
                          "RoleId": "Administrator", "Password": None, "PasswordChangeRequired": False},
        f"{ROOT}/AccountService/Roles": collection(
            f"{ROOT}/AccountService/Roles", "RoleCollection",
            *(f"{ROOT}/AccountService/Roles/{r}" for r in ("Administrator", "Operator", "ReadOnly"))),
        f"{ROOT}/TaskService": {"@odata.type": "#TaskService.v1_2_0.TaskService", "Id": "TaskService",
                                "Tasks": link(f"{ROOT}/TaskService/Tasks")},
        f"{ROOT}/TaskService/Tasks": collection(f"{ROOT}/TaskService/Tasks", "TaskCollection"),
        f"{ROOT}/EventService": {"@odata.type": "#EventService.v1_7_0.EventService", "Id": "EventService",
                                 "ServerSentEventUri": f"{ROOT}/EventService/SSE",
                                 "Subscriptions": link(f"{ROOT}/EventService/Subscriptions"), "Actions": {
                                     "#EventService.SubmitTestEvent": {
                                         "target": f"{ROOT}/EventService/Actions/EventService.SubmitTestEvent"}}},
        f"{ROOT}/EventService/Subscriptions": collection(f"{ROOT}/EventService/Subscriptions", "EventDestinationCollection"),
    }
    for path, doc in found.items():
        doc.setdefault("@odata.id", path)
    return found


def write_tree(folder: Path, docs: dict[str, dict[str, Any]] | None = None) -> Path:
    """The tree as files; folder itself."""
    for path, doc in (resources() if docs is None else docs).items():
        where = folder / path.strip("/")
        where.mkdir(parents=True, exist_ok=True)
        (where / "index.json").write_text(json.dumps(doc))
    return folder


@dataclass
class Client:
    """Asks a machine as its administrator; auth None = as nobody."""

    machine: Machine
    auth: tuple[str, str] | None = ("admin", "right")

    def ask(self, method: str, path: str, body: Any = None, **headers: str) -> Reply:
        told = {name.replace("_", "-"): value for name, value in headers.items()}
        if self.auth and "X-Auth-Token" not in told:
            told["Authorization"] = "Basic " + base64.b64encode(":".join(self.auth).encode()).decode()
        raw = b"" if body is None else body if isinstance(body, bytes) else json.dumps(body).encode()
        return self.machine.answer(Request(method, path, Headers(told.items()), raw))

    def get(self, path: str, **headers: str) -> Reply:
        return self.ask("GET", path, **headers)

    def json(self, path: str) -> Any:
        reply = self.get(path)
        assert reply.status == 200, reply
        return json.loads(reply.body) if isinstance(reply.body, bytes) else reply.body

    def patch(self, path: str, body: Any, **headers: str) -> Reply:
        return self.ask("PATCH", path, body, **headers)

    def post(self, path: str, body: Any = None, **headers: str) -> Reply:
        return self.ask("POST", path, {} if body is None else body, **headers)

    def delete(self, path: str, **headers: str) -> Reply:
        return self.ask("DELETE", path, **headers)


def ids(reply: Reply) -> list[str]:
    """The names of all messages in an error, without the registry."""
    return [i["MessageId"].rsplit(".", 1)[-1] for i in reply.body["error"]["@Message.ExtendedInfo"]]


def reset(client: Client, kind: str = "ForceRestart") -> Any:
    [(_, target)] = [(n, a["target"]) for n, a in client.machine.host.doc["Actions"].items() if n == "#ComputerSystem.Reset"]
    return client.post(target, {"ResetType": kind})


needs_trees = pytest.mark.skipif(not RECORDED.is_dir(), reason="recorded machines are not unpacked: see .ci/run")


def recorded(name: str, **options: Any) -> Client:
    """A client of the recorded machine of this name."""
    return Client(Machine(open_tree(RECORDED / name), "admin", "right", frozen=True, **options))
