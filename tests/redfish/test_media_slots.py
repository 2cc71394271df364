"""Which slot an image goes into and how that is found out, what is planned, and virtual media that is switched off."""

from __future__ import annotations

from typing import Any

import pytest
from media_stub import IMAGE, SLOTS, Box, put, reach, refusal, take, with_media
from stub_bmc import ROOT, Reply, StubBmc, serve

from bpa.adapters.errors import Refused, Unsupported
from bpa.adapters.redfish.media.inserting import plan_insert, slots
from bpa.adapters.redfish.media.ways import Medium
from bpa.core.secret import Secret


def test_without_types_the_id_decides_and_what_says_nothing_is_not_guessed() -> None:
    cd, hd = Box("CD1", types=None), Box("HD1", types=None)
    assert put(with_media(hd, cd)).slot.id == "CD1"
    assert put(with_media(Box("Slot_0", types=None))).slot.id == "Slot_0", "there is no other"
    with pytest.raises(Unsupported, match="no slot for cd: 1: it does not say what it takes; 2: it does not"):
        put(with_media(Box("1", types=None), Box("2", types=None)))
    assert put(with_media(Box("1", types=None), Box("2", types=None)), slot="2").slot.id == "2"


def test_slots_of_the_console_are_passed_over() -> None:
    boxes = [Box("RDOC1", way="patch"), Box("Remote1", way="patch"), Box("EXT1", way="patch")]
    assert put(with_media(*boxes)).slot.id == "EXT1"
    web, url = Box("Slot_0", way="none"), Box("Slot_1")
    stub = with_media(web, url)
    assert put(stub).slot.id == "Slot_1"
    with serve(stub), reach(stub) as target:
        assert [(s.way, "console" in s.why) for s in slots(target)] == [("none", True), ("action", False)]


def test_the_allow_header_tells_whether_patch_will_do() -> None:
    with pytest.raises(Unsupported, match="does not allow PATCH"):
        put(with_media(Box("CD", way="none", allow="GET, HEAD")))
    put(with_media(Box("CD", way="patch", allow="GET, HEAD, PATCH")))


@pytest.mark.parametrize("image", ["live.iso", "http://", "http://h/a b", "http://u:secret@192.0.2.1/x.iso", "http://[x/y"])
def test_what_is_no_url_or_carries_credentials_is_refused_before_anything_is_asked(image: str) -> None:
    stub = with_media(Box("CD"))
    with pytest.raises(Refused) as refused:
        put(stub, Medium(image))
    assert stub.log == []
    assert "secret" not in str(refused.value)


def test_a_plan_shows_the_requests_and_sends_none() -> None:
    box = Box("CD", image="http://192.0.2.9/other.iso")
    stub = with_media(box)
    with serve(stub), reach(stub) as target:
        plan = plan_insert(target, Medium(IMAGE, "u", Secret("p")), force=True)
    assert box.sent == []
    assert [(r.method, r.path.rsplit(".", 1)[-1]) for r in plan.requests] == [("POST", "EjectMedia"), ("POST", "InsertMedia")]
    assert "p" not in repr(plan).split("Secret")[1][:5].replace("***", "")


def test_a_machine_without_virtual_media_says_so() -> None:
    stub = with_media()
    with serve(stub), reach(stub) as target, pytest.raises(Unsupported, match="shows no virtual media slots"):
        slots(target)


