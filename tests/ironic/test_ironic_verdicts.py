"""What the requirements about the Ironic node say, for every provision state that Ironic knows."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from ironic.common import states

from bpa.adapters.ironic.node import ramdisk_due
from bpa.core.facts import BmcFacts, Drive, Facts, Inventory, NodeFacts
from bpa.core.host import enrolment, hardware, image
from bpa.core.host.ironic_states import CAUSES, UNDER_WAY, cause_of
from bpa.core.steps import ClearMaintenance, Deploy, Enrol, SetProvisionState
from bpa.core.verdict import Act, Met, Stuck, Verdict, Wait
from bpa.core.want import HostWant, Image, Minimum, Profile

GIB = 1024**3
IMAGE = Image("http://images/debian.raw", "ab" * 32)
OTHER = replace(IMAGE, url="http://images/other.raw")
DISK = Drive("/dev/sda", "LABDISK0", 8 * GIB)
SEEN = Inventory(2, 3072, "SER1", (DISK,), {"52:54:00:00:00:01": "172.22.0.10"})
WANT = HostWant("h", "https://bmc", "52:54:00:00:00:01", IMAGE, root_device={"serial": "s== LABDISK0"}, serial="SER1",
                profile=Profile(minimum=Minimum(2, 2 * GIB, 4 * GIB)))
DEPLOY = Deploy(IMAGE.url, IMAGE.checksum, "disk with serial LABDISK0", False, {"serial": "s== LABDISK0"})


def node(state: str, error: str = "", **more: object) -> NodeFacts:
    given = {"inventory": SEEN} | more
    return NodeFacts(state, uuid="12345678-9", last_error=error, **given)  # type: ignore[arg-type]


def first_unmet(facts: Facts, want: HostWant = WANT) -> tuple[str, Verdict]:
    """As the walk sees it: the first of the four that does not hold."""
    for requirement in (enrolment.ENROLLED, enrolment.INSPECTED, hardware.FITS, image.DEPLOYED):
        verdict = requirement.check(want, facts)
        if not isinstance(verdict, Met):
            return requirement.condition, verdict
    return "", Met()


def step_of(facts: Facts, want: HostWant = WANT) -> object:
    verdict = first_unmet(facts, want)[1]
    return verdict.step if isinstance(verdict, Act) else type(verdict)


STEPS: list[tuple[str, NodeFacts, object]] = [
    ("no node", NodeFacts(""), Enrol("h")),
    ("just enrolled", node("enroll", inventory=None), SetProvisionState("manage")),
    ("BMC answered 503 for a moment", node("enroll", "HTTP 503 Service Unavailable", inventory=None),
     SetProvisionState("manage")),
    ("BMC refused the password", node("enroll", "AccessError: HTTP GET returned code 401", inventory=None), Stuck),
    ("BMC's certificate unknown", node("enroll", "CERTIFICATE_VERIFY_FAILED", inventory=None), Stuck),
    ("changed document", node("manageable", current=False), Enrol("h")),
    ("changed document in mid-deploy", node("wait call-back", current=False), Wait),
    ("changed document after a failure", node("deploy failed", "checksum", current=False), Enrol("h")),
    ("managed, never inspected", node("manageable", inventory=None), SetProvisionState("inspect")),
    ("available, never inspected", node("available", inventory=None), SetProvisionState("manage")),
    ("inspected", node("manageable"), SetProvisionState("provide")),
    ("inspection failed", node("inspect failed", "Timeout reached", inventory=None), SetProvisionState("manage")),
    ("inspection failed again", node("inspect failed", "Timeout reached", inventory=None, retries=1), Stuck),
    ("inspection failed, dealt with", node("inspect failed", inventory=None, retries=1), SetProvisionState("manage")),
    ("available", node("available"), DEPLOY),
    ("deployed", node("active", image_url=IMAGE.url, image_checksum=IMAGE.checksum), Met),
    ("deployed, checksum spelled otherwise",
     node("active", image_url=IMAGE.url, image_checksum="sha256:" + IMAGE.checksum.upper()), Met),
    ("deployed without inspection", node("active", image_url=IMAGE.url, image_checksum=IMAGE.checksum, inventory=None),
     Met),
    ("another image", node("active", image_url=OTHER.url, image_checksum=IMAGE.checksum), replace(DEPLOY, rebuild=True)),
    ("same URL, new checksum", node("active", image_url=IMAGE.url, image_checksum="cd" * 32),
     replace(DEPLOY, rebuild=True)),
    ("deploy failed", node("deploy failed", "no", image_url=IMAGE.url, image_checksum=IMAGE.checksum), Stuck),
    ("deploy failed, document fixed since", node("deploy failed", "checksum", image_url=IMAGE.url, image_checksum="1"),
     DEPLOY),
    ("deploy failed, dealt with", node("deploy failed", image_url=IMAGE.url, image_checksum=IMAGE.checksum), DEPLOY),
    ("Ironic died in mid-deploy", node(
        "deploy failed", "The deploying operation can't be resumed by conductor bpa. Moving to fail state.",
        image_url=IMAGE.url, image_checksum=IMAGE.checksum), DEPLOY),
    ("clean failed", node("clean failed", "no", maintenance=True, fault="clean failure"), Stuck),
    ("clean failed, dealt with", node("clean failed", maintenance=True, fault="clean failure"), ClearMaintenance()),
    ("clean failed, out of maintenance", node("clean failed"), SetProvisionState("manage")),
    ("undeploy failed", node("error", "no"), Stuck), ("undeploy failed, dealt with", node("error"), SetProvisionState("deleted")),
    ("adoption failed", node("adopt failed", "no"), Stuck),
    ("power lost", node("active", maintenance=True, fault="power failure"), ClearMaintenance()),
    ("maintenance by a person", node("manageable", maintenance=True, maintenance_reason="fan"), Stuck),
    ("rescue", node("rescue"), Stuck), ("rescue failed", node("rescue failed", "no"), Stuck),
    ("held", node("deploy hold"), Stuck), ("service failed", node("service failed", "no"), Stuck),
    ("a state of the future", node("levitating"), Stuck),
]


@pytest.mark.parametrize(("facts", "step"), [(f, s) for _, f, s in STEPS], ids=[name for name, _, _ in STEPS])
def test_what_is_done_about_a_node(facts: NodeFacts, step: object) -> None:
    assert step_of(Facts(node=facts)) == step


@pytest.mark.parametrize("state", sorted(str(s) for s in states.ALL_STATES))
@pytest.mark.parametrize("error", ["", "some error"])
def test_every_state_of_ironic_is_known_and_judged_by_every_requirement(state: str, error: str) -> None:
    for inventory in (None, SEEN):
        facts = Facts(node=node(state, error, inventory=inventory))
        for requirement in (enrolment.ENROLLED, enrolment.INSPECTED, hardware.FITS, image.DEPLOYED):
            verdict = requirement.check(WANT, facts)
            assert isinstance(verdict, (Met, Act, Wait, Stuck))
            assert not isinstance(verdict, Wait) or 0 < verdict.seconds <= 10
            assert not isinstance(verdict, Stuck) or (verdict.reason and verdict.advice)
        if state not in ("deleted", "deploy complete"):  # never shown as a node's state
            assert "does not know" not in str(first_unmet(facts))


@pytest.mark.parametrize("state", sorted(states.UNSTABLE_STATES))
def test_nothing_is_done_while_ironic_is_at_work(state: str) -> None:
    assert state in UNDER_WAY
    assert step_of(Facts(node=node(state))) is Wait


@pytest.mark.parametrize("state", sorted(states.FAILURE_STATES | {"error"}))
def test_a_failure_is_told_in_ironics_words_with_advice(state: str) -> None:
    _, verdict = first_unmet(Facts(node=node(state, "the fan fell off", retries=1, image_url=IMAGE.url,
                                             image_checksum=IMAGE.checksum)))
    assert isinstance(verdict, Stuck) and "the fan fell off" in verdict.reason and verdict.advice


CAUSES_SEEN = [
    ("Agent returned error for deploy step write_image: Error performing deploy_step write_image: Image failed to verify "
     "against checksum. location: /dev/sda; image ID: /tmp/x; image checksum: aa; verification checksum: bb",
     "image.checksum", "did not boot it"),
    ("Failed to prepare to deploy: Validation of image href http://x/a.raw failed, reason: Got HTTP code 404 instead of 200",
     "image.url", ""),
    ("Error downloading image: Download of image x failed: URL: http://x; time: 3 seconds. Error: timed out", "image.url", ""),
    ("Unable to write image to device /dev/sda. Error: [Errno 28] No space left on device", "larger disk", "part of the"),
    ("No suitable device was found for deployment using these hints {'serial': 's== X'}", "rootDeviceHints", "no disk"),
    ("Timeout reached while waiting for callback for node 1", "console", ""),
    ("Failed to get power state. Error: Redfish exception: AccessError: HTTP GET returned 401", "credentialsName", ""),
    ("Redfish connection failed: [SSL: CERTIFICATE_VERIFY_FAILED] self-signed", "CA", ""),
    ("Unable to insert virtual media", "virtual media", ""),
    ("The deploying operation can't be resumed by conductor bpa. Moving to fail state.", "tried again", ""),
]


@pytest.mark.parametrize(("message", "advice", "disk"), CAUSES_SEEN)
def test_known_messages_lead_to_advice(message: str, advice: str, disk: str) -> None:
    cause = cause_of(message)
    assert cause is not None and advice in cause.advice and disk in cause.disk


def test_a_wrong_checksum_says_what_became_of_the_disk() -> None:
    stuck = first_unmet(Facts(node=node("deploy failed", CAUSES_SEEN[0][0], image_url=IMAGE.url,
                                        image_checksum=IMAGE.checksum)))[1]
    assert isinstance(stuck, Stuck)
    assert "verification checksum: bb" in stuck.reason and "what was on it is gone" in stuck.reason


def test_a_failure_that_passes_is_not_tried_for_ever() -> None:
    failed = node("clean failed", "connection refused", retries=3)
    assert step_of(Facts(node=failed)) is Stuck
    assert step_of(Facts(node=replace(failed, retries=0))) == SetProvisionState("manage")


def test_every_cause_has_advice() -> None:
    assert all(cause.advice and cause.advice[0].islower() for cause in CAUSES)


MISFITS = [
    (replace(SEEN, cpus=1), "has 1 CPUs, must have 2"),
    (replace(SEEN, memory_mib=1024), "1.0 GiB of memory, must have 2.0"),
    (replace(SEEN, drives=(replace(DISK, size=2 * GIB),)), "disk LABDISK0 (2.0 GiB) is too small, it must have 4.0 GiB"),
    (replace(SEEN, drives=(replace(DISK, serial="X"),)), "no disk that fits serial LABDISK0; it has /dev/sda disk X"),
    (replace(SEEN, serial="SER2"), "another machine: its serial number is SER2, not SER1"),
    (replace(SEEN, addresses={"52:54:00:00:00:09": ""}), "no network card with the boot MAC"),
]


@pytest.mark.parametrize(("seen", "words"), MISFITS)
def test_a_machine_that_does_not_fit_is_refused_before_anything_is_written(seen: Inventory, words: str) -> None:
    condition, verdict = first_unmet(Facts(node=node("manageable", inventory=seen)))
    assert condition == "HardwareFits" and isinstance(verdict, Stuck) and words in verdict.reason


def test_all_misfits_are_told_at_once() -> None:
    bad = Inventory(1, 1024, "SER1", (DISK,), {})
    verdict = hardware.check(WANT, Facts(node=node("manageable", inventory=bad)))
    assert isinstance(verdict, Stuck) and "CPUs" in verdict.reason and "memory" in verdict.reason


@pytest.mark.parametrize("serial", ["", "Not Specified", "To Be Filled By O.E.M."])
def test_a_serial_number_that_the_maker_left_out_is_no_reason(serial: str) -> None:
    assert isinstance(hardware.check(WANT, Facts(node=node("manageable", inventory=replace(SEEN, serial=serial)))), Met)


BMC = BmcFacts("/redfish/v1/Systems/1", "Off", cpus=2, memory_mib=3072, drives=(Drive("Disk 0", "LABDISK0", 8 * GIB),))


def test_a_plan_says_before_enrolment_that_a_machine_is_too_small() -> None:
    small = replace(BMC, drives=(Drive("Disk 0", "LABDISK0", 2 * GIB),))
    verdict = hardware.check(WANT, Facts(bmc=small, node=NodeFacts("")))
    assert isinstance(verdict, Stuck) and "too small" in verdict.reason
    assert isinstance(hardware.check(WANT, Facts(bmc=BMC, node=NodeFacts(""))), Wait)


def test_the_disk_that_was_agreed_to_is_the_disk_that_is_written() -> None:
    planned = image.changes(WANT, Facts(bmc=BMC, node=NodeFacts("")))[0]
    assert planned.destroys == "disk LABDISK0 (8.0 GiB)" and planned.new == "debian.raw"
    step = step_of(Facts(bmc=BMC, node=node("available")))
    assert isinstance(step, Deploy) and step.destroys == planned.destroys
    other = replace(BMC, drives=(Drive("Disk 0", "OTHER", 8 * GIB),))
    two = replace(SEEN, drives=(DISK, replace(DISK, name="/dev/sdb", serial="SECOND", size=4 * GIB)))
    free = replace(WANT, root_device={})
    verdict = hardware.check(free, Facts(bmc=other, node=node("manageable", inventory=two)))
    assert isinstance(verdict, Stuck) and "OTHER" in verdict.reason and "SECOND" in verdict.reason


def test_without_hints_persistent_memory_is_never_the_root_disk() -> None:
    seen = replace(SEEN, drives=(Drive("/dev/pmem0", "", 5 * GIB), DISK))
    step = step_of(Facts(node=node("available", inventory=seen)), replace(WANT, root_device={}))
    assert isinstance(step, Deploy) and step.root_device == {"serial": "s== LABDISK0"}


def test_a_host_without_an_image_needs_none() -> None:
    want = replace(WANT, image=None)
    assert isinstance(image.check(want, Facts(node=node("manageable"))), Met)
    assert image.changes(want, Facts()) == ()


def test_a_plan_shows_no_image_change_for_a_host_that_has_it() -> None:
    assert image.changes(WANT, Facts(node=node("active", image_url=IMAGE.url, image_checksum=IMAGE.checksum))) == ()
    change = image.changes(WANT, Facts(node=node("active", image_url=OTHER.url)))[0]
    assert (change.old, change.new) == ("other.raw", "debian.raw")


NOW = datetime(2026, 1, 1, 12, 0, 0, tzinfo=UTC)


@pytest.mark.parametrize("node, due", [
    ({}, True),
    ({"driver_internal_info": {"agent_url": "https://192.0.2.1:9999"}}, False),
    ({"power_state": "power off"}, False),
    ({"provision_state": "manageable"}, False),
    ({"inspection_finished_at": None}, False),
    ({"inspection_finished_at": "2026-01-01T11:58:00+00:00"}, False),
    ({"inspection_finished_at": "2026-01-01T11:59:50"}, True),
])
def test_a_deploy_waits_for_the_ramdisk_that_still_runs(node, due):
    just_inspected = {"provision_state": "available", "power_state": "power on", "driver_internal_info": {},
                      "inspection_finished_at": "2026-01-01T11:59:50+00:00"}
    assert ramdisk_due(just_inspected | node, NOW) is due


def test_no_deploy_is_asked_for_while_the_ramdisk_is_due():
    verdict = image.check(WANT, Facts(node=NodeFacts("available", "u", ramdisk_due=True, inventory=SEEN)))
    assert isinstance(verdict, Wait) and "ramdisk" in verdict.reason
