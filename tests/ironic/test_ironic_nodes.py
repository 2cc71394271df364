"""The life of a node against a real Ironic (fake hardware)."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import pytest

from bpa.adapters.errors import AdapterError, Refused
from bpa.adapters.ironic import NodeSpec
from bpa.adapters.ironic.api import Api
from bpa.adapters.ironic.client import Ironic
from bpa.core.config_drive import FirstBoot, HostKey, render
from bpa.core.facts import Facts, NodeFacts
from bpa.core.host import enrolment, image
from bpa.core.secret import Secret
from bpa.core.steps import ClearMaintenance, Deploy, Enrol, SetProvisionState
from bpa.core.verdict import Act, Met, Stuck
from bpa.core.want import HostWant, Image

IMAGE = Image("http://127.0.0.1:1/debian.raw", "ab" * 32)
DRIVE = render(FirstBoot("h", "", HostKey(Secret("-----BEGIN PRIVATE"), "ssh-ed25519 AAAA"), ("ssh-ed25519 BBBB",)))
Settle = Callable[..., NodeFacts]


def raw(ironic: Ironic, name: str) -> dict[str, object]:
    found: dict[str, object] = ironic._api.call("GET", f"/nodes/{name}")
    return found


def test_a_node_that_is_not_there_is_seen_as_such(ironic: Ironic) -> None:
    assert ironic.look("nobody").provision_state == ""


def test_the_whole_life_of_a_node_driven_by_the_requirements(ironic: Ironic, spec: NodeSpec, settle: Settle) -> None:
    want = HostWant(spec.name, spec.bmc_address, spec.boot_mac, IMAGE, root_device=spec.root_device)
    taken: list[str] = []
    for _ in range(200):
        ironic.look_anew()
        have = Facts(node=ironic.look(spec.name))
        verdicts = (r.check(want, have) for r in (enrolment.ENROLLED, enrolment.INSPECTED, image.DEPLOYED))
        unmet = next((v for v in verdicts if not isinstance(v, Met)), None)
        if unmet is None:
            break
        if not isinstance(unmet, Act):
            continue
        taken.append(type(unmet.step).__name__ + getattr(unmet.step, "target", ""))
        match unmet.step:
            case Enrol():
                ironic.enrol(spec)
            case SetProvisionState(target):
                ironic.set_provision_state(spec.name, target)
            case Deploy() as step:
                ironic.deploy(spec.name, IMAGE, step.root_device, DRIVE, step.rebuild)
    assert taken == ["Enrol", "SetProvisionStatemanage", "SetProvisionStateinspect", "SetProvisionStateprovide", "Deploy"]
    node = ironic.look(spec.name)
    assert (node.provision_state, node.image_url, node.image_checksum) == ("active", IMAGE.url, IMAGE.checksum)
    assert node.current


def test_enrolling_twice_makes_one_node_and_one_port(ironic: Ironic, spec: NodeSpec) -> None:
    ironic.enrol(spec)
    first = ironic.look(spec.name)
    ironic.enrol(spec)
    assert ironic.look(spec.name) == first
    ports = ironic._api.call("GET", "/ports", params={"node_uuid": first.uuid})["ports"]
    assert [port["address"] for port in ports] == [spec.boot_mac]


def test_an_enrolment_cut_short_before_the_port_is_completed(ironic: Ironic, spec: NodeSpec) -> None:
    ironic.enrol(spec)
    uuid = ironic.look(spec.name).uuid
    port = ironic._api.call("GET", "/ports", params={"node_uuid": uuid})["ports"][0]
    ironic._api.call("DELETE", f"/ports/{port['uuid']}")
    ironic._api.call("PATCH", f"/nodes/{uuid}", [{"op": "remove", "path": "/extra/bpa/port"}])
    ironic.look_anew()
    assert not ironic.look(spec.name).current
    ironic.enrol(spec)
    assert ironic.look(spec.name).current
    assert len(ironic._api.call("GET", "/ports", params={"node_uuid": uuid})["ports"]) == 1


CHANGES = {
    "the BMC's password": {"password": Secret("second password")},
    "the boot MAC": {"boot_mac": "52:54:00:ff:ff:01"},
    "the root device": {"root_device": {"wwn": "s== 0x1"}},
    "a property": {"properties": {"cpu_arch": "x86_64"}},
    "an interface": {"interfaces": {"network_interface": "noop", "inspect_interface": "no-inspect"}},
}


@pytest.mark.parametrize("what", CHANGES)
def test_a_changed_document_is_noticed_and_carried_over(
    what: str, ironic: Ironic, spec: NodeSpec, documents: Any,
) -> None:
    ironic.enrol(spec)
    assert ironic.look(spec.name).current
    changed = replace(spec, **CHANGES[what])  # type: ignore[arg-type]
    documents.specs[spec.name] = changed
    assert not ironic.look(spec.name).current
    ironic.enrol(changed)
    assert ironic.look(spec.name).current
    ports = ironic._api.call("GET", "/ports", params={"node_uuid": ironic.look(spec.name).uuid})["ports"]
    assert [port["address"] for port in ports] == [changed.boot_mac]


def test_what_inspection_found_stays_when_the_document_changes(ironic: Ironic, spec: NodeSpec) -> None:
    ironic.enrol(spec)
    uuid = ironic.look(spec.name).uuid
    ironic._api.call("PATCH", f"/nodes/{uuid}", [{"op": "add", "path": "/properties/cpu_arch", "value": "x86_64"}])
    ironic.enrol(replace(spec, root_device={"wwn": "s== 0x1"}))
    assert raw(ironic, spec.name)["properties"] == {
        "cpu_arch": "x86_64", "capabilities": "boot_mode:uefi", "root_device": {"wwn": "s== 0x1"}}


def test_no_secret_is_readable_in_the_node(ironic: Ironic, spec: NodeSpec, settle: Settle) -> None:
    redfish = replace(spec, driver="redfish", interfaces={}, password=Secret("open sesame"))
    ironic.enrol(redfish)
    shown = str(raw(ironic, spec.name))
    assert "open sesame" not in shown
    assert "'redfish_username': 'admin'" in shown


def test_a_fleet_of_hosts_is_read_in_one_request(ironic: Ironic, spec: NodeSpec, monkeypatch: pytest.MonkeyPatch) -> None:
    ironic.enrol(spec)
    asked: list[str] = []
    call = Api.call

    def counting(self: Api, method: str, path: str, *args: object, **more: object) -> object:
        asked.append(f"{method} {path}")
        return call(self, method, path, *args, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(Api, "call", counting)
    ironic.look_anew()
    with ThreadPoolExecutor(16) as pool:
        assert len(list(pool.map(ironic.look, [spec.name] * 50))) == 50
    assert asked == ["GET /nodes/detail"]


def test_more_nodes_than_one_page_holds_are_all_seen(
    ironic: Ironic, spec: NodeSpec, monkeypatch: pytest.MonkeyPatch,
) -> None:
    second = replace(spec, name=spec.name + "-b", boot_mac=spec.boot_mac.replace("52:54:00", "52:54:01"))
    ironic.enrol(spec)
    ironic.enrol(second)
    monkeypatch.setattr("bpa.adapters.ironic.client.PAGE", 1)
    ironic.look_anew()
    assert {spec.name, second.name} <= set(ironic.names())


def test_one_mac_in_two_hosts_is_refused_with_ironics_words(ironic: Ironic, spec: NodeSpec) -> None:
    ironic.enrol(spec)
    with pytest.raises(Refused, match=spec.boot_mac):
        ironic.enrol(replace(spec, name=spec.name + "-twin"))


def test_a_node_of_somebody_else_with_our_name_is_left_alone(ironic: Ironic, spec: NodeSpec) -> None:
    ironic._api.call("POST", "/nodes", {"name": spec.name, "driver": "redfish", "driver_info": {
        "redfish_address": "https://198.51.100.7"}})
    with pytest.raises(Refused, match=r"198\.51\.100\.7"):
        ironic.enrol(replace(spec, driver="redfish", interfaces={}))
    assert raw(ironic, spec.name)["extra"] == {}


def test_a_verb_that_the_state_does_not_allow_is_refused(ironic: Ironic, spec: NodeSpec) -> None:
    ironic.enrol(spec)
    with pytest.raises(Refused, match="active"):
        ironic.deploy(spec.name, IMAGE, {}, DRIVE)


def test_a_verb_for_an_unknown_node_is_refused(ironic: Ironic) -> None:
    with pytest.raises(Refused, match="nobody"):
        ironic.set_provision_state("nobody", "manage")


def test_maintenance_of_a_person_stops_us_and_is_told(ironic: Ironic, spec: NodeSpec, settle: Settle) -> None:
    ironic.enrol(spec)
    ironic.set_provision_state(spec.name, "manage")
    node = settle(spec.name, "manageable")
    ironic._api.call("PUT", f"/nodes/{node.uuid}/maintenance", {"reason": "fan is loud"})
    ironic.look_anew()
    want = HostWant(spec.name, spec.bmc_address, spec.boot_mac, IMAGE)
    verdict = enrolment.check_enrolled(want, Facts(node=ironic.look(spec.name)))
    assert isinstance(verdict, Stuck) and "fan is loud" in verdict.reason
    ironic.clear_maintenance(spec.name)
    assert not ironic.look(spec.name).maintenance


def test_a_wrong_bmc_password_stops_at_once_and_a_corrected_one_is_tried(
    ironic: Ironic, spec: NodeSpec, documents: Any, settle: Settle, closed_bmc: str,
) -> None:
    want = HostWant(spec.name, spec.bmc_address, spec.boot_mac, IMAGE)
    real = replace(spec, driver="redfish", interfaces={}, bmc_address=closed_bmc, system="/redfish/v1/Systems/1")
    documents.specs[spec.name] = real
    ironic.enrol(real)
    ironic.set_provision_state(spec.name, "manage")
    settle(spec.name, "verifying", "enroll")
    node = settle(spec.name, "enroll")
    verdict = enrolment.check_enrolled(want, Facts(node=node))
    assert isinstance(verdict, Stuck) and "credentialsName" in verdict.advice
    documents.specs[spec.name] = replace(real, password=Secret("another"))
    ironic.enrol(documents.specs[spec.name])
    node = ironic.look(spec.name)
    assert enrolment.check_enrolled(want, Facts(node=node)) == Act(SetProvisionState("manage"))
    ironic.set_provision_state(spec.name, "manage")
    settle(spec.name, "verifying", "enroll")
    node = settle(spec.name, "enroll")
    assert isinstance(enrolment.check_enrolled(want, Facts(node=node)), Stuck)
    ironic.acknowledge(spec.name)
    node = ironic.look(spec.name)
    assert enrolment.check_enrolled(want, Facts(node=node)) == Act(SetProvisionState("manage"))


def test_a_fault_of_ironics_own_is_cleared(spec: NodeSpec) -> None:
    want = HostWant(spec.name, spec.bmc_address, spec.boot_mac, IMAGE)
    node = NodeFacts("active", maintenance=True, fault="power failure", maintenance_reason="lost the BMC")
    verdict = enrolment.check_enrolled(want, Facts(node=node))
    assert verdict == Act(ClearMaintenance(), "power failure: lost the BMC")


def test_rebuild_writes_another_image_over_the_first(ironic: Ironic, spec: NodeSpec, settle: Settle) -> None:
    ironic.enrol(spec)
    for verb, state in (("manage", "manageable"), ("provide", "available")):
        ironic.set_provision_state(spec.name, verb)  # type: ignore[arg-type]
        settle(spec.name, state)
    ironic.deploy(spec.name, IMAGE, {"serial": "s== DISK"}, DRIVE)
    settle(spec.name, "active")
    other = Image("http://127.0.0.1:1/other.raw", "SHA512:" .lower() + "cd" * 64, "sha512")
    ironic.deploy(spec.name, other, {"serial": "s== DISK"}, DRIVE, rebuild=True)
    node = settle(spec.name, "active")
    assert node.image_url == other.url and image.same_image(node, other)
    info = raw(ironic, spec.name)["instance_info"]
    assert isinstance(info, dict) and info["image_os_hash_algo"] == "sha512" and info["root_device"] == {"serial": "s== DISK"}
    assert "BEGIN PRIVATE" not in str(info)


def test_restart_and_removal(ironic: Ironic, spec: NodeSpec, settle: Settle) -> None:
    ironic.enrol(spec)
    ironic.set_provision_state(spec.name, "manage")
    settle(spec.name, "manageable")
    ironic.restart(spec.name)
    settle(spec.name, "manageable")
    try:
        ironic.remove(spec.name)
    except AdapterError:  # the restart may still hold the node
        settle(spec.name, "manageable")
        ironic.remove(spec.name)
    assert ironic.look(spec.name).provision_state == ""
    ironic.remove(spec.name)
