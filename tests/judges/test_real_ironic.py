"""Real Ironic works on every recorded machine that behaves: what a user of Ironic does first, seen on the machine."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any

import pytest
from machines import MACHINES, PASSWORD, RECORDED, USER, Machine
from outside_ironic import OutsideIronic, Said

from bpa.adapters.ironic_service import EmbeddedIronic, Running
from bpa.lab.recorded import serve

pytestmark = pytest.mark.skipif(not RECORDED.is_dir(), reason="recorded machines are not unpacked: see .ci/run")
IMAGE = "installer.iso"
PATIENCE = {
    # How often Ironic looks after what it waits for; each default is a minute and more.
    "redfish": {"firmware_update_status_interval": "1", "post_boot_retry_delay": "1"},
}


def free_ports(count: int) -> list[int]:
    with ExitStack() as stack:
        sockets = [stack.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in range(count)]
        return [int(one.getsockname()[1]) for one in sockets]


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    api, http = free_ports(2)
    place = tmp_path_factory.mktemp("ironic")
    # Ironic asks the image's server whether it is there before it tells a BMC to fetch it.
    (place / IMAGE).write_bytes(bytes(4096))
    service = EmbeddedIronic(place / "state", "127.0.0.1", serve={IMAGE: place / IMAGE}, api_port=api, http_port=http,
                             extra=PATIENCE)
    try:
        yield service.ensure()
    finally:
        service.stop()


@pytest.fixture(scope="module")
def ironic(running: Running) -> OutsideIronic:
    return OutsideIronic(running.api_url, running.username, running.password.reveal())


@dataclass(frozen=True)
class Enrolled:
    machine: Machine
    bmc: Any
    name: str

    @contextmanager
    def may(self, verb: str) -> Iterator[None]:
        """The body works; where Ironic itself cannot do it on this machine, it says what machines.yaml says."""
        if verb not in self.machine.ironic:
            yield
            return
        with pytest.raises(Said, match=self.machine.ironic[verb][0]):
            yield


@pytest.fixture(scope="module", params=MACHINES)
def node(request: pytest.FixtureRequest, ironic: OutsideIronic) -> Iterator[Enrolled]:
    machine = MACHINES[request.param]
    with serve(machine.tree, username=USER, password=PASSWORD) as bmc:
        ironic.enrol(machine.name, bmc.address, machine.system, USER, PASSWORD)
        try:
            assert ironic.move(machine.name, "manage")["provision_state"] == "manageable"
            yield Enrolled(machine, bmc, machine.name)
        finally:
            ironic.ask("DELETE", f"/nodes/{machine.name}")


def test_ironic_manages_it_and_sees_its_power(ironic: OutsideIronic, node: Enrolled) -> None:
    assert ironic.node(node.name)["power_state"] == f"power {node.machine.read(node.machine.system)['PowerState']}".lower()


def test_ironic_inspects_it_out_of_band(ironic: OutsideIronic, node: Enrolled) -> None:
    try:
        with node.may("inspect"):
            ironic.move(node.name, "inspect")
            inventory = ironic.ask("GET", f"/nodes/{node.name}/inventory")["inventory"]
            system = node.machine.read(node.machine.system)
            assert inventory["system_vendor"]["serial_number"] == system["SerialNumber"]
    finally:
        ironic.back(node.name)


def test_what_ironic_misses_next_on_a_machine_that_is_mended(ironic: OutsideIronic) -> None:
    # With the Id that the specification requires, the drive is read; a machine that lists no interface is none to Ironic.
    machine = MACHINES["intel-s2600bpb-bmc-1.93"]
    with serve(machine.tree, username=USER, password=PASSWORD, mend=True) as bmc:
        ironic.enrol("mended", bmc.address, machine.system, USER, PASSWORD)
        ironic.move("mended", "manage")
        with pytest.raises(Said, match="no valid network interfaces"):
            ironic.move("mended", "inspect")
        ironic.back("mended")
        ironic.ask("DELETE", "/nodes/mended")


def test_ironic_sets_its_bios(ironic: OutsideIronic, node: Enrolled) -> None:
    if not node.machine.bios:
        assert ironic.bios(node.name) == {}
        return
    wanted = dict(node.machine.bios)
    before = {key: ironic.bios(node.name)[key]["value"] for key in wanted}
    try:
        with node.may("bios"):
            ironic.clean(node.name, "bios", "apply_configuration",
                         {"settings": [{"name": key, "value": value} for key, value in wanted.items()]})
            now = ironic.bios(node.name)
            assert {key: now[key]["value"] for key in wanted} == {key: str(value) for key, value in wanted.items()} != before
            assert {key: node.bmc.machine.bios[key] for key in wanted} == wanted
    finally:
        ironic.back(node.name)


def test_ironic_attaches_and_detaches_virtual_media(ironic: OutsideIronic, running: Running, node: Enrolled) -> None:
    image = running.images[IMAGE]
    with node.may("vmedia"):
        before = _inserted(node)
        said = [slot["image"] for slot in ironic.attach(node.name, image) if slot["inserted"]]
        new, = _inserted(node) - before
        # Ironic serves the image under a name of its own.
        assert new in said and new.endswith(".iso")
        assert new not in [slot["image"] for slot in ironic.detach(node.name) if slot["inserted"]]
        assert new not in _inserted(node)


def test_ironic_switches_it_off_and_on(ironic: OutsideIronic, node: Enrolled) -> None:
    with node.may("power"):
        for target in ("power off", "power on"):
            assert ironic.power(node.name, target) == target
            assert node.bmc.machine.power == target.removeprefix("power ").capitalize()


def _inserted(node: Enrolled) -> set[str]:
    return {slot.image for slot in node.bmc.machine.media.values() if slot.inserted}