def test_supermicro_x10_writes_where_the_image_is_and_mounts_it() -> None:
    stub = with_media()
    assert isinstance(stub.resources, dict)
    config = f"{ROOT}/Managers/1/VM1/CfgCD"
    state: dict[str, Any] = {"Host": "", "Path": "", "in": False}
    base = stub.resources

    def fault(bmc: StubBmc, request: Any) -> Reply | None:
        if request.key == config.lower() and request.method == "PATCH":
            state.update(request.body)
            return Reply(200, {})
        if "isoconfig" in request.key:
            state["in"] = "unmount" not in request.key
            return Reply(200, {"Success": {}})
        if request.key == config.lower():
            return Reply(200, {**state, "Actions": {
                f"#IsoConfig.{a}": {"target": f"{config}/Actions/IsoConfig.{a}"} for a in ("Mount", "UnMount")}})
        if request.key == SLOTS.lower():
            members = [{"@odata.id": f"{ROOT}/Managers/1/VM1/CD1"}] if state["in"] else []
            return Reply(200, {"Members": members, "Oem": {"Supermicro": {"VirtualMediaConfig": {"@odata.id": config}}}})
        return None

    base[f"{ROOT}/managers/1/vm1/cd1"] = {"Id": "CD1", "Inserted": True, "ConnectedVia": "URI"}
    stub.fault = fault
    done = put(stub)
    assert (done.slot.image, done.slot.why) == (IMAGE, "Oem IsoConfig.Mount")
    assert (state["Host"], state["Path"]) == ("http://192.0.2.1:8080", "/images/live.iso")
    assert take(stub) == ["CfgCD"]
    assert state["in"] is False


@pytest.mark.parametrize(
    ("message_id", "said", "advice"),
    [
        ("IDRAC.2.7.VRM0021", "Virtual Media is detached or Virtual Media devices are already in use.", "AutoAttach"),
        ("iLO.2.15.LicenseKeyRequired", "An appropriate license key is required.", "install a BMC licence"),
        ("Base.1.8.ResourceAtUriUnauthorized", "no access", "the BMC itself can fetch the image"),
        ("Base.1.8.GeneralError", "no", "the BMC can fetch the image"),
    ],
)
def test_what_to_do_is_told(message_id: str, said: str, advice: str) -> None:
    with pytest.raises(Refused) as refused:
        put(with_media(Box("CD", refuses=lambda b: refusal(400, message_id, said))))
    assert advice in refused.value.advice


def off_as_shipped(box: Box) -> tuple[StubBmc, list[Any]]:
    """AMI MegaRAC: no slots until remote media is enabled."""
    stub = with_media(box)
    inner, sent = stub.fault, []
    enable = f"{ROOT}/Managers/Self/Actions/Oem/AMIVirtualMedia.EnableRMedia"
    assert isinstance(stub.resources, dict)
    resources = stub.resources
    manager = resources[f"{ROOT}/managers/1"]
    manager["Actions"] = {"Oem": {"#AMIVirtualMedia.EnableRMedia": {"target": enable}}}
    manager["Oem"] = {"Ami": {"VirtualMedia": {"RMediaStatus": "Disabled"}}}
    members = resources[SLOTS.lower()]["Members"]
    resources[SLOTS.lower()]["Members"] = []

    def fault(bmc: StubBmc, request: Any) -> Reply | None:
        if request.path != enable:
            return inner(bmc, request)
        sent.append(request.body)
        resources[SLOTS.lower()]["Members"] = members
        manager["Oem"]["Ami"]["VirtualMedia"]["RMediaStatus"] = "Enabled"
        return Reply(204)

    stub.fault = fault
    return stub, sent


def test_media_that_is_off_as_a_whole_is_switched_on_only_when_told() -> None:
    box = Box("CD1")
    stub, sent = off_as_shipped(box)
    with pytest.raises(Refused, match=r"virtual media is switched off \(POST .*EnableRMedia switches it on\)"):
        put(stub)
    assert sent == []
    assert put(stub, enable=True).slot.holds(IMAGE)
    assert sent == [{"RMediaState": "Enable"}]
    assert put(stub, enable=True).changed is False
    assert len(sent) == 1


def test_a_virtual_media_service_that_is_off_is_told() -> None:
    stub = with_media(Box("CD"))
    assert isinstance(stub.resources, dict)
    stub.resources[f"{ROOT}/systems/1"]["VirtualMediaConfig"] = {"ServiceEnabled": False}
    with pytest.raises(Refused, match="virtual media is switched off"):
        put(stub)
