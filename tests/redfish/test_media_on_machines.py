"""Virtual media on every recorded machine that behaves: slots as they are, an image in, booted from, and out."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from media_stub import IMAGE, patience
from stub_bmc import RECORDED

from bpa.adapters.errors import Refused, Unsupported
from bpa.adapters.redfish import BmcAccess
from bpa.adapters.redfish.media.inserting import eject, insert, inserted, slots
from bpa.adapters.redfish.media.ways import Medium
from bpa.adapters.redfish.target import Target
from bpa.cli.bmc import bmc as group
from bpa.core.secret import Secret
from bpa.lab.recorded import Emulated, serve

pytestmark = pytest.mark.skipif(
    not RECORDED.is_dir(), reason="recorded machines are not unpacked: see .ci/run, it unpacks them into .recorded"
)

# Read off the recorded resources by hand: slot -> (kinds it takes, way).
SLOTS: dict[str, dict[str, tuple[str, str]]] = {
    "dell-r750-idrac9-6.00.30.00": {
        "1": ("CD DVD USBStick", "action"), "2": ("CD DVD USBStick", "action"),
        "RemovableDisk": ("USBStick", "action"), "CD": ("CD DVD", "action"),
    },
    "hpe-dl385g10plusv2-ilo5-2.72": {"1": ("Floppy USBStick", "action"), "2": ("CD DVD", "action")},
    "lenovo-sr670v2-xcc-2.83": dict.fromkeys(
        ("EXT1", "EXT2", "EXT3", "EXT4", "RDOC1", "RDOC2", "Remote1", "Remote2", "Remote3", "Remote4"),
        ("CD DVD Floppy USBStick", "patch"),
    ),
    "supermicro-sys821ge-bmc-11.01.01": {
        f"VirtualMedia{n}": ("CD DVD Floppy USBStick", "action") for n in (1, 2, 3)
    },
    "dmtf-public-rackmount1-2022.3": {"Floppy1": ("Floppy USBStick", "patch"), "CD1": ("CD DVD", "patch")},
}
NONE = ("intel-s2600bpb-bmc-1.93", "openbmc-stock-2.15")
# The slot that an ISO goes into, and the request that puts it there.
FIRST: dict[str, tuple[str, str, str]] = {
    "dell-r750-idrac9-6.00.30.00": ("1", "POST", "/Systems/System.Embedded.1/VirtualMedia/1/Actions/VirtualMedia.InsertMedia"),
    "hpe-dl385g10plusv2-ilo5-2.72": ("2", "POST", "/Managers/1/VirtualMedia/2/Actions/VirtualMedia.InsertMedia"),
    "lenovo-sr670v2-xcc-2.83": ("EXT", "PATCH", "/Systems/1/VirtualMedia/EXT"),
    "supermicro-sys821ge-bmc-11.01.01": ("VirtualMedia1", "POST",
                                         "/Managers/1/VirtualMedia/VirtualMedia1/Actions/VirtualMedia.InsertMedia"),
}


@pytest.fixture
def bmc(request: pytest.FixtureRequest) -> Iterator[Emulated]:
    with serve(RECORDED / request.param) as emulated:
        yield emulated


def reach(bmc: Emulated) -> Target:
    return Target(BmcAccess(bmc.address, "admin", Secret("right")))


def writes(bmc: Emulated) -> list[Any]:
    return [r for r in bmc.log if r.method != "GET" and "Session" not in r.path]


@pytest.mark.parametrize("bmc", SLOTS, indirect=True)
def test_the_slots_are_those_of_the_machine(bmc: Emulated, request: pytest.FixtureRequest) -> None:
    with reach(bmc) as target:
        found = {s.id: (" ".join(sorted(s.types)), s.way) for s in slots(target)}
    assert found == SLOTS[request.node.callspec.params["bmc"]]


@pytest.mark.parametrize("bmc", NONE, indirect=True)
def test_a_machine_without_slots_says_so(bmc: Emulated) -> None:
    with reach(bmc) as target, pytest.raises(Unsupported, match="shows no virtual media slots"):
        slots(target)


@pytest.mark.parametrize("bmc", FIRST, indirect=True)
def test_an_image_goes_in_is_there_and_comes_out(bmc: Emulated, request: pytest.FixtureRequest) -> None:
    slot, method, path = FIRST[request.node.callspec.params["bmc"]]
    with reach(bmc) as target:
        done = insert(target, Medium(IMAGE), waiting=patience())
        assert (done.changed, done.slot.id[: len(slot)], done.slot.image) == (True, slot, IMAGE)
        (sent,) = writes(bmc)
        assert sent.method == method
        assert sent.path.lower().startswith(f"/redfish/v1{path}".lower())
        assert sent.body["Image"] == IMAGE
        assert insert(target, Medium(IMAGE), waiting=patience()).changed is False
        assert len(writes(bmc)) == 1
        other = Medium("http://192.0.2.1/other.iso")
        with pytest.raises(Refused, match=f"is free: {done.slot.id} holds {IMAGE}"):
            insert(target, other, slot=done.slot.id, waiting=patience())
        assert insert(target, other, slot=done.slot.id, force=True, waiting=patience()).slot.holds(other.image)
        assert [s.id for s in eject(target, waiting=patience())] == [done.slot.id]
        assert not any(s.occupied for s in slots(target))
        assert eject(target, waiting=patience()) == ()


@pytest.mark.parametrize("bmc", FIRST, indirect=True)
def test_writable_usb_sticks_are_asked_for_and_what_is_refused_is_told(bmc: Emulated) -> None:
    with reach(bmc) as target:
        done = insert(target, Medium(IMAGE, write_protected=False), kind="usb", waiting=patience())
        assert done.slot.holds(IMAGE)
        refused = [r for r in writes(bmc) if r.status >= 400]
        assert len(refused) == len(done.notes)


@pytest.mark.parametrize("bmc", [name for name, first in FIRST.items() if first[1] == "POST"], indirect=True)
@pytest.mark.parametrize("wanted", ["TransferProtocolType", "TransferMethod", "UserName"])
def test_a_bmc_that_wants_more_gets_it(bmc: Emulated, wanted: str) -> None:
    bmc.fault(f"media-needs={wanted}")
    with reach(bmc) as target:
        done = insert(target, Medium(IMAGE), waiting=patience())
    assert any(f"wants {wanted}" in note for note in done.notes)


@pytest.mark.parametrize("bmc", FIRST, indirect=True)
def test_a_medium_that_will_not_come_out_is_told(bmc: Emulated) -> None:
    with reach(bmc) as target:
        insert(target, Medium(IMAGE), waiting=patience())
        bmc.fault("stale-media")
        with pytest.raises(Refused, match="still holds the medium after 20 s"):
            eject(target, waiting=patience())


@pytest.mark.parametrize("bmc", FIRST, indirect=True)
def test_it_is_out_after_a_failure(bmc: Emulated) -> None:
    with reach(bmc) as target:
        with pytest.raises(ZeroDivisionError), inserted(target, Medium(IMAGE), waiting=patience()):
            raise ZeroDivisionError
        assert not any(s.occupied for s in slots(target))


@pytest.mark.parametrize("bmc", ["dmtf-public-rackmount1-2022.3"], indirect=True)
def test_a_medium_of_the_remote_console_is_not_thrown_out_unasked(bmc: Emulated) -> None:
    with reach(bmc) as target:
        with pytest.raises(Refused, match=r"CD1 holds redfish.dmtf.org/freeImages/freeOS.1.1.iso"):
            insert(target, Medium(IMAGE), waiting=patience())
        assert writes(bmc) == []
        assert insert(target, Medium(IMAGE), force=True, waiting=patience()).slot.holds(IMAGE)


@pytest.mark.parametrize("bmc", FIRST, indirect=True)
def test_a_machine_is_booted_from_an_image_with_one_command(
    bmc: Emulated, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name, value in (("BPA_BMC_USER", "admin"), ("BPA_BMC_PASSWORD", "right"), ("HOME", str(tmp_path)),
                        ("XDG_STATE_HOME", str(tmp_path))):
        monkeypatch.setenv(name, value)
    ran = CliRunner().invoke(group, ["media", bmc.address, "boot", IMAGE, "--restart"])
    assert ran.exit_code == 0, (ran.output, ran.exception)
    boots = [r.body["Boot"] for r in writes(bmc) if r.method == "PATCH" and "Boot" in r.body]
    due = "UsbCd" if "supermicro" in request.node.callspec.params["bmc"] else "Cd"
    assert [b["BootSourceOverrideTarget"] for b in boots] == [due]
    assert boots[0]["BootSourceOverrideEnabled"] == "Once"
    assert [r.body["ResetType"] for r in writes(bmc) if "ComputerSystem.Reset" in r.path]
    assert "right" not in ran.output
