"""The host has an Ironic node as documented, and Ironic's ramdisk has looked at the hardware."""

from __future__ import annotations

from bpa.core.facts import Facts, NodeFacts
from bpa.core.host.ironic_states import failure, may_pass, not_ours, trimmed, under_way
from bpa.core.requirement import HostRequirement
from bpa.core.steps import ClearMaintenance, Enrol, SetProvisionState
from bpa.core.verdict import Act, Met, Stuck, Verdict, Wait
from bpa.core.want import HostWant

RETRIES = 1
NOT_LOOKED = Wait("Ironic has not been asked yet", 2.0)


def check_enrolled(want: HostWant, have: Facts) -> Verdict:
    """Met from `manageable` on. Enrolment also brings a node back in line with a changed document."""
    node = have.node
    if node is None:
        return NOT_LOOKED
    if not node.provision_state:
        return Act(Enrol(want.name), "Ironic has no such node")
    if node.provision_state == "verifying" or not node.current:
        waiting = under_way(node)
        return waiting or Act(Enrol(want.name), "the node differs from the documents")
    if node.maintenance:
        return _maintenance(want, node)
    if node.provision_state == "enroll":
        return _verify(node)
    return not_ours(node, want.name) or Met(f"node {node.uuid[:8]}, {node.provision_state}")


def _verify(node: NodeFacts) -> Verdict:
    if may_pass(node):
        return Act(SetProvisionState("manage"), trimmed(node.last_error))
    stuck = failure(node)
    return Stuck(f"Ironic cannot manage the BMC: {trimmed(node.last_error)}", stuck.advice)


def _maintenance(want: HostWant, node: NodeFacts) -> Verdict:
    why = trimmed(node.maintenance_reason) or trimmed(node.last_error) or "no reason given"
    if not node.fault:
        return Stuck(f"a person put the node into maintenance: {why}",
                     f"when it may go on: `openstack baremetal node maintenance unset {want.name}`")
    if node.provision_state in ("clean failed", "rescue failed") and not may_pass(node):
        return failure(node)
    return Act(ClearMaintenance(), f"{node.fault}: {why}")


def check_inspected(want: HostWant, have: Facts) -> Verdict:
    """Met when Ironic has an inventory, or the host is in use and so is not disturbed for one."""
    node = have.node
    if node is None or not node.provision_state:
        return Wait("the host is not enrolled yet", 2.0)
    if node.provision_state in ("inspecting", "inspect wait", "verifying"):
        return under_way(node) or NOT_LOOKED
    if node.inventory is not None and node.provision_state != "inspect failed":
        return Met(_evidence(node))
    match node.provision_state:
        case "inspect failed":
            if node.retries < RETRIES or not node.last_error:
                return Act(SetProvisionState("manage"), trimmed(node.last_error))
            return failure(node)
        case "manageable":
            return Act(SetProvisionState("inspect"), "not inspected yet")
        case "available":
            return Act(SetProvisionState("manage"), "not inspected yet")
        case "enroll":
            return Wait("Ironic does not manage the host yet", 2.0)
        case "active":
            return Met("in use; it was deployed without inspection")
    return under_way(node) or not_ours(node, want.name) or Met(f"not inspected ({node.provision_state})")


def _evidence(node: NodeFacts) -> str:
    seen = node.inventory
    if seen is None or not seen.cpus:
        return "inspected"
    return f"{seen.cpus} CPUs, {seen.memory_mib} MiB, {len(seen.drives)} disks"


ENROLLED = HostRequirement(
    "Enrolled", "node", check_enrolled, "Ironic knows the host as documented and manages its BMC",
    patience=600.0, seconds=5.0)
INSPECTED = HostRequirement(
    "Inspected", "node", check_inspected, "the ramdisk has reported the hardware", patience=3600.0, seconds=90.0)
